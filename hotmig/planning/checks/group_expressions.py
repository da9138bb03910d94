"""SQL of Duplicates, Merge and touch that the old table can't take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.catalog.lexer import tokens
from hotmig.catalog.model import Table
from hotmig.planning.checking import Context, check
from hotmig.planning.expressions import compiled
from hotmig.planning.grouping import CANONICAL, with_canonical
from hotmig.planning.model import Finding, TableStep
from hotmig.schema.terms import Names
from hotmig.sqlite import fold, text

NAME = "group-sql"
NO_COLUMN = "no such column: "


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        if step.source is None:
            continue
        if step.grouping is not None and step.source.column(CANONICAL) is not None:
            yield Finding(NAME, "block", step.table.name, f"{step.source.name} has a column {CANONICAL} of its own")
        for what, sql, meant in _expressions(step):
            error = compiled(meant, step.source).error
            if error is not None:
                message = f"{what} of {step.table.name} can't be read from {step.source.name}: {sql}: {error}"
                message += _likely(step.source, what, sql, error)
                yield Finding(NAME, "block", step.table.name, message)


def _likely(source: Table, what: str, sql: str, error: str) -> str:
    """What was meant by a column that isn't there: another one, or a text without quotes."""
    if not error.startswith(NO_COLUMN):
        return ""
    name = error.removeprefix(NO_COLUMN)
    close = Names(source.name, (column.name for column in source.columns)).close_to(name)
    if close is not None:
        return f"; did you mean {close}?"
    is_value = what.startswith(("losers", "touch")) and [token.value for token in tokens(sql)] == [name]
    return f"; a text stands in single quotes: {text(name)}" if is_value and name != CANONICAL else ""


def _expressions(step: TableStep) -> Iterator[tuple[str, str, str]]:
    """What the rule calls it, the SQL, and what stands for that here."""
    grouping = step.grouping
    if grouping is not None:
        told = [("prefer", term.expression) for term in grouping.prefer]
        if grouping.collide is not None:
            told.append(("collide", grouping.collide))
        told += [(f"losers[{fold(name)!r}]", sql) for name, sql in grouping.losers or ()]
        yield from ((what, sql, with_canonical(sql, "1")) for what, sql in told)
    for touch in step.touches:
        found = compiled(touch.expression, step.source) if step.source is not None else None
        # One that reads no column is evaluated once, and may ask for the time; an unknown column is not read either.
        if found is not None and (found.reads or (found.error or "").startswith(NO_COLUMN)):
            yield f"touch[{touch.column!r}]", touch.expression, touch.expression
