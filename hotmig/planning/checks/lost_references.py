"""Rows that refer by a column that is no key, to a row that becomes one with another, which can't be referred to so."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.checks.collisions import listed
from hotmig.planning.model import Finding
from hotmig.units import counted

NAME = "lost-reference"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        facts = context.groups_of(step)
        for each in facts.unfit if facts is not None else ():
            if each.rule == "follow":
                who = f"{counted(each.rows, 'row')} of {step.table.name} {each.verb[each.rows != 1]}"
                message = f"{who} {each.what}: {listed(each.samples, each.rows)}"
                if each.stops:
                    yield Finding(NAME, "block", step.table.name, message)
                else:
                    yield Finding(NAME, "warn", step.table.name, f"{message}; it becomes NULL, as declared")
