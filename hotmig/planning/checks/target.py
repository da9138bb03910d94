"""The new database's name is taken."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import LIVE, Context, check
from hotmig.planning.model import Finding

NAME = "target"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    if context.facts.target_taken is not None:
        taken = context.facts.target_taken
        way_out = "write the change into the schema module, or undo it" if taken.startswith(LIVE) else "move it away"
        message = f"the new database would be {context.facts.target}, and that is {taken}: {way_out}"
        yield Finding(NAME, "block", None, message)
