"""``_id_mapping``: the new key of every old row whose key the new schema cannot keep."""

from __future__ import annotations

from hotmig.planning.model import ColumnStep
from hotmig.sqlite import conjunction, execute, fold, quote, same, value
from hotmig.transfer.bookkeeping import columns
from hotmig.transfer.key_sql import matches
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql


def old_names(step: StepSql) -> tuple[str, ...]:
    """The columns of ``_id_mapping`` that hold this table's old key."""
    return columns("old_id", len(step.source_key.columns))


def new_names(step: StepSql) -> tuple[str, ...]:
    """The columns of ``_id_mapping`` that hold this table's new key."""
    return columns("new_id", len(step.step.new_key))


def assign(session: Session, step: StepSql, rows: str) -> int:
    """Maps every projected row that has no mapping yet; returns how many.

    ``rows`` is what stands behind FROM, with the projection under the alias ``p``, and ends in a WHERE condition.

    New integers go on behind every one in use, in the order of the old keys.
    """
    new_key = [_column(step, name) for name in step.step.new_key]
    computed = tuple(f"p.{step.positions[fold(column.name)]}" for column in new_key)
    number = f"{last_assigned(session, step)} + row_number() OVER (ORDER BY {', '.join(step.key_of('p'))})"
    values = [number if column.assigned else name for column, name in zip(new_key, computed, strict=True)]
    absent = matches([f"m.{name}" for name in old_names(step)], [f"+{name}" for name in step.key_of("p")])
    cursor = execute(
        session.db,
        f"INSERT INTO main._id_mapping(table_name, {', '.join(old_names(step))}, {', '.join(new_names(step))})"
        f" SELECT {step.label}, {', '.join(step.key_of('p'))}, {', '.join(values)} FROM {rows}"
        f" AND NOT EXISTS (SELECT 1 FROM main._id_mapping AS m WHERE m.table_name = {step.label} AND {absent})",
    )
    added = max(cursor.rowcount, 0)
    session.last_assigned[step.step.table.name] += added
    return added


def _column(step: StepSql, name: str) -> ColumnStep:
    return next(column for column in step.written if fold(column.name) == fold(name))


def last_assigned(session: Session, step: StepSql) -> int:
    """The highest new integer in use. The first call reads all mappings of the table: not one for the pause."""
    name = step.step.table.name
    if name not in session.last_assigned:
        session.last_assigned[name] = _highest_in_use(session, step)
    return session.last_assigned[name]


def _highest_in_use(session: Session, step: StepSql) -> int:
    """By a mapping, a row, or a seed that is yet to come."""
    assigned = [_column(step, name) for name in step.step.new_key if _column(step, name).assigned]
    if not assigned:
        return 0
    name = assigned[0].name
    mapped = new_names(step)[[fold(key) for key in step.step.new_key].index(fold(name))]
    in_rows = value(session.db, f"SELECT max({quote(name)}) FROM {step.target}") or 0
    in_mapping = value(session.db, f"SELECT max({mapped}) FROM main._id_mapping WHERE table_name = {step.label}") or 0
    in_seeds = [seed.by_name.get(fold(name)) for seed in step.step.seeds]
    return max(in_rows, in_mapping, *(number for number in in_seeds if isinstance(number, int)), 0)


def index_new_keys(session: Session, step: StepSql) -> None:
    """Makes it quick to ask who has a new key, where two old rows could get the same: each replay asks for its rows.

    For when they are all there: an index over sorted keys is made in a part of the time.
    """
    index = f"CREATE INDEX IF NOT EXISTS main._migration_new_keys_{step.step.number} ON _id_mapping"
    execute(session.db, f"{index}({', '.join(new_names(step))}) WHERE table_name = {step.label}")


def doom_moved(session: Session, step: StepSql, doomed: str) -> None:
    """Puts the new keys of logged rows that are gone, or whose computed new key moved, into the table ``doomed``,
    and forgets their mappings."""
    old = old_names(step)
    mapped = matches([f"m.{name}" for name in old], step.key_of("k"))
    found = matches(step.key_of("p"), step.key_of("k"), step.source_collations)
    unmoved = conjunction(
        same(f"m.{name}", f"p.{position}", signed_zero=True)
        for name, position in zip(new_names(step), step.new_key, strict=True)
    )
    execute(session.db, "DROP TABLE IF EXISTS temp._migration_moved")
    execute(
        session.db,
        f"CREATE TEMP TABLE _migration_moved AS SELECT {', '.join(f'm.{name}' for name in (*old, *new_names(step)))}"
        f" FROM {step.keys} AS k CROSS JOIN main._id_mapping AS m ON m.table_name = {step.label} AND {mapped}"
        f" WHERE NOT EXISTS (SELECT 1 FROM {step.view} AS p WHERE {found} AND {unmoved})",
    )
    execute(session.db, f"INSERT INTO {doomed} SELECT {', '.join(new_names(step))} FROM temp._migration_moved")
    _forget(session, step, "temp._migration_moved")


def _forget(session: Session, step: StepSql, table: str) -> None:
    """Deletes the mappings whose old keys stand in ``table``."""
    old = old_names(step)
    execute(
        session.db,
        f"DELETE FROM main._id_mapping WHERE (table_name, {', '.join(old)}) IN"
        f" (SELECT {step.label}, {', '.join(f'+{name}' for name in old)} FROM {table})",
    )
