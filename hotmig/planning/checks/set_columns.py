"""Rows that the new table does not take once touch= or losers= has set columns in some of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.planning.checking import Context, check
from hotmig.planning.checks.collisions import listed
from hotmig.planning.model import Finding, TableStep
from hotmig.units import counted

NAME = "set-column"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        facts = context.groups_of(step)
        for each in facts.unfit if facts is not None else ():
            if each.rule == "set":
                who = f"after {' and '.join(_rules(step))} {counted(each.rows, 'row')} of {step.table.name}"
                message = f"{who} {each.verb[each.rows != 1]} {each.what}: {listed(each.samples, each.rows)}"
                yield Finding(NAME, "block", step.table.name, message)


def _rules(step: TableStep) -> Iterator[str]:
    if step.touches:
        yield "touch="
    if step.grouping is not None and step.grouping.losers:
        yield "losers="
