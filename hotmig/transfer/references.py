"""Foreign keys that the old schema did not guarantee, checked for the rows that a replay touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hotmig.catalog.affinity import column_affinity
from hotmig.catalog.model import Column, ForeignKey, Table
from hotmig.errors import Refused
from hotmig.planning.following import is_compared_as_stored
from hotmig.planning.model import TableStep
from hotmig.sqlite import conjunction, execute, fold, quote
from hotmig.transfer.conflicts import HINT
from hotmig.transfer.key_sql import row_value
from hotmig.transfer.misfits import SAMPLES
from hotmig.transfer.old_rows import Misfit, Named, cut, named, old_key, told
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql


def new_references(session: Session) -> Iterator[tuple[TableStep, int, ForeignKey]]:
    """(child, number, foreign key) for each one that is new; the number names its work table."""
    number = 0
    for step in session.plan.steps:
        for key in step.new_foreign_keys:
            number += 1
            yield step, number, key


def remember_deleted(session: Session, parent: StepSql) -> None:
    """Keeps what the rows that are about to be taken out were called by the children of new foreign keys."""
    for _, number, foreign in new_references(session):
        if fold(foreign.parent) != fold(parent.step.table.name):
            continue
        referred = _referred(parent.step.table, foreign)
        # With the parent's affinity: a child's text '01' refers to the integer 1.
        types = [column_affinity(parent.step.table, column) for column in referred]
        names = ", ".join(f"g{position} {affinity}" for position, affinity in enumerate(types, 1))
        gone = f"_migration_gone_{number}"
        execute(session.db, f"DROP TABLE IF EXISTS temp.{gone}")
        execute(session.db, f"CREATE TEMP TABLE {gone}({names})")
        execute(session.db, f"INSERT INTO temp.{gone} {_called(parent, referred)}")


def _called(parent: StepSql, referred: Sequence[Column]) -> str:
    """By its key also a row that the copy left out: it is not there to be taken out, and has children all the same."""
    kept = parent.step.keys == "kept"
    names = parent.key if kept else [f"d{position}" for position in range(1, len(parent.step.new_key) + 1)]
    key = dict(zip(map(fold, parent.step.new_key), names, strict=True))
    if all(fold(column.name) in key for column in referred):
        called = ", ".join(key[fold(column.name)] for column in referred)
        return f"SELECT {called} FROM {parent.keys if kept else parent.doomed}"
    values = ", ".join(f"n.{quote(column.name)}" for column in referred)
    return f"SELECT {values} FROM {parent.target} AS n WHERE {parent.is_doomed('n')}"


def check_touched(session: Session, touched: Sequence[StepSql]) -> None:
    """Raises Refused where a row that was put in finds no parent, or a parent was taken away from its children."""
    by_name = {step.step.table.name: step for step in touched}
    for child, number, key in new_references(session):
        step = by_name.get(child.table.name)
        if step is not None:
            _refuse_put_in(session, step, key)
        for parent in touched:
            if fold(parent.step.table.name) == fold(key.parent):
                _refuse_standing(session, child, key, _referred_to_gone(parent.step.table, child.table, key, number))


def _referred_to_gone(parent: Table, child: Table, key: ForeignKey, number: int) -> str:
    """Whether the child ``c`` referred to a row that was taken out. A foreign key goes by the parent's collation."""
    values = []
    for ours, theirs in zip(key.columns, _referred(parent, key), strict=True):
        column = child.column(ours)
        plain = column is not None and is_compared_as_stored(child, column, parent, theirs)
        # Bare where that is the same, for then an index of the child is of use.
        values.append(f"{'' if plain else '+'}c.{quote(ours)} COLLATE {quote(theirs.collation)}")
    gone = ", ".join(f"g{position}" for position in range(1, len(values) + 1))
    return f"{row_value(values)} IN (SELECT {gone} FROM temp._migration_gone_{number})"


def _referred(parent: Table, key: ForeignKey) -> list[Column]:
    """The columns that a foreign key refers to."""
    return [column for name in key.parent_columns if (column := parent.column(name)) is not None]


def check_all(session: Session) -> None:
    """Raises Refused where any row of the new database breaks a foreign key that the old schema did not guarantee."""
    for child, _, key in new_references(session):
        _refuse_standing(session, child, key, "1")


def _refuse_put_in(session: Session, child: StepSql, key: ForeignKey) -> None:
    """Among the rows that the replay put in."""
    values = [f"r.{child.positions[fold(name)]}" for name in key.columns if fold(name) in child.positions]
    if len(values) == len(key.columns):
        columns = [*child.key_of("r"), *map(cut, values)]
        found = f"SELECT {', '.join(columns)} FROM {child.rows} AS r WHERE {parentless(key, values)}"
        rows = execute(session.db, f"{found} LIMIT {SAMPLES}").fetchall()
        _refuse(child.step, key, [named(row, len(child.key), 0) for row in rows])


def _refuse_standing(session: Session, child: TableStep, key: ForeignKey, where: str) -> None:
    """Among all rows ``c`` of the new table for which the condition holds."""
    own = [f"c.{quote(name)}" for name in child.new_key]
    old = old_key(StepSql(child, session.plan), own) if child.source is not None else ()
    values = [f"c.{quote(name)}" for name in key.columns]
    found = (
        f"SELECT {', '.join([*(old or ['NULL']), *own, *map(cut, values)])} FROM main.{quote(child.table.name)} AS c"
        f" WHERE {where} AND {parentless(key, values)}"
    )
    rows = execute(session.db, f"{found} LIMIT {SAMPLES}").fetchall()
    _refuse(child, key, [named(row, len(old) or 1, len(own)) for row in rows])


def parentless(key: ForeignKey, values: Sequence[str]) -> str:
    """Whether these values of a foreign key are given, and lead to no row of the new table."""
    return f"{conjunction(f'{name} IS NOT NULL' for name in values)} AND NOT {_parent_exists(key, values)}"


def _parent_exists(key: ForeignKey, values: Sequence[str]) -> str:
    join = conjunction(f"q.{quote(column)} = +{name}" for column, name in zip(key.parent_columns, values, strict=True))
    return f"EXISTS (SELECT 1 FROM main.{quote(key.parent)} AS q WHERE {join})"


def _refuse(child: TableStep, key: ForeignKey, rows: Sequence[Named]) -> None:
    if rows:
        what = f'"{child.table.name}" ({", ".join(key.columns)}) refers to no row of "{key.parent}"'
        misfits = [Misfit(row, columns=key.columns) for row in rows]
        raise Refused(f"a foreign key of the new schema is broken: {what}", HINT, rows=told(child, misfits))
