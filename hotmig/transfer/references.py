"""Foreign keys that the old schema did not guarantee, checked for the rows that a replay touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hotmig.catalog.model import ForeignKey
from hotmig.errors import Refused
from hotmig.planning.model import TableStep
from hotmig.sqlite import conjunction, execute, fold, quote
from hotmig.transfer.conflicts import HINT, SAMPLES, shown
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql, row_value


def new_references(session: Session) -> Iterator[tuple[TableStep, int, ForeignKey]]:
    """(child, number, foreign key) for each one that is new; the number names its work table."""
    number = 0
    for step in session.plan.steps:
        for key in step.new_foreign_keys:
            number += 1
            yield step, number, key


def remember_deleted(session: Session, parent: StepSql) -> None:
    """Keeps what the rows that are about to be taken out were called by the children of new foreign keys."""
    for _, number, key in new_references(session):
        if fold(key.parent) != fold(parent.step.table.name):
            continue
        names = ", ".join(f"g{column}" for column in range(1, len(key.columns) + 1))
        values = ", ".join(f"n.{quote(column)}" for column in key.parent_columns)
        doomed = ", ".join(f"+d{column}" for column in range(1, len(parent.new_key) + 1))
        where = f"{row_value(parent.target_key_of('n'))} IN (SELECT {doomed} FROM {parent.doomed})"
        execute(session.db, f"DROP TABLE IF EXISTS temp.gone_{number}")
        execute(session.db, f"CREATE TEMP TABLE gone_{number}({names})")
        execute(session.db, f"INSERT INTO temp.gone_{number} SELECT {values} FROM {parent.target} AS n WHERE {where}")


def check_touched(session: Session, touched: Sequence[StepSql]) -> None:
    """Raises Refused where a row that was put in finds no parent, or a parent was taken away from its children."""
    by_name = {step.step.table.name: step for step in touched}
    for child, number, key in new_references(session):
        label = f'"{child.table.name}" ({", ".join(key.columns)}) refers to no row of "{key.parent}"'
        step = by_name.get(child.table.name)
        if step is not None:
            _refuse(session, label, _children_without_parent(step, key))
        if any(fold(parent.step.table.name) == fold(key.parent) for parent in touched):
            _refuse(session, label, _children_left_behind(child, number, key))


def _children_without_parent(child: StepSql, key: ForeignKey) -> str:
    values = [f"r.{child.positions[fold(name)]}" for name in key.columns if fold(name) in child.positions]
    if len(values) < len(key.columns):
        return ""
    return (
        f"SELECT {', '.join(values)} FROM {child.rows} AS r"
        f" WHERE {conjunction(f'{name} IS NOT NULL' for name in values)} AND NOT {_parent_exists(key, values)}"
    )


def _children_left_behind(child: TableStep, number: int, key: ForeignKey) -> str:
    values = [f"c.{quote(name)}" for name in key.columns]
    gone = ", ".join(f"+g{column}" for column in range(1, len(values) + 1))
    return (
        f"SELECT {', '.join(values)} FROM main.{quote(child.table.name)} AS c"
        f" WHERE {row_value(values)} IN (SELECT {gone} FROM temp.gone_{number}) AND NOT {_parent_exists(key, values)}"
    )


def _parent_exists(key: ForeignKey, values: Sequence[str]) -> str:
    join = conjunction(f"q.{quote(column)} = +{name}" for column, name in zip(key.parent_columns, values, strict=True))
    return f"EXISTS (SELECT 1 FROM main.{quote(key.parent)} AS q WHERE {join})"


def _refuse(session: Session, label: str, select: str) -> None:
    rows = execute(session.db, f"{select} LIMIT {SAMPLES}").fetchall() if select else []
    if rows:
        raise Refused(f"a foreign key of the new schema is broken: {label}: {', '.join(map(shown, rows))}", HINT)


def check_all(session: Session) -> None:
    """Raises Refused where any row of the new database breaks a foreign key that the old schema did not guarantee."""
    for child, _, key in new_references(session):
        values = [f"c.{quote(name)}" for name in key.columns]
        given = conjunction(f"{name} IS NOT NULL" for name in values)
        label = f'"{child.table.name}" ({", ".join(key.columns)}) refers to no row of "{key.parent}"'
        _refuse(
            session,
            label,
            f"SELECT {', '.join(values)} FROM main.{quote(child.table.name)} AS c"
            f" WHERE {given} AND NOT {_parent_exists(key, values)}",
        )
