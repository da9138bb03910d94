"""``drain``: catch up while writes go on, prove, raise the fence, replay the rest."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hotmig.capture.drift import check_drift
from hotmig.capture.fence import fence_state, lower_fence, raise_fence, unix_time
from hotmig.capture.log import last_log_id
from hotmig.capture.marker import read_marker, schema_version
from hotmig.capture.names import LOG
from hotmig.catalog.own import has_own_table
from hotmig.errors import FenceLeftUp, GaveUp, HotmigError
from hotmig.phases.cutover import tidy_up
from hotmig.phases.handover import hand_over, rehearse
from hotmig.phases.locate import Location
from hotmig.phases.migration import (
    LOCK_SECONDS,
    Migration,
    cut_in_two,
    find_migration,
    new_writer,
    old_writer,
    require_copied,
)
from hotmig.phases.progress import Progress, Report, silent
from hotmig.phases.settled import is_settled
from hotmig.sqlite import execute, reading, transaction, value
from hotmig.transfer.full_text import rebuild_beforehand, touch
from hotmig.transfer.high_water import high_water_moved
from hotmig.transfer.identity import read_progress
from hotmig.transfer.proof import Proved, prove
from hotmig.transfer.replay import Replayed, catch_up, replay
from hotmig.transfer.session import Session, open_session
from hotmig.units import counted

MAX_PAUSE_SECONDS = 2.0
HOLD_SECONDS = 60.0
SHORT_ROUND_SECONDS = 0.05
MOST_ROUNDS = 50
ASSUMED_KEYS_PER_SECOND = 50_000.0
STEPS_BETWEEN_LOOKS = 2_000  # VM steps: well under a millisecond


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
    left: str | None = None  # with cutover: why what only the migration needed is still in the new database
    pause: float | None = None  # with cutover: from the fence's commit to the commit that made the new one ready


def drain(
    location: Location,
    *,
    max_pause: float = MAX_PAUSE_SECONDS,
    hold: float = HOLD_SECONDS,
    cutover: bool = False,
    report: Report = silent,
    seconds: float = LOCK_SECONDS,
    extensions: tuple[str, ...] = (),
) -> DrainResult:
    """Brings the new database up to date and refuses writes to the old one for ``hold`` seconds at most.

    With ``cutover`` it hands over at once, on the same connections: the shortest pause.

    Raises Refused when the proof or a replay finds what must not be lost, or the old schema changed; GaveUp when the
    rest can't be replayed within ``max_pause`` seconds. After either the application writes on, and is recorded.
    """
    skipped = DrainResult(None, location.old, location.new)
    if is_settled(location):
        return replace(skipped, skipped="the database already has this schema")
    migration = find_migration(location)
    if migration.marker.status == "retired":
        raise cut_in_two()
    require_copied(migration)
    if _already_drained(migration) and not cutover:
        return replace(skipped, skipped="everything is drained and the fence is up; `hotmig cutover` is next")
    with (
        old_writer(migration.old, seconds) as old,
        open_session(migration.new, migration.old, migration.plan, seconds, extensions) as session,
        new_writer(migration.new, seconds) as new,
    ):
        execute(session.db, "PRAGMA main.synchronous = FULL")
        _require_no_drift(old, migration, seconds, max_pause)
        rounds = _catch_up(session, report)
        proved = prove(session, _proving(report))
        rehearsed = rehearse(new, migration.schema, seconds) if cutover else None
        rounds += _catch_up(session, report)
        texts = rebuild_beforehand(session)
        _empty_wal(session, new)
        rounds += _catch_up(session, report)
        try:
            drained = _under_fence(old, session, migration, rounds, proved, max_pause, hold, texts)
            if cutover:
                hand_over(old, new, migration, min(seconds, max_pause), rehearsed)
                drained = replace(drained, pause=time.time() - drained.fenced_at)
        except BaseException as failure:
            # Whatever went wrong, the application must be able to write again, and be recorded.
            let_writes_through(old, seconds, failure)
            raise
        return replace(drained, left=tidy_up(new, seconds)) if cutover else drained


def _proving(report: Report) -> Callable[[str, int], None]:
    done = 0

    def proved_chunk(table: str, rows: int) -> None:
        nonlocal done
        done += rows
        report(Progress("proving", done, None, table))

    return proved_chunk


def _already_drained(migration: Migration) -> bool:
    with reading(migration.new) as new, reading(migration.old) as old:
        progress, marker = read_progress(new), read_marker(old)
        if marker is None or progress is None or not progress.drain_completed or not has_own_table(old, LOG):
            return False
        if marker.schema_version != schema_version(old):
            return False  # cutover asks for a proof after it
        logged = last_log_id(old)
        # What no fence keeps out: cutover refuses it, and asks for this command.
        moved = high_water_moved(new, old, migration.plan)
    return not moved and progress.last_replayed_log_id == logged and fence_state(marker, time.time()).is_up


def let_writes_through(old: sqlite3.Connection, seconds: float, failure: BaseException) -> None:
    """Lowers the fence after a failure, unless there is none or the old database is retired; recording goes on.

    Raises FenceLeftUp when that fails too.
    """
    try:
        # Looked at without a lock first: that somebody holds it may be the very failure.
        if _is_draining(old):
            with transaction(old, seconds, "the old database"):
                if _is_draining(old):
                    lower_fence(old)
    except (HotmigError, sqlite3.Error) as error:
        raise FenceLeftUp(failure, str(error)) from error


def _is_draining(old: sqlite3.Connection) -> bool:
    marker = read_marker(old)
    return marker is not None and marker.status == "draining"


def _require_no_drift(old: sqlite3.Connection, migration: Migration, seconds: float, max_pause: float) -> None:
    # In rollback-journal mode even a commit of nothing waits for readers, and writers wait for it.
    with transaction(old, seconds, "the old database", commit_seconds=max_pause):
        check_drift(old, migration.plan)


def _catch_up(session: Session, report: Report) -> list[Replayed]:
    """Rounds until one is short: then little is left to be done while writes are refused."""
    rounds = []
    for _ in range(MOST_ROUNDS):
        for portion in catch_up(session):
            rounds.append(portion)
            report(Progress("replaying", sum(done.entries for done in rounds)))
        if rounds[-1].seconds < SHORT_ROUND_SECONDS:
            break
        session.let_writers_in()
    return rounds


def _empty_wal(session: Session, new: sqlite3.Connection) -> None:
    """Writes the new file's own log back, and puts off the next time: neither a long sync nor that in the pause."""
    value(session.db, "PRAGMA main.wal_checkpoint(PASSIVE)")
    for db in (session.db, new):
        execute(db, "PRAGMA wal_autocheckpoint = 0")


