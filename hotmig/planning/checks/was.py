"""A Was that names nothing of the old database, and an old table that two new ones claim."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.hints import UsedHints
from hotmig.planning.mapping import claimed_column, declared_was
from hotmig.planning.model import Finding, TableStep

NAME = "was"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    used = UsedHints(context.used_hints)
    for step in context.plan.steps:
        yield from _unknown_table(context, step, used)
        yield from _unknown_columns(context, step, used)
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
        if column.was is None or used.has("was", step.table.name, column.column, column.was):
            continue
        if column.source is not None or claimed_column(step.source, column, step.table, used) is not None:
            continue
        message = f'{step.table.name}.{column.field} says Was("{column.was}"), and {step.source.name} has no column'
        same = step.source.column(column.column)
        if same is None:
            yield Finding(NAME, "block", step.table.name, f"{message} {column.was}")
        else:
            yield Finding(NAME, "note", step.table.name, f"{message} {column.was}: the values come from {same.name}")


def _claimed_twice(context: Context) -> Iterable[Finding]:
    claims: dict[str, list[str]] = defaultdict(list)
    for step in context.plan.steps:
        if step.source is not None:
            claims[step.source.name].append(step.table.name)
    for source, tables in sorted(claims.items()):
        if len(tables) > 1:
            message = f"{' and '.join(sorted(tables))} both say was={source!r}: the rows of one table go to one table"
            yield Finding(NAME, "block", sorted(tables)[0], message)
