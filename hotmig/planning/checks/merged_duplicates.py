"""Rows that are equal under a unique key once others have become one, and no rule for them."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.checks.collisions import listed
from hotmig.planning.model import Finding
from hotmig.units import counted

NAME = "equal-after-merge"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        facts = context.groups_of(step)
        for equal in facts.equal if facts is not None else ():
            count = counted(equal.rows, "row")
            message = f"{count} of {step.table.name} would be equal under the unique {equal.title}"
            more = equal.rows // 2
            fix = f"@table(…, duplicates=Duplicates(key=({equal.title},), …))" if equal.is_plain else None
            message = f"{message}: {listed(equal.samples, more)}"
            if equal.certain:
                yield Finding(NAME, "block", step.table.name, message, fix)
            else:
                # The copy, the replay and the proof go by the log, and refuse such rows.
                message += (
                    "; what was written while they were read can be told wrongly, and the copy stops at what is so"
                )
                yield Finding(NAME, "warn", step.table.name, message, fix)
