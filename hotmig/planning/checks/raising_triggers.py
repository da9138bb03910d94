"""An AFTER trigger with RAISE(IGNORE) or RAISE(FAIL): it keeps the row and could keep ours from recording it."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.catalog.lexer import Token, tokens
from hotmig.catalog.model import Trigger
from hotmig.errors import HotmigError
from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding
from hotmig.planning.trigger_sql import timing
from hotmig.sqlite import fold

NAME = "raising-trigger"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    recorded = {fold(each.table.name) for each in context.plan.recorded if each.key is not None}
    for trigger in context.plan.old.triggers:
        raised = _raises(trigger)
        if raised is not None and fold(trigger.table) in recorded:
            message = (
                f"trigger {trigger.name} of {trigger.table} is an AFTER trigger with RAISE({raised}), which could hide"
                " a write from recording: make it a BEFORE trigger, or RAISE(ABORT)"
            )
            yield Finding(NAME, "block", trigger.table, message)


def _raises(trigger: Trigger) -> str | None:
    try:
        stream = tokens(trigger.sql)
    except HotmigError:
        return None
    if timing(stream) != "AFTER":
        return None
    return next(filter(None, map(_raised, stream, stream[1:], stream[2:])), None)


def _raised(word: Token, bracket: Token, action: Token) -> str | None:
    is_raise = word.keyword == "RAISE" and bracket.text == "("
    return action.keyword if is_raise and action.keyword in ("IGNORE", "FAIL") else None