def _under_fence(
    old: sqlite3.Connection,
    session: Session,
    migration: Migration,
    rounds: list[Replayed],
    proved: Proved,
    max_pause: float,
    hold: float,
    texts: float,
) -> DrainResult:
    # Until this is committed the application's writes meet a lock: that counts as a pause too.
    with transaction(old, session.seconds, "the old database", commit_seconds=max_pause):
        if check_drift(old, migration.plan):
            raise GaveUp(
                "the old database's schema was touched while it was proved (an ANALYZE is enough)",
                "nothing is lost and writes go on; run `hotmig drain` again",
            )
        _require_budget(old, rounds, max_pause)
        _require_budget_for_texts(old, session, rounds[-1].upto, texts, max_pause)
        raise_fence(old, migration.plan.recorded, hold)
    fenced_at, started = _fenced_since(old), time.monotonic()
    last = _replay_rest(session, started + max_pause)
    return DrainResult(
        skipped=None,
        old=migration.old,
        new=migration.new,
        rounds=len(rounds) + 1,
        entries=sum(done.entries for done in rounds) + last.entries,
        keys=sum(done.keys for done in rounds) + last.keys,
        proved=proved,
        fenced_at=fenced_at,
        drained_seconds=time.monotonic() - started,
        hold=hold,
    )


def _fenced_since(old: sqlite3.Connection) -> float:
    """When writes were refused from: a fence that was up already keeps its beginning."""
    marker = read_marker(old)
    if marker is None or marker.fence_from is None:
        return time.time()
    return unix_time(marker.fence_from)


def _require_budget(old: sqlite3.Connection, rounds: list[Replayed], max_pause: float) -> None:
    """Raises GaveUp, before the fence goes up, when the rest would take longer than the budget."""
    waiting = last_log_id(old) - rounds[-1].upto
    entries, spent = sum(done.entries for done in rounds), sum(done.seconds for done in rounds)
    rate = entries / spent if entries > 1000 and spent > 0 else ASSUMED_KEYS_PER_SECOND
    if waiting / rate > max_pause:
        raise GaveUp(
            f"{counted(waiting, 'write')} still to be replayed, at {rate:,.0f} a second:"
            f" --max-pause is {max_pause:g} s",
            "nothing is lost and writes go on; run `hotmig drain` again when the application writes less",
        )


def _require_budget_for_texts(
    old: sqlite3.Connection, session: Session, upto: int, seconds: float, max_pause: float
) -> None:
    """The same for full-text indexes, which took ``seconds`` to be made. Those that nothing was written for stand."""
    rows = execute(old, f"SELECT DISTINCT table_name FROM {LOG} WHERE id > ?", (upto,)).fetchall()
    written = {name for (name,) in rows}
    touch(session, (step.step.table.name for step in session.steps if step.source_key.table in written))
    if session.stale_texts and seconds > max_pause:
        names = ", ".join(sorted(session.stale_texts))
        raise GaveUp(
            f"making the full-text tables anew ({names}) takes {seconds:.1f} s, and --max-pause is {max_pause:g} s",
            "nothing is lost and writes go on; run `hotmig drain` again with a longer --max-pause, at a quiet time",
        )


def _replay_rest(session: Session, deadline: float) -> Replayed:
    session.db.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
    try:
        return replay(session, finish=True)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        raise GaveUp(
            "the rest of the writes could not be replayed within --max-pause; the fence is down again",
            "nothing is lost and writes go on; run `hotmig drain` again, or give it a longer --max-pause",
        ) from error
    finally:
        session.db.set_progress_handler(None, 0)
