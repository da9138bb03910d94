"""SQL of Duplicates, Merge and touch that the old table can't take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.planning.checking import Context, check
from hotmig.planning.expressions import compiled
from hotmig.planning.grouping import CANONICAL, with_canonical
from hotmig.planning.model import Finding, TableStep
from hotmig.sqlite import fold

NAME = "group-sql"
NO_COLUMN = "no such column: "


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        if step.source is None:
            continue
        if step.grouping is not None and step.source.column(CANONICAL) is not None:
            yield Finding(NAME, "block", step.table.name, f"{step.source.name} has a column {CANONICAL} of its own")
        for what, sql in _expressions(step):
            error = compiled(sql, step.source).error
            if error is not None:
                message = f"{what} of {step.table.name} can't be read from {step.source.name}: {sql}: {error}"
                yield Finding(NAME, "block", step.table.name, message)


def _expressions(step: TableStep) -> Iterator[tuple[str, str]]:
    grouping = step.grouping
    if grouping is not None:
        told = [("prefer", term.expression) for term in grouping.prefer]
        if grouping.collide is not None:
            told.append(("collide", grouping.collide))
        told += [(f"losers[{fold(name)!r}]", sql) for name, sql in grouping.losers or ()]
        yield from ((what, with_canonical(sql, "1")) for what, sql in told)
    for touch in step.touches:
        found = compiled(touch.expression, step.source) if step.source is not None else None
        # One that reads no column is evaluated once, and may ask for the time; an unknown column is not read either.
        if found is not None and (found.reads or (found.error or "").startswith(NO_COLUMN)):
            yield f"touch[{touch.column!r}]", touch.expression
