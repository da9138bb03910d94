"""The second half of a cutover that was cut in two: nobody can have written to the old database since the first."""

from __future__ import annotations

import sqlite3

from hotmig.capture.fence import fence_stands, stand_fence
from hotmig.capture.log import last_log_id
from hotmig.errors import Refused
from hotmig.ledger.actions import RAISE_FENCE, READY
from hotmig.ledger.run import Run
from hotmig.phases.handover import make_ready
from hotmig.phases.migration import Migration, unretire
from hotmig.phases.room import give_back
from hotmig.sqlite import READERS_SECONDS, make_durable, transaction
from hotmig.transfer.guard import forget_drain, raise_guard, stands
from hotmig.transfer.high_water import high_water_moved
from hotmig.transfer.identity import read_progress
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import catch_up, replay
from hotmig.transfer.session import open_session


def finish(
    old: sqlite3.Connection,
    new: sqlite3.Connection,
    migration: Migration,
    seconds: float,
    extensions: tuple[str, ...],
    run: Run,
) -> None:
    """Makes the new database ready. Raises Refused where it is not what the old one says, and can't be made so."""
    if not fence_stands(old, migration.plan.recorded):
        # Somebody wrote into the marker: writes would still flow while the rest is replayed, and behind that.
        with (
            run.step(RAISE_FENCE, migration.old.name),
            transaction(old, seconds, "the old database", commit_seconds=READERS_SECONDS),
        ):
            stand_fence(old, migration.plan.recorded)
    if not _is_as_drained(old, new, migration):
        with run.step("forget the drain", migration.new.name), transaction(new, seconds, "the new database"):
            forget_drain(new)
        _drain_again(migration, seconds, extensions, run)
    with run.step(READY, migration.new.name):
        give_back(migration.new)
        with transaction(new, seconds, "the new database"):
            make_ready(new, migration.schema)


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
