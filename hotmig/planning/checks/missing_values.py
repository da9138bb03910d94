"""A new NOT NULL column that old rows have no value for: neither a default nor a From."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.catalog.model import Column
from hotmig.planning.checking import Context, check
from hotmig.planning.keys import can_be_null
from hotmig.planning.lines import from_line
from hotmig.planning.model import Finding, TableStep
from hotmig.planning.successors import is_unfilled, renamed_columns

NAME = "no-value"
# Nothing is guessed: a value that works would be pasted, and every old row would have it. This is refused as it stands.
TO_BE_WRITTEN = "SQL over the old row"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        for column in step.table.stored_columns:
            if _has_no_value(step, column) and not _is_named_already(context, step, column):
                message = (
                    f"{step.table.name}.{column.name} is NOT NULL and the rows of {_source(step)} have no value for it:"
                    " it needs a default or a From"
                )
                fix = from_line(context, step, column, TO_BE_WRITTEN)
                yield Finding(NAME, "block", step.table.name, message, fix)


def _has_no_value(step: TableStep, column: Column) -> bool:
    own = step.column(column.name)
    if step.source is None or own is None or own.assigned or not is_unfilled(step, column):
        return False
    return not can_be_null(step.table, column.name) and (column.default or "NULL").upper() == "NULL"


def _is_named_already(context: Context, step: TableStep, column: Column) -> bool:
    """Whether the finding about a rename speaks of it: one message for one mistake."""
    pairs = renamed_columns(context, step)
    old = next((name for name, new in pairs.items() if new.name == column.name), None)
    return old is not None and context.count("dropped-column", f"{step.table.name}.{old}") > 0


def _source(step: TableStep) -> str:
    return step.source.name if step.source is not None else ""
