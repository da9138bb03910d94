"""A From that names an unknown column, or that is no function of one old row."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.expressions import compiled
from hotmig.planning.model import Finding, TableStep

NAME = "from"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        yield from _of_step(context, step)


def _of_step(context: Context, step: TableStep) -> Iterable[Finding]:
    for column in step.columns:
        if step.source is None or column.expression is None or step.taken_from(column) is not None:
            continue
        error = compiled(column.expression, step.source).error
        if error is None:
            continue
        rules = context.column_rules(step, column.name)
        field = rules.field if rules is not None else column.name
        if error.startswith("no such column: "):
            why = f"{step.source.name} has no column {error.removeprefix('no such column: ')}"
        else:
            why = f"it is not row-local: {error}"
        yield Finding(NAME, "block", step.table.name, f"{step.table.name}.{field}: From({column.expression!r}): {why}")
