"""``cutover``: the old database is retired for good, then the new one is marked ready."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, replace
from pathlib import Path

from hotmig.capture.marker import Marker
from hotmig.phases.handover import finish_half_cut, hand_over
from hotmig.phases.locate import Location
from hotmig.phases.migration import LOCK_SECONDS, Migration, find_migration, new_writer, old_writer, require_copied
from hotmig.sqlite import execute, transaction
from hotmig.transfer.identity import has_table, read_status

BOOKKEEPING = ("_id_mapping", "_migration_progress", "_migration_copy")
UNIX_EPOCH_JULIAN = 2440587.5
SECONDS_A_DAY = 86400.0


@dataclass(frozen=True)
class CutoverResult:
    """What ``cutover`` did. ``pause`` is how long no database accepted writes, in seconds."""

    skipped: str | None
    old: Path | None
    new: Path
    pause: float | None = None
    finished_half_cut: bool = False


def cutover(location: Location, *, seconds: float = LOCK_SECONDS) -> CutoverResult:
    """Hands over. Raises Refused when anything was written, or changed, since ``drain``.

    The old database's retirement commits first: killed in between, neither accepts writes, and running this again
    finishes.
    """
    done = CutoverResult(None, location.old, location.new)
    if location.nothing_to_do:
        with new_writer(location.new, seconds) as new:
            drop_bookkeeping(new, seconds)
        return replace(done, skipped="the database already has this schema")
    migration = find_migration(location)
    require_copied(migration)
    half_cut = migration.marker.status == "retired"
    with new_writer(migration.new, seconds) as new, old_writer(migration.old, seconds) as old:
        if half_cut:
            finish_half_cut(new, migration.schema, seconds)
        else:
            hand_over(old, new, migration, seconds)
        ready_at = time.time()
        # On a connection that is open: closing the last one would lock the application out for a moment.
        drop_bookkeeping(new, seconds)
    return replace(done, pause=_pause(migration, ready_at), finished_half_cut=half_cut)


def drop_bookkeeping(new: sqlite3.Connection, seconds: float) -> None:
    """Drops what only the migration needed, once the new database is ready: not inside the pause."""
    present = [name for name in BOOKKEEPING if has_table(new, name)]
    if not present or read_status(new) != "ready":
        return
    # Overwriting what is freed takes long, and so does a sync, and the application is writing already.
    execute(new, "PRAGMA secure_delete = OFF")
    execute(new, "PRAGMA synchronous = NORMAL")
    for name in present:
        with transaction(new, seconds, "the new database's writers"):
            execute(new, f"DROP TABLE {name}")


def _pause(migration: Migration, ready_at: float) -> float | None:
    marker: Marker = migration.marker
    if marker.fence_from is None:
        return None
    return ready_at - (marker.fence_from - UNIX_EPOCH_JULIAN) * SECONDS_A_DAY
