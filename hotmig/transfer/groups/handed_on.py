"""What a rehearsal has found is handed on to the new file, where nobody wrote to the old one since: found once only.

SQLite copies its whole database, page by page, at a fifth of what it takes to put a million rows and their index in.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from hotmig.errors import GaveUp
from hotmig.sqlite import connect, copy_pages, execute
from hotmig.transfer.groups.rehearsal import Rehearsal

CACHE_KIB = 2 * 1024


def hand_on(rehearsal: Rehearsal, new: Path, seconds: float, tell: Callable[[], None]) -> None:
    """Makes the new file, which is empty, what the rehearsal's is: ``create_group_tables`` takes what it finds there.

    Before that it is no file of a migration that was begun: what is left by a run that is killed is made again.
    """
    deadline = time.monotonic() + seconds

    def look(status: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > deadline:
            raise GaveUp(f"somebody has a lock on {new}", "see who has it open, then run the same command again")
        tell()

    db = connect(new, "rw")
    try:
        copy_pages(rehearsal.session.db, db, look)
    finally:
        db.close()
    # A report may still be written from it, beside the copy, which has caches of its own.
    for schema in ("main", "old", "temp"):
        execute(rehearsal.session.db, f"PRAGMA {schema}.cache_size = -{CACHE_KIB}")
