"""The hand-over itself: the old database's retirement commits first, then the new one is ready."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial

from hotmig.capture.clock import clock_set
from hotmig.capture.drift import check_drift
from hotmig.capture.fence import retire
from hotmig.capture.log import last_log_id
from hotmig.capture.marker import Marker, read_marker
from hotmig.errors import BEGIN_ANEW, HotmigError, Refused
from hotmig.ledger.actions import READY, RETIRE
from hotmig.ledger.run import Reached
from hotmig.ledger.store import Intent
from hotmig.phases.budget import Deadline
from hotmig.phases.data_walk import Walk, walk_at_cutover
from hotmig.phases.migration import Migration, require_both_in_place
from hotmig.phases.room import reserved
from hotmig.schema.model import Schema
from hotmig.sqlite import LOCK_SECONDS, READERS_SECONDS, begin_immediate, execute, persist, value
from hotmig.transfer.bookkeeping import forget_source
from hotmig.transfer.build import verify_catalog
from hotmig.transfer.data_migrations import foreign_keys
from hotmig.transfer.guard import lower_guard, stands
from hotmig.transfer.high_water import high_water_moved
from hotmig.transfer.identity import Progress, read_progress, read_status
from hotmig.transfer.supervised import Supervised
from hotmig.units import counted

PAGES = 32  # that the last commit rewrites: the catalog's path, status, hints, identity


def retirement(migration: Migration) -> Intent:
    """The first step of a hand-over."""
    return Intent(RETIRE, migration.old.name)


def readiness(migration: Migration) -> Intent:
    """The second step of a hand-over."""
    return Intent(READY, migration.new.name)


def rehearse(new: sqlite3.Connection, schema: Schema, seconds: float) -> int:
    """Creates the triggers, reads the whole catalog back, and undoes it. Returns the schema_version that it holds for.

    Before the pause: with a hundred tables the reading takes longer than all the rest of the hand-over. Raises Refused
    where the catalog does not become the schema module's.
    """
    begin_immediate(new, seconds, "the new database")
    try:
        version: int = value(new, "PRAGMA schema_version")
        _create_triggers(new, schema)
    finally:
        execute(new, "ROLLBACK")
    return version


def hand_over(
    old: sqlite3.Connection,
    new: Supervised,
    migration: Migration,
    deadline: Deadline,
    reached: Reached,
    rehearsed: int | None = None,
    untouched: Callable[[], None] = lambda: None,
    walk: Walk = Walk(),  # noqa: B008 - it is frozen
) -> None:
    """Checks under both write locks, then commits one after the other. ``rehearsed`` is what ``rehearse`` returned.

    ``deadline`` is for the first commit, and so for the data migrations before it; ``reached`` is called behind each of
    the two; ``untouched`` raises Refused where somebody wrote to the new one.

    Killed in between, neither database accepts writes. Raises Refused when anything was written, or changed, since
    the drain; DataMigrationFailed and DataMigrationTooLong where a data migration of the ``walk`` does not succeed.
    """
    with (
        reserved(migration.new, _last_commit(new, migration.schema, walk)) as release,
        foreign_keys(new, bool(walk.pending)),
    ):
        begin_immediate(old, deadline.left(new.patience), "the old database's writers")
        try:
            _take_over(new, deadline, untouched)
            _require_drained(old, new, migration)
            data = partial(walk_at_cutover, old, new, migration.schema, walk, deadline)
            make_ready(new, migration.schema, rehearsed, data)
            retire(old)
            # In rollback-journal mode the application can't even read while this waits for a reader.
            persist(old, "COMMIT", deadline.left(min(new.patience, READERS_SECONDS)), "the old database's readers")
            reached(retirement(migration))
            release()
            persist(new, "COMMIT", LOCK_SECONDS, "the new database")
            reached_all(reached, migration, walk)
        except BaseException:
            if old.in_transaction or not _is_retired(old):
                raise
            # Told to stop behind the first: neither database would accept writes until somebody runs cutover again.
            reached(retirement(migration))
            release()
            if new.in_transaction:
                persist(new, "COMMIT", LOCK_SECONDS, "the new database")
            if read_status(new) != "ready":
                raise
            reached_all(reached, migration, walk)
        finally:
            for db in (new, old):
                if db.in_transaction:
                    execute(db, "ROLLBACK")


def reached_all(reached: Reached, migration: Migration, walk: Walk) -> None:
    """Once the new database is ready: what was run on the way is committed with it."""
    for step in (*walk.intents, readiness(migration)):
        reached(step)


def _take_over(new: Supervised, deadline: Deadline, untouched: Callable[[], None]) -> None:
    """Takes the write lock, and in rollback-journal mode keeps readers out too: the last commit would wait for them,
    when neither database accepts writes any more.

    ``untouched`` asks another connection, which could not read then: nobody may have written between the two locks.
    """
    begin_immediate(new, deadline.left(new.patience), "the new database")
    try:
        untouched()
        version = value(new, "PRAGMA data_version")
    finally:
        execute(new, "ROLLBACK")
    persist(new, "BEGIN EXCLUSIVE", deadline.left(new.patience), "the new database's readers")
    if value(new, "PRAGMA data_version") != version:
        raise Refused("somebody wrote to the new database while it was handed over: only hotmig may", AGAIN)


def _last_commit(new: sqlite3.Connection, schema: Schema, walk: Walk) -> int:
    """How many bytes the commit that makes the new database ready can take, generously."""
    page_size: int = value(new, "PRAGMA page_size")
    size = PAGES * page_size + 4 * sum(map(len, schema.create_triggers))
    if walk.pending:
        # What they write beyond the cache goes to the disk while they run: before the old database is retired.
        cache: int = value(new, "PRAGMA cache_size")
        size += 2 * (-cache * 1024 if cache < 0 else cache * page_size)
    return size


def _is_retired(old: sqlite3.Connection) -> bool:
    marker = read_marker(old)
    return marker is not None and marker.status == "retired"


AGAIN = "nothing is lost; run `hotmig drain` again, then `hotmig cutover`"


def _require_drained(old: sqlite3.Connection, new: sqlite3.Connection, migration: Migration) -> None:
    marker, progress = read_marker(old), read_progress(new)
    if _is_retired(old):
        raise Refused("another cutover has retired the old database", "`hotmig status` says where things stand")
    if not migration.new.exists():
        raise Refused(f"{migration.new.name} was deleted", "run `hotmig migrate` to build it again")
    require_both_in_place(old, new, migration)
    if marker is None or progress is None:
        raise Refused("_migration_marker is gone from the old database", BEGIN_ANEW)
    if check_drift(old, migration.plan):
        raise Refused("the old database's schema was touched since the drain (an ANALYZE is enough)", AGAIN)
    if marker.status != "draining" or not progress.drain_completed:
        raise Refused("the migration is not drained", "run `hotmig drain`, then `hotmig cutover`")
    if not stands(new, migration.plan):
        raise Refused("the new database lost the triggers that keep everybody else out of it", AGAIN)
    _require_unwritten(old, marker, progress)
    moved = high_water_moved(new, old, migration.plan)
    if moved:
        raise Refused(f"{moved} of the old database changed since the drain", AGAIN)


def _require_unwritten(old: sqlite3.Connection, marker: Marker, progress: Progress) -> None:
    """The log and the marker are as the drain left them."""
    logged = last_log_id(old)
    if logged < progress.last_replayed_log_id:
        raise Refused(
            "the log is shorter than what was replayed: the old database was put back from a backup", BEGIN_ANEW
        )
    if logged != progress.last_replayed_log_id:
        clock = clock_set(marker)
        raise Refused(
            f"the old database accepted {counted(logged - progress.last_replayed_log_id, 'write')} since the drain:"
            f" its fence has lapsed{f', because {clock}' if clock else ''}",
            AGAIN,
        )
    if progress.fence_from != marker.fence_from:
        # A copy from another drain, behind which just as many writes came.
        raise Refused("the old database is not as the drain left it: it was put back from a backup", AGAIN)


def make_ready(
    new: sqlite3.Connection,
    schema: Schema,
    rehearsed: int | None = None,
    data: Callable[[], None] = lambda: None,
) -> None:
    """Inside a transaction of the new database: triggers come last, so that none ever fired for a copied row.

    ``data`` runs data migrations: they see the database as the application will, but for its status.
    """
    if read_status(new) != "migrating":
        raise HotmigError("the new database is not being built", "`hotmig status` says what is next")
    is_rehearsed = rehearsed is not None and value(new, "PRAGMA schema_version") == rehearsed
    lower_guard(new)
    if is_rehearsed:
        # The same statements over the same catalog: what they make of it has been read already.
        for sql in schema.create_triggers:
            execute(new, sql)
    else:
        _create_triggers(new, schema)
    data()
    forget_source(new)
    execute(new, "UPDATE _migration_status SET status = 'ready'")


def _create_triggers(new: sqlite3.Connection, schema: Schema) -> None:
    for sql in schema.create_triggers:
        execute(new, sql)
    verify_catalog(new, schema, triggers=True)
