"""Rows of one key of which nothing says which is to stay."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding
from hotmig.units import counted

NAME = "collision"
UNRANKED = "prefer= can't rank them"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        facts, grouping = context.groups_of(step), step.grouping
        if facts is None or grouping is None or grouping.merges_by is not None:
            continue
        found = facts.of("collisions")
        if found.count:
            key = ", ".join(name for name, _ in grouping.key)
            verb = "collides" if found.count == 1 else "collide"
            message = f"{counted(found.count, 'row')} of {step.table.name} {verb} with another of the same {key}"
            why = "both satisfy collide= and differ, or prefer= can't rank them" if grouping.collide else UNRANKED
            yield Finding(NAME, "block", step.table.name, f"{message} ({why}): {listed(found.samples, found.count)}")


def listed(samples: Iterable[str], count: int) -> str:
    """The samples, and an ellipsis where there are more."""
    told = list(samples)
    return "; ".join([*told, *(["…"] if count > len(told) else [])])
