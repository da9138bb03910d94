"""Rows that Merge makes by create=, and the new table does not take."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.checks.collisions import listed
from hotmig.planning.model import Finding
from hotmig.units import counted

NAME = "made-row"
FIX = 'Merge(…, create={"column": "SQL"})'


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        facts = context.groups_of(step)
        for each in facts.unfit if facts is not None else ():
            if each.rule == "create":
                count, verb = counted(each.rows, "row"), each.verb[each.rows != 1]
                message = f"{count} that create= makes {verb} {each.what}: {listed(each.samples, each.rows)}"
                yield Finding(NAME, "block", step.table.name, message, FIX)
