"""Two rows that both have the canonical value of a Merge."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.checks.collisions import listed
from hotmig.planning.model import Finding

NAME = "canonical-claim"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        facts, grouping = context.groups_of(step), step.grouping
        found = facts.of("collisions") if facts is not None else None
        if found is not None and found.count and grouping is not None and grouping.merges_by is not None:
            message = f"two rows of {step.table.name} claim to be the canonical row of one {grouping.merges_by}"
            yield Finding(NAME, "block", step.table.name, f"{message}: {listed(found.samples, found.count)}")
