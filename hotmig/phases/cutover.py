"""``cutover``: the old database is retired for good, then the new one is marked ready."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, replace
from pathlib import Path

from hotmig.capture.drift import check_drift
from hotmig.capture.fence import retire
from hotmig.capture.log import last_log_id
from hotmig.capture.marker import Marker, read_marker
from hotmig.errors import HotmigError, Refused
from hotmig.phases.locate import Location
from hotmig.phases.migration import LOCK_SECONDS, Migration, find_migration, old_writer, require_copied
from hotmig.schema.model import Schema
from hotmig.sqlite import begin_immediate, connect, execute, persist, transaction, value
from hotmig.transfer.build import verify_catalog
from hotmig.transfer.high_water import high_water_moved
from hotmig.transfer.identity import read_progress, read_status

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
        drop_bookkeeping(location.new, seconds)
        return replace(done, skipped="the database already has this schema")
    migration = find_migration(location)
    require_copied(migration)
    new = connect(migration.new, "rw")
    try:
        execute(new, "PRAGMA synchronous = FULL")
        with old_writer(migration.old) as old:
            half_cut = migration.marker.status == "retired"
            if half_cut:
                with transaction(new, seconds, "the new database"):
                    _make_ready(new, migration.schema)
            else:
                _hand_over(old, new, migration, seconds)
            ready_at = time.time()
    finally:
        new.close()
    drop_bookkeeping(migration.new, seconds)
    return replace(done, pause=_pause(migration, ready_at), finished_half_cut=half_cut)


def _hand_over(old: sqlite3.Connection, new: sqlite3.Connection, migration: Migration, seconds: float) -> None:
    begin_immediate(old, seconds, "the old database's writers")
    try:
        begin_immediate(new, seconds, "the new database")
        _require_drained(old, new, migration)
        _make_ready(new, migration.schema)
        retire(old)
        persist(old, "COMMIT", seconds, "the old database's readers")
        persist(new, "COMMIT", seconds, "the new database's readers")
    finally:
        for db in (new, old):
            if db.in_transaction:
                execute(db, "ROLLBACK")


def _require_drained(old: sqlite3.Connection, new: sqlite3.Connection, migration: Migration) -> None:
    marker, progress = read_marker(old), read_progress(new)
    again = "nothing is lost and writes are recorded; run `hotmig drain` again, then `hotmig cutover`"
    if marker is None or progress is None:
        raise Refused("_migration_marker is gone from the old database", "run `hotmig reset`, then `hotmig migrate`")
    check_drift(old, migration.plan)
    if marker.plan_hash != migration.plan.hash:
        raise Refused("the migration under way was begun from another plan", "put the schema module back, or `hotmig reset`")
    if not progress.drain_completed or marker.status != "draining":
        raise Refused("the migration is not drained", "run `hotmig drain`, then `hotmig cutover`")
    logged = last_log_id(old)
    if logged != progress.last_replayed_log_id:
        raise Refused(
            f"{logged - progress.last_replayed_log_id} writes were accepted since the drain: its fence has lapsed", again
        )
    moved = high_water_moved(new, old, migration.plan)
    if moved:
        raise Refused(f"{moved} of the old database changed since the drain", again)


def _make_ready(new: sqlite3.Connection, schema: Schema) -> None:
    """Inside a transaction of the new database: triggers come last, so that none ever fired for a copied row."""
    if read_status(new) != "migrating":
        raise HotmigError("the new database is not being built", "`hotmig status` says what is next")
    for sql in schema.create_triggers:
        execute(new, sql)
    verify_catalog(new, schema, triggers=True)
    execute(new, "UPDATE _migration_status SET status = 'ready'")


def drop_bookkeeping(new: Path, seconds: float) -> None:
    """Drops what only the migration needed, once the new database is ready: not inside the pause."""
    db = connect(new, "rw")
    try:
        present = [name for name in BOOKKEEPING if _exists(db, name)]
        if present and read_status(db) == "ready":
            # Overwriting what is freed takes long, and the application is writing already.
            execute(db, "PRAGMA secure_delete = OFF")
            for name in present:
                with transaction(db, seconds, "the new database's writers"):
                    execute(db, f"DROP TABLE {name}")
    finally:
        db.close()


def _exists(db: sqlite3.Connection, table: str) -> bool:
    return value(db, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", (table,)) is not None


def _pause(migration: Migration, ready_at: float) -> float | None:
    marker: Marker = migration.marker
    if marker.fence_from is None:
        return None
    return ready_at - (marker.fence_from - UNIX_EPOCH_JULIAN) * SECONDS_A_DAY


