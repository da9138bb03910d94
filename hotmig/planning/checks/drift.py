"""The old database is not as the schema that made it."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding

NAME = "drift"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for line in context.facts.drifted:
        message = f"the old database differs from the schema that it was built from: {line}"
        yield Finding(NAME, "note", None, message)
