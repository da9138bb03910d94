"""A question that SQLite could not answer: nothing is known then, so nothing is risked."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding

NAME = "unanswered"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for answer in context.answers:
        if answer.error is not None:
            message = f"could not look for {answer.probe.check} in {answer.probe.subject}: {answer.error}"
            yield Finding(NAME, "block", None, message)
