"""Aliases whose canonical row does not exist, and no rule that makes it."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.checks.collisions import listed
from hotmig.planning.model import Finding
from hotmig.units import counted

NAME = "no-canonical-row"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        facts = context.groups_of(step)
        found = facts.of("homeless") if facts is not None else None
        if found is not None and found.count:
            verb = "is an alias" if found.count == 1 else "are aliases"
            message = (
                f"{counted(found.count, 'row')} of {step.table.name} {verb} of a canonical row that does not exist"
            )
            fix = 'Merge(…, create={"column": "SQL"})'
            yield Finding(NAME, "block", step.table.name, f"{message}: {listed(found.samples, found.count)}", fix)
