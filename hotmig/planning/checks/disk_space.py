"""Too little disk for a second database."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig import units
from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding

NAME = "disk-space"
# The new file is about as large as the old one; its WAL and the sorting of its indexes come on top.
NEEDED = 1.5


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    size, free = context.facts.old_size, context.facts.disk_free
    if size is None or free is None or free >= size * NEEDED:
        return
    message = f"the new database needs about {units.size(size * NEEDED)}, and the disk has {units.size(free)} free"
    yield Finding(NAME, "block", None, message)
