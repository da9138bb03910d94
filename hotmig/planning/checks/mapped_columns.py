"""A Mapped or Merge on a column that does not take its values from the old row alone."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding, TableStep
from hotmig.planning.rows import translation_of

NAME = "mapped-column"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        rules = context.rules(step)
        for own in rules.columns if rules is not None and step.source is not None else ():
            column = step.column(own.column)
            if own.mapping is not None and column is not None and column.mapping is None:
                yield Finding(NAME, "block", step.table.name, _message(step, own.column))


def _message(step: TableStep, name: str) -> str:
    translation = translation_of(step, name)
    what = f"{step.table.name}.{name} has aliases"
    if translation is not None:
        return (
            f"{what} and follows its reference to {translation.parent}: map the column that it refers to, not this one"
        )
    return f"{what}, and no old value is carried over to it"
