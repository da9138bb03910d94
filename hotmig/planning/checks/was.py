"""A Was that names nothing of the old database, an old table that two new ones claim, a column left empty by a Was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from hotmig.catalog.model import Table
from hotmig.planning.checking import Context, check
from hotmig.planning.hints import UsedHints
from hotmig.planning.lines import bare, from_line, was_marker
from hotmig.planning.mapping import claimed_column, declared_was
from hotmig.planning.model import Finding, TableStep
from hotmig.planning.successors import claimant, has_no_value
from hotmig.schema.model import ColumnRules

NAME = "was"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    used = UsedHints(context.used_hints)
    for step in context.plan.steps:
        yield from _unknown_table(context, step, used)
        yield from _unknown_columns(context, step, used)
        yield from _left_empty(context, step)
    yield from _claimed_twice(context)


def _unknown_table(context: Context, step: TableStep, used: UsedHints) -> Iterable[Finding]:
    was = declared_was(context.rules(step), used)
    if was is None or context.plan.old.table(was) is not None:
        return
    message = f'{step.table.name} says was="{was}", and the old database has no table {was}'
    if step.source is None:
        yield Finding(NAME, "block", step.table.name, message)
    else:
        yield Finding(NAME, "note", step.table.name, f"{message}: the rows come from {step.source.name}")


def _unknown_columns(context: Context, step: TableStep, used: UsedHints) -> Iterable[Finding]:
    rules = context.rules(step)
    if step.source is None or rules is None:
        return
    for column in rules.columns:
        unknown = _unknown(step.source, column, used)
        if not unknown:
            continue
        said = f"{step.table.name}.{column.field} says {was_marker(column.was_names)}"
        message = f"{said}, and {step.source.name} has no column {', '.join(unknown)}"
        same = step.source.column(column.column)
        if same is None:
            yield Finding(NAME, "block", step.table.name, message)
        else:
            yield Finding(NAME, "note", step.table.name, f"{message}: the values come from {same.name}")


def _unknown(source: Table, column: ColumnRules, used: UsedHints) -> list[str]:
    """The names of an unused Was that the old table doesn't have."""
    if column.source is not None or used.has_was(source, column):
        return []
    if column.was is not None:
        return [] if claimed_column(source, column, used) is not None else [column.was]
    return [name for name in column.together if source.column(name) is None]


def _left_empty(context: Context, step: TableStep) -> Iterable[Finding]:
    """A column whose old namesake goes to another one: easily overlooked where NULL or a default stands in for it."""
    for column in step.table.stored_columns:
        taker = claimant(step, column)
        if taker is None or has_no_value(step, column):
            continue
        gets = "NULL" if column.default is None else f"its default {column.default}"
        old = f"{step.source.name if step.source is not None else ''}.{column.name}"
        message = f"{step.table.name}.{column.name} gets {gets} in every row: the old {old} goes to {taker} by its Was"
        yield Finding(NAME, "warn", step.table.name, message, from_line(context, step, column, bare(column.name)))


def _claimed_twice(context: Context) -> Iterable[Finding]:
    claims: dict[str, list[str]] = defaultdict(list)
    for step in context.plan.steps:
        if step.source is not None:
            claims[step.source.name].append(step.table.name)
    for source, tables in sorted(claims.items()):
        if len(tables) > 1:
            message = f"{' and '.join(sorted(tables))} both say was={source!r}: the rows of one table go to one table"
            yield Finding(NAME, "block", sorted(tables)[0], message)
