"""Losers that are kept by this migration, and which the next one can take for the same as their winner."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding
from hotmig.sqlite import fold
from hotmig.units import counted

NAME = "losers-again"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        facts, grouping = context.groups_of(step), step.grouping
        if facts is None or grouping is None or grouping.losers is None or grouping.keeps_equal:
            continue
        compared = {fold(name) for name in grouping.compare}
        both = [name for name, _ in grouping.losers if fold(name) in compared]
        count = facts.of("losers_kept").count
        if both and count:
            kept = "stays as a loser" if count == 1 else "stay as losers"
            message = (
                f"{counted(count, 'row')} of {step.table.name} {kept}, and losers= sets {', '.join(both)},"
                " which compare= reads:"
                " the next migration can take them for the same as their winner, and merge them away"
            )
            yield Finding(NAME, "warn", step.table.name, message, 'equal="keep"')
