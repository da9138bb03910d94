"""The pause: the fence goes up, the rest is replayed, and where that was asked for the new database takes over."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, replace
from functools import partial

from hotmig.capture.clock import unix_time
from hotmig.capture.drift import check_drift
from hotmig.capture.fence import raise_fence
from hotmig.capture.log import last_log_id
from hotmig.capture.marker import read_marker
from hotmig.capture.names import LOG
from hotmig.errors import GaveUp
from hotmig.ledger.actions import RAISE_FENCE
from hotmig.ledger.run import Reached, Run
from hotmig.ledger.store import Intent
from hotmig.phases.budget import Budget, Deadline
from hotmig.phases.data_walk import Walk
from hotmig.phases.fence_down import fenced, lower_if_up
from hotmig.phases.handover import hand_over, readiness, retirement
from hotmig.phases.migration import Migration, require_in_place
from hotmig.sqlite import READERS_SECONDS, execute, transaction
from hotmig.transfer.full_text import touch
from hotmig.transfer.guard import require_untouched
from hotmig.transfer.replay import Replayed, replay
from hotmig.transfer.session import Session
from hotmig.transfer.supervised import Supervised
from hotmig.units import counted

ASSUMED_KEYS_PER_SECOND = 50_000.0
TOO_LONG = "the rest of the writes could not be replayed within --max-pause; the fence is down again"
LONGER = "nothing is lost and writes go on; run `hotmig drain` again, or give it a longer --max-pause"
STEPS_BETWEEN_LOOKS = 2_000  # VM steps: well under a millisecond


@dataclass(frozen=True)
class CaughtUp:
    """What went before: the rounds of replay, and how many seconds full-text tables took to be made anew.

    ``proved_from`` is what ``commits_of_others`` said when the proof began, ``written`` how many keys the application
    wrote in a second meanwhile.
    """

    rounds: tuple[Replayed, ...]
    texts: float
    proved_from: int
    written: float


@dataclass(frozen=True)
class Paused:
    """``fenced_at`` is the wall clock, ``drained_seconds`` from there to the last replayed row.

    ``seconds`` is the whole pause, where the new database took over.
    """

    rest: Replayed
    fenced_at: float
    drained_seconds: float
    seconds: float | None = None


def pause(
    old: sqlite3.Connection,
    new: Supervised,
    session: Session,
    migration: Migration,
    caught_up: CaughtUp,
    budget: Budget,
    rehearsed: int | None,
    walk: Walk,
    run: Run,
) -> Paused:
    """Refuses writes and replays the rest; hands over where that was ``rehearsed``. After any failure writes go on.

    Raises GaveUp when the rest can't be replayed, or a data migration of the ``walk`` is not done, within the budget;
    Refused when the rest does not fit, DataMigrationFailed for what it says.
    """
    handed_over = () if rehearsed is None else (*walk.intents, retirement(migration), readiness(migration))
    # One commit of the ledger before the pause and one after it: none in between.
    with run.steps(*_drained(migration), *handed_over) as reached:

        def work() -> Paused:
            paused, deadline = _under_fence(old, session, migration, caught_up, budget, reached)
            if rehearsed is None:
                return paused
            untouched = partial(require_untouched, session.db, caught_up.proved_from)
            hand_over(old, new, migration, deadline, reached, rehearsed, untouched, walk)
            return replace(paused, seconds=time.time() - paused.fenced_at)

        # Whatever went wrong, the application must be able to write again, and be recorded.
        return fenced(work, lambda: lower_if_up(old, migration.old.name, session.seconds, run))


def _drained(migration: Migration) -> tuple[Intent, Intent, Intent]:
    return (
        Intent(RAISE_FENCE, migration.old.name, undo="fence"),
        Intent("replay the rest", migration.new.name),
        Intent("complete the drain", migration.new.name),
    )


def _under_fence(
    old: sqlite3.Connection,
    session: Session,
    migration: Migration,
    caught_up: CaughtUp,
    budget: Budget,
    reached: Reached,
) -> tuple[Paused, Deadline]:
    """Returns also until when the new database has to take over."""
    fence, rest, complete = _drained(migration)
    with transaction(old, session.seconds, "the old database", commit_seconds=min(budget.max_pause, READERS_SECONDS)):
        # From here on the application's writes meet a lock, and behind the commit the fence.
        deadline = Deadline.after(budget.max_pause)
        if check_drift(old, migration.plan):
            raise GaveUp(
                "the old database's schema was touched while it was proved (an ANALYZE is enough)",
                "nothing is lost and writes go on; run `hotmig drain` again",
            )
        _require_budget(old, caught_up, budget.max_pause)
        _require_budget_for_texts(old, session, caught_up, budget.max_pause)
        require_in_place(old, migration.old)
        raise_fence(old, migration.plan.recorded, budget.hold)
    reached(fence)
    marker = read_marker(old)
    fence_from = marker.fence_from if marker else None
    last = _replay_rest(session, deadline, caught_up.proved_from, fence_from)
    _require_in_time(deadline)
    reached(rest)
    reached(complete)  # in one transaction with the replay
    # A fence that was up already keeps its beginning.
    fenced_at = time.time() if fence_from is None else unix_time(fence_from)
    return Paused(last, fenced_at, time.time() - fenced_at), deadline


def _require_in_time(deadline: Deadline) -> None:
    """Raises GaveUp where the rest took too long without being interrupted: a process can be held up."""
    if deadline.is_over:
        raise GaveUp(TOO_LONG, LONGER)


def _require_budget(old: sqlite3.Connection, caught_up: CaughtUp, max_pause: float) -> None:
    """Raises GaveUp, before the fence goes up, when the rest would take longer than the budget."""
    rounds = caught_up.rounds
    waiting = last_log_id(old) - rounds[-1].upto
    entries, spent = sum(done.entries for done in rounds), sum(done.seconds for done in rounds)
    rate = entries / spent if entries > 1000 and spent > 0 else ASSUMED_KEYS_PER_SECOND
    if waiting / rate > max_pause:
        raise GaveUp(
            f"{counted(waiting, 'write')} still to be replayed, at {rate:,.0f} a second, while the application writes"
            f" {caught_up.written:,.0f} a second: --max-pause is {max_pause:g} s",
            "nothing is lost and writes go on; run `hotmig drain` again when the application writes less",
        )


def _require_budget_for_texts(old: sqlite3.Connection, session: Session, caught_up: CaughtUp, max_pause: float) -> None:
    """The same for full-text indexes, which took some seconds to be made. Those that nothing was written for stand."""
    rows = execute(old, f"SELECT DISTINCT table_name FROM {LOG} WHERE id > ?", (caught_up.rounds[-1].upto,)).fetchall()
    written = {name for (name,) in rows}
    touch(session, (step.step.table.name for step in session.steps if step.source_key.table in written))
    if session.stale_texts and caught_up.texts > max_pause:
        names = ", ".join(sorted(session.stale_texts))
        raise GaveUp(
            f"making the full-text tables anew ({names}) takes {caught_up.texts:.1f} s,"
            f" and --max-pause is {max_pause:g} s",
            "nothing is lost and writes go on; run `hotmig drain` again with a longer --max-pause, at a quiet time",
        )


def _replay_rest(session: Session, deadline: Deadline, proved_from: int, fence_from: float | None) -> Replayed:
    session.db.set_progress_handler(lambda: deadline.is_over, STEPS_BETWEEN_LOOKS)
    try:
        return replay(session, finish=True, proved_from=proved_from, fence_from=fence_from)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        raise GaveUp(TOO_LONG, LONGER) from error
    finally:
        session.db.set_progress_handler(None, 0)
