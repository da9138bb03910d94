"""Rows that Merge makes and that refer to no row: create= says to which, and there is no old reference to follow."""

from __future__ import annotations

from collections.abc import Iterator

from hotmig.catalog.affinity import column_affinity, stored
from hotmig.catalog.model import Column, ForeignKey, Table
from hotmig.planning.group_facts import Unfit
from hotmig.planning.model import TableStep
from hotmig.planning.orphan_sql import seed_select
from hotmig.sqlite import conjunction, disjunction, fold, quote
from hotmig.transfer.groups import fates
from hotmig.transfer.groups.created import made_columns
from hotmig.transfer.groups.fates import LIVE
from hotmig.transfer.groups.samples import SAMPLES
from hotmig.transfer.groups.sql import GroupSql
from hotmig.transfer.judged.court import Court, values_that_stay
from hotmig.transfer.old_rows import shown
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql


def parentless(court: Court, session: Session, group: GroupSql, table: str) -> Iterator[Unfit]:
    """One for each foreign key by which any refers to no row; ``table`` has the rows that are made."""
    for foreign in group.step.table.foreign_keys:
        parent = session.plan.step(foreign.parent)
        if parent is None or not foreign.parent_columns:
            continue
        parents = [*_parents(session, parent, foreign)]
        if parent.number == group.step.number:
            own = ", ".join(f"{quote(name)} AS u{at}" for at, name in enumerate(foreign.parent_columns, 1))
            parents.append(f"SELECT {own} FROM {table}")
        what = f"by {', '.join(foreign.columns)} to no row of {foreign.parent}"
        rows = f"{table} AS t WHERE {_is_orphan(group.step.table, parent.table, foreign, parents)}"
        listed = f"count(*) OVER (), t.{quote(group.grouping.merges_by or '')}"
        sql = f"SELECT {listed} FROM {rows} ORDER BY 2 LIMIT {SAMPLES}"
        found = court.ask(f"rows that create= makes refer {what}", sql)
        if found:
            yield Unfit("create", ("refers", "refer"), what, found[0][0], tuple(shown(row[1:]) for row in found))


def _parents(session: Session, parent: TableStep, foreign: ForeignKey) -> Iterator[str]:
    """SELECTs of what new rows of the parent are referred to by, as ``u1``, …; no key is known that is yet to come."""
    if parent.source is not None and parent.source_key is not None:
        rows = values_that_stay(StepSql(parent, session.plan), foreign.parent_columns)
        if rows is not None:
            yield rows
    seeds = [[seed.by_name.get(fold(name)) for name in foreign.parent_columns] for seed in parent.seeds]
    whole = [row for row in seeds if None not in row]
    if whole:
        yield seed_select([f"u{number}" for number in range(1, len(foreign.parent_columns) + 1)], whole)
    group = next((each for each in session.groups if each.step.number == parent.number), None)
    if group is not None and group.grouping.create is not None:
        made = {fold(name): f"n.{own}" for name, own in made_columns(group)}
        columns = _columns(parent.table, foreign.parent_columns)
        values = [stored(made.get(fold(each.name), "NULL"), column_affinity(parent.table, each)) for each in columns]
        listed = ", ".join(f"{sql} AS u{number}" for number, sql in enumerate(values, 1))
        yield f"SELECT {listed} FROM {fates.created(parent)} AS n WHERE n.{LIVE}"


def _is_orphan(child: Table, parent: Table, foreign: ForeignKey, parents: list[str]) -> str:
    """Whether the row ``t`` refers to a parent that isn't there, by the parent's type and collation."""
    pairs = zip(_columns(child, foreign.columns), _columns(parent, foreign.parent_columns), strict=True)
    terms = []
    for number, (ours, theirs) in enumerate(pairs, 1):
        value = stored(f"t.{quote(ours.name)}", column_affinity(parent, theirs), column_affinity(child, ours))
        terms.append(f"p.u{number} = {value} COLLATE {quote(theirs.collation)}")
    found = disjunction(f"EXISTS (SELECT 1 FROM ({rows}) AS p WHERE {conjunction(terms)})" for rows in parents)
    given = conjunction(f"t.{quote(name)} IS NOT NULL" for name in foreign.columns)
    return f"{given} AND NOT {found}"


def _columns(table: Table, names: tuple[str, ...]) -> list[Column]:
    return [column for name in names if (column := table.column(name)) is not None]
