"""Objects named like hotmig's own."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding

NAME = "reserved-name"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for name in sorted(context.facts.strangers):
        message = f"{name} in the old database is not hotmig's, and names that begin with _migration_ are: rename it"
        yield Finding(NAME, "block", None, message)
