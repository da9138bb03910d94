"""What rules for several rows do: rows that go or change, counted before anything is changed."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.checks.collisions import listed
from hotmig.planning.group_facts import Kind
from hotmig.planning.model import Finding, Severity
from hotmig.units import counted

NAME = "groups-become-one"
_WORDS: tuple[tuple[Kind, Severity, str, str], ...] = (
    ("historical_drops", "warn", "is dropped for another of the same key", "are dropped for another of the same key"),
    ("merged", "note", "is merged into another", "are merged into another"),
    ("losers_kept", "note", "is kept as a loser", "are kept as losers"),
    ("carried", "note", "moves to a canonical key", "move to a canonical key"),
    ("created", "note", "is created as canonical", "are created as canonical"),
)
SAVE_FIRST = (
    "the values of rows that are merged or dropped are not carried over: save by hand first what has to outlive the old"
    " file; `hotmig plan --report FILE` writes every such row with its winner"
)


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    gone = 0
    for step in context.plan.steps:
        facts = context.groups_of(step)
        for kind, severity, one, several in _WORDS if facts is not None else ():
            found = facts.of(kind) if facts is not None else None
            if found is not None and found.count:
                message = f"{counted(found.count, 'row')} of {step.table.name} {one if found.count == 1 else several}"
                yield Finding(NAME, severity, step.table.name, f"{message}: {listed(found.samples, found.count)}")
                gone += found.count if kind in ("historical_drops", "merged") else 0
    if gone:
        yield Finding(NAME, "note", None, SAVE_FIRST)
