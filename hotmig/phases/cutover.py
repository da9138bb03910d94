"""``cutover``: the old database is retired for good, then the new one is marked ready."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, replace
from pathlib import Path

from hotmig.capture.clock import unix_time
from hotmig.capture.fence import fence_state
from hotmig.capture.marker import Marker
from hotmig.catalog.own import is_work_table
from hotmig.ledger.run import UNRECORDED, Run
from hotmig.phases import half_cut
from hotmig.phases.budget import MAX_PAUSE_SECONDS, Deadline
from hotmig.phases.data_walk import Walk, at_cutover, walk_behind_cutover
from hotmig.phases.handover import hand_over, readiness, retirement
from hotmig.phases.locate import Location
from hotmig.phases.migration import find_migration, new_writer, old_writer, require_copied
from hotmig.phases.settled import stays_settled
from hotmig.sqlite import LOCK_SECONDS, execute, quote, transaction, value
from hotmig.transfer.identity import has_table, read_status
from hotmig.transfer.key_sql import row_value

BOOKKEEPING = ("_id_mapping", "_migration_progress", "_migration_copy", "_migration_constant", "_migration_grouped")
ROWS_AT_ONCE = 10_000
MOST_INDEXED_ROWS = 2_000_000  # whose index is dropped at once: it takes some 30 ms


@dataclass(frozen=True)
class CutoverResult:
    """What ``cutover`` did. ``pause`` is how long no database accepted writes, in seconds."""

    skipped: str | None
    old: Path | None
    new: Path
    pause: float | None = None
    finished_half_cut: bool = False
    left: str | None = None  # why what only the migration needed is still in the new database
    data_migrations: tuple[str, ...] = ()  # that were run, in their order
    data_problem: str | None = None  # why one that comes behind the cutover did not succeed


def cutover(
    location: Location,
    *,
    max_pause: float = MAX_PAUSE_SECONDS,
    seconds: float = LOCK_SECONDS,
    extensions: tuple[str, ...] = (),
    run: Run = UNRECORDED,
) -> CutoverResult:
    """Hands over. Raises Refused when anything was written, or changed, since ``drain``.

    Data migrations may take ``max_pause`` seconds: GaveUp behind that, DataMigrationFailed for one that fails.

    The old database's retirement commits first: killed in between, neither accepts writes, and running this again
    finishes.
    """
    if stays_settled(location):
        return _left_behind(location, seconds, extensions, run)
    done = CutoverResult(None, location.old, location.new)
    migration = find_migration(location)
    run.concerns(migration.plan.hash, migration.old.name, migration.new.name)
    require_copied(migration)
    was_cut = migration.marker.status == "retired"
    paused_from = _paused_from(migration.marker)
    walk = at_cutover(migration) if was_cut else at_cutover(migration, max_pause)
    with new_writer(migration.new, seconds, extensions) as new, old_writer(migration.old, seconds) as old:
        if was_cut:
            half_cut.finish(old, new, migration, walk, seconds, extensions, run)
        else:
            with run.steps(*walk.intents, retirement(migration), readiness(migration)) as reached:
                # Waiting for a lock takes nothing from the data migrations, nor they from the wait.
                hand_over(old, new, migration, Deadline.after(seconds + walk.seconds), reached, walk=walk)
        pause = time.time() - paused_from
        left = tidy_up(new, seconds, run)
        walked = walk_behind_cutover(new, migration.schema, walk, seconds, run)
    done = replace(done, data_migrations=walked.names, data_problem=walked.problem)
    return replace(done, pause=pause, finished_half_cut=was_cut, left=left)


def _left_behind(location: Location, seconds: float, extensions: tuple[str, ...], run: Run) -> CutoverResult:
    """Does what an earlier cutover, stopped at its very end, has left; the database has this schema already."""
    done = CutoverResult("the database already has this schema", location.old, location.new)
    if location.old is None or location.schema is None:
        return done
    with new_writer(location.old, seconds, extensions) as live:
        drop_bookkeeping(live, seconds, run)
        walked = walk_behind_cutover(live, location.schema, Walk(), seconds, run)
    return replace(done, data_migrations=walked.names, data_problem=walked.problem)


def tidy_up(new: sqlite3.Connection, seconds: float, run: Run) -> str | None:
    """Drops the bookkeeping behind a cutover; returns why it did not come to its end, if so.

    On a connection that is open: closing the last one would lock the application out for a moment.
    """
    try:
        drop_bookkeeping(new, seconds, run)
    except BaseException as error:
        # The cutover is done, and a deploy script must not take it for failed: not even where it is told to stop.
        return str(error) or "interrupted"
    return None


def drop_bookkeeping(new: sqlite3.Connection, seconds: float, run: Run = UNRECORDED) -> None:
    """Drops what only the migration needed, once the new database is ready: not inside the pause."""
    present = [name for name in BOOKKEEPING if has_table(new, name)] + _work_tables(new)
    if not present or read_status(new) != "ready":
        return
    # Overwriting what is freed takes long, and so does a sync, and the application is writing already.
    execute(new, "PRAGMA secure_delete = OFF")
    execute(new, "PRAGMA synchronous = NORMAL")
    for name in present:
        try:
            with run.step("drop", name):
                _empty(new, name, seconds)
                with transaction(new, seconds, "the new database's writers"):
                    execute(new, f"DROP TABLE {name}")
        except sqlite3.OperationalError:
            if has_table(new, name):  # else another cutover was faster
                raise


def _work_tables(new: sqlite3.Connection) -> list[str]:
    names = [row[0] for row in execute(new, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    return [name for name in names if is_work_table(name) and has_table(new, name)]


def _empty(new: sqlite3.Connection, table: str, seconds: float) -> None:
    """Deletes in small transactions, all but the last portion: dropping a large table at once would hold up the
    application.

    A portion is the rows that come first, so that it changes few pages. Of an index it would change as many as it has
    rows; that is dropped beforehand, unless it is so large that this would take long.
    """
    for (index,) in execute(new, "SELECT name FROM pragma_index_list(?) WHERE origin = 'c'", (table,)).fetchall():
        if value(new, f"SELECT 1 FROM {table} LIMIT 1 OFFSET ?", (MOST_INDEXED_ROWS,)) is None:
            with transaction(new, seconds, "the new database's writers"):
                execute(new, f"DROP INDEX IF EXISTS {quote(index)}")
    keys = [row[0] for row in execute(new, "SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk", (table,))]
    key = [quote(name) for name in keys]
    last = f"SELECT {', '.join(key)} FROM {table} ORDER BY {', '.join(key)} LIMIT 1 OFFSET {ROWS_AT_ONCE - 1}"
    deleted = ROWS_AT_ONCE
    while deleted:
        with transaction(new, seconds, "the new database's writers"):
            deleted = execute(new, f"DELETE FROM {table} WHERE {row_value(key)} <= ({last})").rowcount


def _paused_from(marker: Marker) -> float:
    """Since when the old database takes no writes. With a lapsed fence, from now on: the lock comes next."""
    now = time.time()
    if marker.fence_from is None or not fence_state(marker, now).is_up:
        return now
    return unix_time(marker.fence_from)
