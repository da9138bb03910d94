"""A large database in rollback-journal mode: reading it stops its writers."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig import units
from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding

NAME = "journal-mode"
_LARGE = 50_000_000  # bytes: from here on the copy takes long enough for writers to feel it


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    size, mode = context.facts.old_size, context.facts.journal_mode
    if size is not None and size >= _LARGE and mode.lower() != "wal":
        message = (
            f"the old database ({units.size(size)}) is in journal mode {mode.lower()}, in which reading holds up"
            " writers for moments: `hotmig migrate --wal` switches it to WAL first"
        )
        yield Finding(NAME, "note", None, message)
