"""Hints that made the old database: they are not applied a second time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.planning.checking import Context, check, literal
from hotmig.planning.hints import UsedHints
from hotmig.planning.lines import was_marker
from hotmig.planning.mapping import declared_was
from hotmig.planning.model import Finding, TableStep

NAME = "used-hint"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    used = UsedHints(context.used_hints)
    for step in sorted(context.plan.steps, key=lambda step: step.table.name):
        for where, said in _used(context, step, used):
            message = f"{where}: {said} has done its work in the old database and is not applied again"
            yield Finding(NAME, "note", step.table.name, message)


def _used(context: Context, step: TableStep, used: UsedHints) -> Iterator[tuple[str, str]]:
    """Where each hint stands, and how it is written."""
    rules = context.rules(step)
    if rules is None or step.source is None:
        return
    if rules.was is not None and declared_was(rules, used) is None:
        yield step.table.name, f"was={literal(rules.was)}"
    for column in sorted(rules.columns, key=lambda each: each.column):
        where = f"{step.table.name}.{column.column}"
        if column.source is not None and used.has_from(step.source, column):
            yield where, f"From({literal(column.source)})"
        if column.was_names and used.has_was(step.source, column):
            yield where, was_marker(column.was_names)
