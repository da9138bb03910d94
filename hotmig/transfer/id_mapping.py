"""``_id_mapping``: the new key of every old row whose key the new schema cannot keep."""

from __future__ import annotations

from hotmig.planning.model import ColumnStep
from hotmig.sqlite import conjunction, execute, quote, same, value
from hotmig.transfer.bookkeeping import columns
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql, matches


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
    computed = tuple(f"p.{step.positions[column.name.lower()]}" for column in new_key)
    number = f"{_last_assigned(session, step)} + row_number() OVER (ORDER BY {', '.join(step.key_of('p'))})"
    values = [number if column.assigned else name for column, name in zip(new_key, computed, strict=True)]
    absent = matches([f"m.{name}" for name in old_names(step)], [f"+{name}" for name in step.key_of("p")])
    cursor = execute(
        session.db,
        f"INSERT INTO main._id_mapping(table_name, {', '.join(old_names(step))}, {', '.join(new_names(step))})"
        f" SELECT {step.label}, {', '.join(step.key_of('p'))}, {', '.join(values)} FROM {rows}"
        f" AND NOT EXISTS (SELECT 1 FROM main._id_mapping AS m WHERE m.table_name = {step.label} AND {absent})",
    )
    return max(cursor.rowcount, 0)


def _column(step: StepSql, name: str) -> ColumnStep:
    return next(column for column in step.written if column.name.lower() == name.lower())


def _last_assigned(session: Session, step: StepSql) -> int:
    """The highest new integer in use: by a mapping, a row, or a seed that is yet to come."""
    assigned = [_column(step, name) for name in step.step.new_key if _column(step, name).assigned]
    if not assigned:
        return 0
    name = assigned[0].name
    mapped = new_names(step)[[key.lower() for key in step.step.new_key].index(name.lower())]
    in_rows = value(session.db, f"SELECT max({quote(name)}) FROM {step.target}") or 0
    in_mapping = value(session.db, f"SELECT max({mapped}) FROM main._id_mapping WHERE table_name = {step.label}") or 0
    seeds = [dict(zip(map(str.lower, seed.columns), seed.values, strict=True)) for seed in step.step.seeds]
    in_seeds = [seed.get(name.lower()) for seed in seeds]
    return max(in_rows, in_mapping, *(number for number in in_seeds if isinstance(number, int)), 0)


def respell(session: Session, step: StepSql) -> None:
    """Lets a mapping follow its row from 'bob' to 'BOB', which the old key's collation holds to be one key.

    Children that refer to it have not been written, so they must find the same new key.
    """
    if all(collation in ("", "BINARY") for collation in step.source_key.collations):
        return
    old = old_names(step)
    spelling = [f"{name} AS s_{number}" for number, name in enumerate(step.key_of("k"), 1)]
    pairs = zip(old, step.source_key.collations, strict=True)
    alike = conjunction(
        f"m.{name} = s.s_{number} COLLATE {quote(collation or 'BINARY')}"
        for number, (name, collation) in enumerate(pairs, 1)
    )
    present = matches(step.source_key_of("o"), step.key_of("k"), step.source_collations)
    spelled = f"SELECT {', '.join(spelling)} FROM {step.keys} AS k CROSS JOIN {step.source} AS o ON {present}"
    execute(session.db, "DROP TABLE IF EXISTS temp.respelled")
    # Only spellings that are logged can have changed, and only where the one that is mapped is logged too.
    mapped = matches([f"m.{name}" for name in old], step.key_of("j"))
    changed = " OR ".join(f"m.{name} <> s.s_{number} COLLATE BINARY" for number, name in enumerate(old, 1))
    execute(
        session.db,
        f"CREATE TEMP TABLE respelled AS SELECT {', '.join(f'm.{name}' for name in (*old, *new_names(step)))},"
        f" {', '.join(f's.s_{number}' for number in range(1, len(old) + 1))}"
        f" FROM {step.keys} AS j CROSS JOIN main._id_mapping AS m ON m.table_name = {step.label} AND {mapped}"
        f" JOIN ({spelled}) AS s ON {alike} WHERE {changed}",
    )
    _forget(session, step, "temp.respelled")
    execute(
        session.db,
        f"INSERT INTO main._id_mapping(table_name, {', '.join((*old, *new_names(step)))}) SELECT {step.label},"
        f" {', '.join(f's_{number}' for number in range(1, len(old) + 1))}, {', '.join(new_names(step))}"
        f" FROM temp.respelled",
    )


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
    execute(session.db, "DROP TABLE IF EXISTS temp.moved")
    execute(
        session.db,
        f"CREATE TEMP TABLE moved AS SELECT {', '.join(f'm.{name}' for name in (*old, *new_names(step)))}"
        f" FROM {step.keys} AS k CROSS JOIN main._id_mapping AS m ON m.table_name = {step.label} AND {mapped}"
        f" WHERE NOT EXISTS (SELECT 1 FROM {step.view} AS p WHERE {found} AND {unmoved})",
    )
    execute(session.db, f"INSERT INTO {doomed} SELECT {', '.join(new_names(step))} FROM temp.moved")
    _forget(session, step, "temp.moved")


def _forget(session: Session, step: StepSql, table: str) -> None:
    """Deletes the mappings whose old keys stand in ``table``."""
    old = old_names(step)
    execute(
        session.db,
        f"DELETE FROM main._id_mapping WHERE (table_name, {', '.join(old)}) IN"
        f" (SELECT {step.label}, {', '.join(f'+{name}' for name in old)} FROM {table})",
    )
