"""``drain``: catch up while writes go on, prove, raise the fence, replay the rest."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hotmig.capture.drift import check_drift
from hotmig.capture.fence import fence_state
from hotmig.capture.log import last_log_id
from hotmig.capture.marker import read_marker, schema_version, stamp
from hotmig.capture.names import LOG
from hotmig.capture.recording import stay_first
from hotmig.catalog.own import has_own_table
from hotmig.ledger.run import UNRECORDED, Run
from hotmig.phases.budget import HOLD_SECONDS, MAX_PAUSE_SECONDS, Budget
from hotmig.phases.cutover import cutover as hand_over
from hotmig.phases.cutover import tidy_up
from hotmig.phases.data_walk import Walked, at_cutover, walk_behind_cutover
from hotmig.phases.fence_down import fenced, lower_fence_of
from hotmig.phases.handover import rehearse
from hotmig.phases.locate import Location
from hotmig.phases.migration import (
    HALF_CUT,
    Migration,
    find_migration,
    new_writer,
    old_writer,
    require_copied,
)
from hotmig.phases.pause import CaughtUp, Paused, pause
from hotmig.phases.progress import Progress, Report, silent
from hotmig.phases.reports import report_again, report_run
from hotmig.phases.settled import stays_settled
from hotmig.sqlite import LOCK_SECONDS, READERS_SECONDS, execute, make_durable, reading, transaction, value
from hotmig.transfer.full_text import rebuild_beforehand
from hotmig.transfer.guard import commits_of_others, forget_drain, raise_guard
from hotmig.transfer.guard import stands as guard_stands
from hotmig.transfer.high_water import high_water_moved
from hotmig.transfer.identity import read_copies, read_progress
from hotmig.transfer.proof import Proved, prove
from hotmig.transfer.replay import Replayed, catch_up, pending
from hotmig.transfer.session import Session, open_session

SHORT_ROUND_SECONDS = 0.05
MOST_ROUNDS = 50


@dataclass(frozen=True)
class DrainResult:
    """What ``drain`` did. ``fenced_at`` is the wall clock, in seconds, when writes were refused from."""

    skipped: str | None
    old: Path | None
    new: Path
    rounds: int = 0
    entries: int = 0
    keys: int = 0
    proved: Proved | None = None
    fenced_at: float = 0.0
    drained_seconds: float = 0.0  # from the fence's commit to the last replayed row
    hold: float = HOLD_SECONDS
    lapsed: bool = False  # the fence came down by itself before all was replayed: the process was held up
    was_cut: bool = False  # with cutover: an earlier one had been cut in two, and was finished
    left: str | None = None  # with cutover: why what only the migration needed is still in the new database
    pause: float | None = None  # with cutover: from the fence's commit to the commit that made the new one ready
    data_migrations: tuple[str, ...] = ()  # that were run, in their order
    data_problem: str | None = None  # why one that comes behind the cutover did not succeed
    report: Path | None = None  # what became of rows that became one


def drain(
    location: Location,
    *,
    max_pause: float = MAX_PAUSE_SECONDS,
    hold: float = HOLD_SECONDS,
    cutover: bool = False,
    report: Report = silent,
    seconds: float = LOCK_SECONDS,
    extensions: tuple[str, ...] = (),
    run: Run = UNRECORDED,
    is_fenced: bool = False,
) -> DrainResult:
    """Brings the new database up to date and refuses writes to the old one for ``hold`` seconds at most.

    With ``cutover`` it hands over at once, on the same connections: the shortest pause. ``is_fenced``: the caller has
    raised the fence, which stays up.

    Raises Refused when the proof or a replay finds what must not be lost, or the old schema changed; GaveUp when the
    rest can't be replayed within ``max_pause`` seconds. After either the application writes on, and is recorded.
    """
    skipped = DrainResult(None, location.old, location.new)
    if stays_settled(location):
        return replace(skipped, skipped="the database already has this schema")
    migration = find_migration(location)
    run.concerns(migration.plan.hash, migration.old.name, migration.new.name)
    if migration.marker.status == "retired":
        if not cutover:
            return replace(skipped, skipped=HALF_CUT)
        return _handed_over(location, max_pause, seconds, extensions, run)
    require_copied(migration)
    lower = partial(lower_fence_of, migration.old, seconds, run)
    if _already_drained(migration) and not is_fenced:
        if not cutover:
            return replace(skipped, skipped="everything is drained and the fence is up; `hotmig cutover` is next")
        # To drain anew would let writes in for a moment, and refuse them a second time.
        return fenced(partial(_handed_over, location, max_pause, seconds, extensions, run), lower)
    drained: list[Paused] = []
    work = partial(_drained, migration, Budget(max_pause, hold), cutover, report, seconds, extensions, run, drained)
    if not is_fenced:
        # An earlier drain's: whatever becomes of this one, nothing is handed over behind that fence any more.
        lower()
    # Told to stop while the files are closed behind it: a deploy script that ends there never cuts over.
    return fenced(work, lambda: lower() if drained else None)


def _drained(
    migration: Migration,
    budget: Budget,
    cutover: bool,
    report: Report,
    seconds: float,
    extensions: tuple[str, ...],
    run: Run,
    drained: list[Paused],
) -> DrainResult:
    """Appends to ``drained`` as soon as the fence is up and all is replayed."""
    with (
        old_writer(migration.old, seconds) as old,
        open_session(migration.new, migration.old, migration.plan, seconds, extensions, run.step) as session,
        new_writer(migration.new, seconds, extensions) as new,
    ):
        make_durable(session.db)
        _begin(old, new, migration, seconds, budget.max_pause, run)
        caught_up, proved = _caught_up(session, new, report)
        written = report_run(session, migration.new.parent, run)
        rehearsed = rehearse(new, migration.schema, seconds) if cutover else None
        walk = at_cutover(migration)
        paused = pause(old, new, session, migration, caught_up, budget, rehearsed, walk, run)
        drained.append(paused)
        if paused.rest.entries:
            report_again(session, written, run, paused=not cutover)
        left = tidy_up(new, seconds, run) if cutover else None
        walked = walk_behind_cutover(new, migration.schema, walk, seconds, run) if cutover else Walked()
        lapsed = not cutover and not fence_state(read_marker(old), time.time()).is_up
    rounds = (*caught_up.rounds, paused.rest)
    return DrainResult(
        skipped=None,
        old=migration.old,
        new=migration.new,
        rounds=len(rounds),
        entries=sum(done.entries for done in rounds),
        keys=sum(done.keys for done in rounds),
        proved=proved,
        fenced_at=paused.fenced_at,
        drained_seconds=paused.drained_seconds,
        hold=budget.hold,
        lapsed=lapsed,
        left=left,
        pause=paused.seconds,
        data_migrations=walked.names,
        data_problem=walked.problem,
        report=written.path if written is not None else None,
    )


def _handed_over(
    location: Location, max_pause: float, seconds: float, extensions: tuple[str, ...], run: Run
) -> DrainResult:
    """What is drained, or was cut in two by an earlier cutover, is handed over: there is nothing left to be drained."""
    done = hand_over(location, max_pause=max_pause, seconds=seconds, extensions=extensions, run=run)
    result = DrainResult(None, done.old, done.new, pause=done.pause, left=done.left, was_cut=done.finished_half_cut)
    return replace(result, data_migrations=done.data_migrations, data_problem=done.data_problem)


def _caught_up(session: Session, new: sqlite3.Connection, report: Report) -> tuple[CaughtUp, Proved]:
    """Everything that can be done while the application writes on."""
    began, first = time.monotonic(), session.last_log_id()
    rounds = _catch_up(session, report)
    proved_from = commits_of_others(session.db)
    with session.step("prove", session.file):
        proved = prove(session, _proving(session, report))
    rounds += _catch_up(session, report)
    texts = rebuild_beforehand(session)
    with session.step("raise the guard", session.file), session.building():
        raise_guard(session.db, session.plan)
    _empty_wal(session, new)
    rounds += _catch_up(session, report)
    written = (session.last_log_id() - first) / max(time.monotonic() - began, 1e-6)
    return CaughtUp(tuple(rounds), texts, proved_from, written), proved


def _proving(session: Session, report: Report) -> Callable[[str, int], None]:
    """Tells how far the proof is, of about as many rows as were copied."""
    total, done = sum(copy.rows for copy in read_copies(session.db) or ()), 0

    def proved_chunk(table: str, rows: int) -> None:
        nonlocal done
        done += rows
        report(Progress("proving", done, max(total, done), table))

    return proved_chunk


def _already_drained(migration: Migration) -> bool:
    with reading(migration.new) as new, reading(migration.old) as old:
        progress, marker = read_progress(new), read_marker(old)
        if marker is None or progress is None or not progress.drain_completed or not has_own_table(old, LOG):
            return False
        if marker.schema_version != schema_version(old) or not guard_stands(new, migration.plan):
            return False  # cutover asks for a proof after it
        logged = last_log_id(old)
        # What no fence keeps out: cutover refuses it, and asks for this command.
        moved = high_water_moved(new, old, migration.plan)
    same = progress.last_replayed_log_id == logged and progress.fence_from == marker.fence_from
    return same and not moved and fence_state(marker, time.time()).is_up


def _begin(
    old: sqlite3.Connection, new: sqlite3.Connection, migration: Migration, seconds: float, max_pause: float, run: Run
) -> None:
    """Raises Refused where the old schema changed. A moved schema_version is taken for known: a proof follows.

    An earlier drain is forgotten before that: killed in between, `cutover` would hand over what nobody proved.
    """
    with reading(migration.old) as db:
        check_drift(db, migration.plan)
    with run.step("forget an earlier drain", migration.new.name), transaction(new, seconds, "the new database"):
        forget_drain(new)
    # In rollback-journal mode even a commit of nothing waits for readers, and writers wait for it.
    with transaction(old, seconds, "the old database", commit_seconds=min(max_pause, READERS_SECONDS)):
        if check_drift(old, migration.plan):
            with run.step("take the schema for known", migration.old.name):
                stay_first(old, migration.plan.recorded)
                stamp(old)


def _catch_up(session: Session, report: Report) -> list[Replayed]:
    """Rounds until one is short: then little is left to be done while writes are refused."""
    rounds = []
    for _ in range(MOST_ROUNDS):
        waiting = pending(session)
        for portion in catch_up(session):
            rounds.append(portion)
            report(Progress("replaying", sum(done.entries for done in rounds)))
        # Where as much was written meanwhile, further rounds bring nothing: the budget says whether it is too much.
        if rounds[-1].seconds < SHORT_ROUND_SECONDS or pending(session) >= waiting:
            break
        session.let_writers_in()
    return rounds


def _empty_wal(session: Session, new: sqlite3.Connection) -> None:
    """Writes the new file's own log back, and puts off the next time: neither a long sync nor that in the pause."""
    value(session.db, "PRAGMA main.wal_checkpoint(PASSIVE)")
    for db in (session.db, new):
        execute(db, "PRAGMA wal_autocheckpoint = 0")
