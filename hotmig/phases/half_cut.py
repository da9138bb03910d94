"""The second half of a cutover that was cut in two: the old database refuses writes, unless DDL has let them in."""

from __future__ import annotations

import math
import sqlite3
from functools import partial

from hotmig.capture.drift import changed_behind
from hotmig.capture.fence import fence_stands, stand_fence
from hotmig.capture.log import last_log_id
from hotmig.capture.marker import schema_version
from hotmig.errors import Refused
from hotmig.ledger.actions import RAISE_FENCE
from hotmig.ledger.run import Run
from hotmig.phases.budget import Deadline
from hotmig.phases.data_walk import Walk, walk_at_cutover
from hotmig.phases.handover import make_ready, reached_all, readiness
from hotmig.phases.migration import Migration, require_both_in_place, unretire
from hotmig.phases.room import give_back
from hotmig.sqlite import READERS_SECONDS, make_durable, transaction
from hotmig.transfer.data_migrations import foreign_keys
from hotmig.transfer.guard import forget_drain, raise_guard, stands
from hotmig.transfer.high_water import high_water_moved
from hotmig.transfer.identity import read_progress, read_status
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import catch_up, replay
from hotmig.transfer.session import open_session
from hotmig.transfer.supervised import Supervised


def finish(
    old: sqlite3.Connection,
    new: Supervised,
    migration: Migration,
    walk: Walk,
    seconds: float,
    extensions: tuple[str, ...],
    run: Run,
) -> None:
    """Makes the new database ready. Raises Refused where it is not what the old one says, and can't be made so.

    Raises DataMigrationFailed for one that does not succeed now: it can be mended, or skipped, and this run again.
    """
    require_both_in_place(old, new, migration)
    is_touched = _schema_moved(old, migration)
    if not fence_stands(old, migration.plan.recorded):
        # Somebody wrote into the marker: writes would still flow while the rest is replayed, and behind that.
        with (
            run.step(RAISE_FENCE, migration.old.name),
            transaction(old, seconds, "the old database", commit_seconds=READERS_SECONDS),
        ):
            stand_fence(old, migration.plan.recorded)
    if is_touched or not _is_as_drained(old, new, migration):
        with run.step("forget the drain", migration.new.name), transaction(new, seconds, "the new database"):
            forget_drain(new)
        _drain_again(migration, seconds, extensions, run)
    with run.steps(*walk.intents, readiness(migration)) as reached:
        try:
            _make_ready(old, new, migration, walk, seconds)
            reached_all(reached, migration, walk)
        except BaseException:
            # Told to stop behind the commit: what is done is done, and must not look like a cutover that failed.
            if read_status(new) != "ready":
                raise
            reached_all(reached, migration, walk)


def _make_ready(old: sqlite3.Connection, new: Supervised, migration: Migration, walk: Walk, seconds: float) -> None:
    """Data migrations are run again: those that had succeeded went with the transaction that was cut off.

    Without a budget: the application can't write before they are done.
    """
    give_back(migration.new)
    data = partial(walk_at_cutover, old, new, migration.schema, walk, Deadline(math.inf))
    with foreign_keys(new, bool(walk.pending)), transaction(new, seconds, "the new database"):
        make_ready(new, migration.schema, data=data)


def _schema_moved(old: sqlite3.Connection, migration: Migration) -> bool:
    """Whether somebody's DDL came behind the first half: triggers may have been dropped and writes let in, unseen.

    Raises Refused where a table was changed or appeared, which no projection brings over.
    """
    if migration.marker.schema_version == schema_version(old):
        return False
    if changed := changed_behind(old, migration.plan):
        raise Refused(f"the old database {changed}", unretire(migration.old))
    return True


def _is_as_drained(old: sqlite3.Connection, new: sqlite3.Connection, migration: Migration) -> bool:
    """Whether this is the file that was retired for, and nobody has written to it since."""
    progress = read_progress(new)
    if progress is None or not progress.drain_completed or not stands(new, migration.plan):
        return False
    if last_log_id(old) != progress.last_replayed_log_id or progress.fence_from != migration.marker.fence_from:
        return False
    return not high_water_moved(new, old, migration.plan)


def _drain_again(migration: Migration, seconds: float, extensions: tuple[str, ...], run: Run) -> None:
    """As ``drain`` does it; but there is no hurry, as no writes flow, and every row is proved."""
    with open_session(migration.new, migration.old, migration.plan, seconds, extensions, run.step) as session:
        make_durable(session.db)
        try:
            for _ in catch_up(session):
                pass
            with run.step("prove", migration.new.name):
                prove(session, lambda _table, _rows: None)
            with run.step("complete the drain", migration.new.name):
                with session.building():
                    raise_guard(session.db, session.plan)
                replay(session, finish=True, fence_from=migration.marker.fence_from)
        except Refused as error:
            # What it proposes leads nowhere from here: the old database is retired.
            rows = error.message.removeprefix(error.without_data)
            raise Refused(error.without_data, unretire(migration.old), rows=rows) from error
