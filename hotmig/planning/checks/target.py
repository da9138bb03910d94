"""The new database's name is taken."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding

NAME = "target"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    if context.facts.target_taken is not None:
        message = f"the new database would be {context.facts.target}, and that is {context.facts.target_taken}: "
        yield Finding(NAME, "block", None, f"{message}move it away")
