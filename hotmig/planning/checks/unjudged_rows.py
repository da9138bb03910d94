"""What the rules for several rows make of rows, and nobody waited to see whether the new table takes it."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding

NAME = "unjudged"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        facts = context.groups_of(step)
        for what in facts.unjudged if facts is not None else ():
            message = (
                f"did not look to the end whether {what}: the application's writes would have waited for it;"
                " `hotmig plan --long-reads` lets them wait, otherwise the copy stops where a row does not fit"
            )
            yield Finding(NAME, "warn", step.table.name, message)
