"""SQL of Duplicates, Merge and touch that the old table can't take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing

from hotmig.planning.checking import Context, check
from hotmig.planning.expressions import compiled
from hotmig.planning.grouping import CANONICAL, with_canonical
from hotmig.planning.model import Finding, TableStep
from hotmig.schema.group_rules import is_constant
from hotmig.sqlite import connect, fold

NAME = "group-sql"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        if step.source is None:
            continue
        if step.grouping is not None and step.source.column(CANONICAL) is not None:
            yield Finding(NAME, "block", step.table.name, f"{step.source.name} has a column {CANONICAL} of its own")
        for what, sql in _expressions(step):
            error = compiled(with_canonical(sql, "1"), step.source).error
            if error is not None:
                message = f"{what} of {step.table.name} can't be read from {step.source.name}: {sql}: {error}"
                yield Finding(NAME, "block", step.table.name, message)


def _expressions(step: TableStep) -> Iterator[tuple[str, str]]:
    grouping = step.grouping
    if grouping is not None:
        yield from (("prefer", term.expression) for term in grouping.prefer)
        if grouping.collide is not None:
            yield "collide", grouping.collide
        yield from ((f"losers[{fold(name)!r}]", sql) for name, sql in grouping.losers or ())
    # One that reads no column is evaluated once, and may ask for the time.
    yield from (
        (f"touch[{each.column!r}]", each.expression) for each in step.touches if not _is_constant(each.expression)
    )


def _is_constant(sql: str) -> bool:
    with closing(connect(":memory:", "rwc")) as db:
        return is_constant(db, sql)
