"""``migrate --wal``: the old database is switched to WAL, so that no reader of ours ever stops a writer."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from hotmig.errors import GaveUp
from hotmig.phases.migration import old_writer
from hotmig.sqlite import is_locked, value


def switch_to_wal(old: Path, seconds: float) -> str:
    """Switches to WAL. Under a busy writer SQLite refuses at once whatever the timeout: this asks again and again."""
    deadline = time.monotonic() + seconds
    with old_writer(old, seconds) as db:
        while True:
            try:
                before = value(db, "PRAGMA journal_mode")
                mode = value(db, "PRAGMA journal_mode = WAL")
                if mode == "wal":
                    return f"journal mode was {before}, is WAL now"
            except sqlite3.OperationalError as error:
                if not is_locked(error):
                    raise
            if time.monotonic() > deadline:
                raise GaveUp(
                    f"could not switch {old.name} to WAL in {seconds:g} s: the application's transactions leave no gap",
                    "nothing has changed; run `hotmig migrate --wal` again, or without --wal",
                )
            time.sleep(0.001)
