"""A new NOT NULL column that old rows have no value for: neither a default nor a From."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.catalog.model import Column
from hotmig.planning.checking import Context, check
from hotmig.planning.lines import TO_BE_WRITTEN, bare, from_line, was_line
from hotmig.planning.model import Finding, TableStep
from hotmig.planning.renames import Rename, renames
from hotmig.planning.successors import claimant, gone_values, has_no_value

NAME = "no-value"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        empty = [column for column in step.table.stored_columns if has_no_value(step, column)]
        pairs = renames(context, step) if empty else ()
        for column in empty:
            rename = next((each for each in pairs if column in each.new), None)
            if rename is None or not _is_named_already(context, step, column, rename):
                yield _finding(context, step, column, rename)


def _is_named_already(context: Context, step: TableStep, column: Column, rename: Rename) -> bool:
    """Whether the finding about a rename, or about another column of the field, speaks of it: one for one mistake."""
    return column != rename.new[0] or any(gone_values(context, step, old) for old in rename.old)


def _finding(context: Context, step: TableStep, column: Column, rename: Rename | None) -> Finding:
    source = step.source.name if step.source is not None else ""
    taker = claimant(step, column)
    if rename is not None and rename.parent is not None:
        old = ", ".join(f"{source}.{each.name}" for each in rename.old)
        way_out, fix = (
            f"is it the reference to {rename.parent} that the old {old} was?",
            was_line(context, step, column, rename.was),
        )
    elif taker is not None:
        way_out = f"the old {source}.{column.name} goes to {taker} by its Was; it needs a default or a From"
        fix = from_line(context, step, column, bare(column.name))
    else:
        way_out, fix = "it needs a default or a From", from_line(context, step, column, TO_BE_WRITTEN)
    message = f"{step.table.name}.{column.name} is NOT NULL and the rows of {source} have no value for it: {way_out}"
    return Finding(NAME, "block", step.table.name, message, fix)
