"""The new database's name is taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.catalog.fingerprint import equal
from hotmig.catalog.model import Column
from hotmig.planning.checking import LIVE, UNFINISHED, Context, check
from hotmig.planning.lines import bare, from_line
from hotmig.planning.model import Finding, TableStep
from hotmig.sqlite import fold

NAME = "target"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    taken = context.facts.target_taken
    if taken is None or (taken.startswith(LIVE) and context.facts.under_way is not None):
        return  # the module is not that of the migration under way, which another check says
    message = f"the new database would be {context.facts.target}, and that is {taken}"
    if taken == UNFINISHED:
        yield Finding(NAME, "block", None, f"{message}: run `hotmig reset`, or move it away")
    elif not taken.startswith(LIVE):
        yield Finding(NAME, "block", None, f"{message}: move it away")
    elif equal(context.plan.old, context.plan.new) and any(_moved(context)):
        why = "values only change places in it, and Was, which says so, is no part of a database's name, as From is"
        yield Finding(NAME, "block", None, f"{message}: {why}", _line(context))
    else:
        yield Finding(NAME, "block", None, f"{message}: write the change into the schema module, or undo it")


def _line(context: Context) -> str | None:
    """A From that says what a Was said; a column of the key is the last choice."""
    moved = sorted(_moved(context), key=lambda each: each[1].name in each[0].new_key)
    return next((from_line(context, step, column, bare(old.name)) for step, column, old in moved), None)


def _moved(context: Context) -> Iterator[tuple[TableStep, Column, Column]]:
    """The columns that take the values of another one, or of another table's."""
    for step in context.plan.steps:
        for column in step.table.stored_columns:
            own = step.column(column.name)
            old = step.taken_from(own) if own is not None else None
            if step.source is not None and old is not None:
                places = (step.source.name, old.name), (step.table.name, column.name)
                if tuple(map(fold, places[0])) != tuple(map(fold, places[1])):
                    yield step, column, old
