"""Rows that are equal under a unique key once others have become one, and no rule for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from hotmig.planning.checking import Context, check
from hotmig.planning.checks.collisions import listed
from hotmig.planning.group_facts import Equal, GroupFacts
from hotmig.planning.held import unique_keys
from hotmig.planning.model import Finding, TableStep
from hotmig.sqlite import fold
from hotmig.units import counted

NAME = "equal-after-merge"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        facts = context.groups_of(step)
        for equal in facts.equal if facts is not None else ():
            names = _columns(step, equal)
            if facts is None or _is_told_already(step, facts, names):
                continue
            count = counted(equal.rows, "row")
            message = f"{count} of {step.table.name} would be equal under the unique {equal.title}"
            message = f"{message}: {listed(equal.samples, equal.rows // 2)}"
            fix = _fix(step, equal, names)
            if fix is None:
                message += f"; {_obstacle(step)}: make them distinct"
            if not equal.certain:
                # The copy, the replay and the proof go by the log, and refuse such rows.
                message += (
                    "; what was written while they were read can be told wrongly, and the copy stops at what is so"
                )
            yield Finding(NAME, "block" if equal.certain else "warn", step.table.name, message, fix)


def _columns(step: TableStep, equal: Equal) -> list[str]:
    """Those of the key, whose title can be the name of an index."""
    key = next(key for key in unique_keys(step.table) if key.title == equal.title)
    return [part.name or "" for part in key.columns]


def _is_told_already(step: TableStep, facts: GroupFacts, names: Iterable[str]) -> bool:
    """Whether it is the very key of groups of which none wins: another check names these."""
    grouping = step.grouping
    if grouping is None or {fold(name) for name, _ in grouping.key} != set(map(fold, names)):
        return False
    return bool(facts.of("homeless").count or facts.of("collisions").count)


def _fix(step: TableStep, equal: Equal, names: Sequence[str]) -> str | None:
    """None where a Duplicates would be refused, beside another rule or seed rows, or would be of no use."""
    if step.grouping is not None or step.seeds or not equal.is_plain:
        return None
    quoted = [json.dumps(name, ensure_ascii=False) for name in names]
    key = quoted[0] if len(quoted) == 1 else f"({', '.join(quoted)})"
    return f"@table(…, duplicates=Duplicates(key={key}, …))"


def _obstacle(step: TableStep) -> str:
    if step.grouping is None:
        return "Duplicates can't stand beside seed rows" if step.seeds else "Duplicates goes by columns of all rows"
    return f"{'Duplicates' if step.grouping.merges_by is None else 'Merge'} does not part them"
