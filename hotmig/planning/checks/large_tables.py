"""Tables that would be copied as they are, in a database so large that one of them may be too large for that."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig import units
from hotmig.planning.as_is import MOST_BYTES, way
from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding

NAME = "large-tables"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    size, wal = context.facts.old_size, context.facts.journal_mode.lower() == "wal"
    if size is not None and size > MOST_BYTES and any(way(step, wal=wal)[0] == "as-is" for step in context.plan.steps):
        message = (
            f"a table of more than about {units.size(MOST_BYTES)}, or that takes more than 10 s, is projected all the"
            " same: one read of it would be too long"
        )
        yield Finding(NAME, "note", None, message)
