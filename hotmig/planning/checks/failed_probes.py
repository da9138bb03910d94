"""A question that was not answered: nothing is known then, so nothing is risked."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.model import Answer, Finding

NAME = "unanswered"
# What these ask is asked again by the new tables themselves: the copy, the replay and the proof refuse such rows.
_ASKED_AGAIN = frozenset({"check", "foreign-key", "mapped", "not-null", "orphans", "types", "unique"})


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for answer in context.answers:
        if answer.cut_short:
            yield _cut_short(answer)
        elif answer.error is not None:
            message = f"could not look for {answer.probe.check} in {answer.probe.subject}: {answer.error}"
            yield Finding(NAME, "block", None, message)


def _cut_short(answer: Answer) -> Finding:
    """In rollback-journal mode a reader holds up the writers."""
    message = (
        f"did not look for {answer.probe.check} in {answer.probe.subject} to the end: the application's writes would"
        " have waited for it; `hotmig plan --long-reads` lets them wait"
    )
    if answer.probe.check in _ASKED_AGAIN:
        return Finding(NAME, "warn", None, f"{message}, otherwise the copy stops where a row does not fit")
    return Finding(NAME, "block", None, message)
