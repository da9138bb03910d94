"""Too little disk for a second database."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding

NAME = "disk-space"
# The new file is about as large as the old one; its WAL and the sorting of its indexes come on top.
NEEDED = 1.5
_UNITS = ("bytes", "KB", "MB", "GB", "TB")


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    size, free = context.facts.old_size, context.facts.disk_free
    if size is None or free is None or free >= size * NEEDED:
        return
    message = f"the new database needs about {in_units(size * NEEDED)}, and the disk has {in_units(free)} free"
    yield Finding(NAME, "block", None, message)


def in_units(size: float) -> str:
    """A size for people: ``1.5 GB``."""
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size /= 1000
        unit += 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"
