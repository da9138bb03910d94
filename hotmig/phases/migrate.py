"""``migrate``: recording starts, the new file is made, and the rows are copied."""

from __future__ import annotations

import datetime as dt
import math
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hotmig import project
from hotmig.capture.drift import check_drift, check_planned
from hotmig.capture.fence import raise_fence
from hotmig.capture.marker import Marker, read_marker
from hotmig.capture.recording import start_recording
from hotmig.errors import Blocked, Refused
from hotmig.ledger.actions import RAISE_FENCE, START_RECORDING, marker_of
from hotmig.ledger.run import UNRECORDED, Run, now
from hotmig.phases.budget import HOLD_SECONDS
from hotmig.phases.data_walk import marks_of
from hotmig.phases.drain import DrainResult, drain
from hotmig.phases.locate import Location, locate
from hotmig.phases.migration import (
    HALF_CUT,
    cut_in_two,
    module_of,
    old_writer,
    recorded_plan,
    require_here,
    require_its_own,
)
from hotmig.phases.offline import keeping_fence, under_fence
from hotmig.phases.pacing import pacing
from hotmig.phases.plan import PlanResult, plan
from hotmig.phases.progress import Progress, Report, silent
from hotmig.phases.reports import Draft, drafted, report_run
from hotmig.phases.wal import switch_to_wal
from hotmig.planning.hints import hints_of
from hotmig.planning.model import CopyPlan
from hotmig.schema.model import Schema
from hotmig.sqlite import LOCK_SECONDS, READERS_SECONDS, execute, make_durable, printable, reading, transaction
from hotmig.transfer import build
from hotmig.transfer.copy import Copied, all_copied, copy_all
from hotmig.transfer.groups.handed_on import hand_on
from hotmig.transfer.identity import Identity, TableCopy, read_copies
from hotmig.transfer.pace import Pace
from hotmig.transfer.pages import NotByPages, make_of_pages
from hotmig.transfer.session import Session, open_session
from hotmig.transfer.unfinished import discard, require_names, unfinished
from hotmig.units import counted

WAYS_OUT = (
    "put the schema module and the old database's schema back as they were and run the same command, "
    "or run `hotmig reset` and then `hotmig migrate` to begin anew"
)


@dataclass(frozen=True)
class MigrateResult:
    """What ``migrate`` did. ``skipped`` says why nothing was to be done."""

    skipped: str | None
    old: Path | None
    new: Path
    rows: dict[str, int]
    mapped: int
    seconds: float
    log_entries: int
    resumed: tuple[TableCopy, ...]
    offline: DrainResult | None = None  # with --offline: the drain and cutover that followed
    notes: tuple[str, ...] = ()
    report: Path | None = None  # what became of rows that became one
    old_wal: int = 0  # bytes: the largest size that the old database's log had, in WAL mode


def migrate(
    location: Location,
    *,
    offline: bool = False,
    wal: bool = False,
    long_reads: bool = False,
    throttle: float | None = None,
    report: Report = silent,
    seconds: float = LOCK_SECONDS,
    extensions: tuple[str, ...] = (),
    run: Run = UNRECORDED,
) -> MigrateResult:
    """Starts recording and copies, or goes on with a copy that was cut short.

    Raises Blocked, without any side effect, when the plan has blocking findings. ``offline`` refuses writes from
    the first row on; ``wal`` switches the old database to WAL first; for ``long_reads`` see ``plan``. With
    ``throttle`` the copy works that share of the time at most, and waits while commits to the old database are slow.
    """
    skipped = MigrateResult(None, location.old, location.new, {}, 0, 0.0, 0, ())
    begun = None
    require_here(location)
    require_names(location.new)
    if location.marker is not None:
        _require_target(location.marker, location)
        if location.marker.status == "retired":
            finish = partial(drain, location, cutover=True, seconds=seconds, extensions=extensions, run=run)
            finished = finish() if offline else None
            return replace(skipped, skipped=None if offline else HALF_CUT, offline=finished)
        # Before anything is planned: a plan would propose to give up what somebody's DDL has added.
        begun = _begun(location, location.marker, run)
        if begun and not offline and _is_copied(location.new):
            return replace(skipped, skipped=_what_is_next(location.marker))
    with ExitStack() as kept:
        # A migration that is under way has its groups in the new file, or in a log.
        keep = kept if location.marker is None else None
        planned = plan(location, long_reads=long_reads, extensions=extensions, keep=keep, only_blocking=True)
        if planned.nothing_to_do:
            if location.old is not None:
                run.concerns(None, location.old.name, location.new.name)  # for ``settled.stays_settled``
            return replace(skipped, skipped="the database already has this schema")
        if not planned.runnable or planned.plan is None or location.schema is None or location.old is None:
            raise blocked(planned)
        old, wanted = location.old, begun or planned.plan
        work = _Work(location, old, location.schema, wanted, planned, offline, throttle, seconds, extensions, run)
        run.concerns(wanted.hash, old.name, location.new.name)
        notes = _switched_to_wal(old, seconds, run) if wal else ()
        if wal:
            work = replace(work, planned=replace(planned, wal=True))
        carry_out = partial(_carried_out, work, report, kept, notes)
        return under_fence(old, seconds, run, carry_out) if offline else carry_out()


@dataclass(frozen=True)
class _Work:
    """What the parts of one ``migrate`` have in common."""

    location: Location
    old: Path
    schema: Schema
    wanted: CopyPlan
    planned: PlanResult
    offline: bool
    throttle: float | None
    seconds: float
    extensions: tuple[str, ...]
    run: Run

    @property
    def new(self) -> Path:
        return self.location.new


def _carried_out(work: _Work, report: Report, kept: ExitStack, notes: tuple[str, ...]) -> MigrateResult:
    """``kept`` holds the rehearsal, whose work ends with the copy."""
    old, new, seconds, run = work.old, work.new, work.seconds, work.run
    started = time.monotonic()
    marker = _record(work)
    told = keeping_fence(old, report, seconds, run) if work.offline else report
    made = _make_file(work, marker, told)
    with (
        drafted(work.planned.rehearsal, work.location.directory, run) as draft,
        pacing(old, work.throttle, seconds) as pace,
    ):
        copied, entries, written = _copy(work, told, made.rows, draft, pace)
    kept.close()
    handed_over = None
    if work.offline:
        again = locate(work.location.directory, work.location.schema_file)
        # Without a budget for the pause: it began with the first row, and ends with the cutover.
        handed_over = drain(
            again, max_pause=math.inf, cutover=True, is_fenced=True,
            report=told, seconds=seconds, extensions=work.extensions, run=run,
        )  # fmt: skip
    took = time.monotonic() - started
    return MigrateResult(
        None, old, new, copied.rows, copied.mapped, took, entries, copied.resumed, handed_over,
        (*notes, *made.notes), written, pace.largest_wal,
    )  # fmt: skip


def _switched_to_wal(old: Path, seconds: float, run: Run) -> tuple[str, ...]:
    with run.step("switch to WAL", old.name):
        return (switch_to_wal(old, seconds),)


def _begun(location: Location, marker: Marker, run: Run) -> CopyPlan | None:
    """The plan of a migration that an earlier run began, None where that died before it made the new file.

    Raises Refused where this is another one, or the old database was changed since.
    """
    if location.old is None or location.schema is None or not build.is_begun(location.new):
        return None
    require_its_own(marker, location.new, location.old)
    wanted = recorded_plan(location.old, location.new, location.schema)
    run.concerns(wanted.hash, location.old.name, location.new.name)
    _require_same(marker, location, wanted)
    with reading(location.old) as db:
        execute(db, "BEGIN")
        check_drift(db, wanted, WAYS_OUT)
    return wanted


def _what_is_next(marker: Marker) -> str:
    following = "`hotmig cutover` or `hotmig drain`" if marker.status == "draining" else "`hotmig drain`"
    return f"everything is copied already; {following} is next"


def _is_copied(new: Path) -> bool:
    """Whether an earlier run came to its end."""
    if not build.is_begun(new):
        return False
    with reading(new) as db:
        return all(copy.state == "copied" for copy in read_copies(db) or ())


def blocked(planned: PlanResult) -> Blocked:
    """The refusal that names the findings."""
    blocking = [finding for finding in planned.findings if finding.severity == "block"]
    more = f"; and {counted(len(blocking) - 1, 'more finding')}" if len(blocking) > 1 else ""
    hint = "`hotmig plan` shows every finding, and what to do about it"
    if not blocking:
        return Blocked("migrate is blocked: the plan can't be run", hint)
    # A finding names rows by their keys and values.
    return Blocked("migrate is blocked", hint, rows=f": {blocking[0].message}{more}")


def _record(work: _Work) -> Marker:
    """Starts recording; a migration that is already recording is joined when it is this very one."""
    old, wanted, seconds, run = work.old, work.wanted, work.seconds, work.run
    with reading(old) as db:
        marker = read_marker(db)
    with old_writer(old, seconds) as db:

        def verify() -> None:
            check_planned(db, wanted)
            if work.planned.rehearsal is not None:
                work.planned.rehearsal.compare()

        if marker is None:
            # The intent says what will be in the marker: after a death in mid-step, a rollback knows it again.
            began = now()
            # Recording first: a row is never read that could change unseen.
            with run.step(START_RECORDING, old.name, marker_of(began), undo="recording"):
                marker = start_recording(
                    db, wanted.recorded, work.new.name, wanted.hash, seconds,
                    verify, printable(os.path.realpath(work.location.directory)),
                    began,
                )  # fmt: skip
        else:
            _require_same(marker, work.location, wanted)
            with transaction(db, seconds, "the old database's writers", commit_seconds=READERS_SECONDS):
                check_drift(db, wanted, WAYS_OUT)
        if work.offline:
            with (
                run.step(RAISE_FENCE, old.name, undo="fence"),
                transaction(db, seconds, "the old database's writers", commit_seconds=READERS_SECONDS),
            ):
                raise_fence(db, wanted.recorded, HOLD_SECONDS)
        return marker


def _require_target(marker: Marker, location: Location) -> None:
    """Before anything is planned: what stands in the way of another migration does not matter to this one."""
    if marker.target != location.new.name:
        if marker.status == "retired":
            raise cut_in_two()
        raise Refused(f"another migration is under way, to {marker.target}", module_of(location, marker) or WAYS_OUT)


def _require_same(marker: Marker, location: Location, wanted: CopyPlan) -> None:
    _require_target(marker, location)
    if marker.plan_hash != wanted.hash:
        raise Refused("the migration under way was begun from another plan", WAYS_OUT)


@dataclass(frozen=True)
class _Made:
    """The rows that a new file has from its beginning, by their tables, and what is to be said of it."""

    rows: Mapping[str, int]
    notes: tuple[str, ...] = ()


def _make_file(work: _Work, marker: Marker, report: Report) -> _Made:
    """Makes the new file, unless an earlier run did."""
    old, new, schema, planned = work.old, work.new, work.schema, work.planned
    if build.is_begun(new):
        discard(new)
        return _Made({})
    settings = build.read_settings(old)
    created = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    identity = Identity(schema.hash, planned.schema_commit, old.name, created)
    hints, marks = hints_of(schema), marks_of(schema, old, None)
    beginning = build.Beginning(schema, work.wanted, identity, hints, marker.migration, planned.rows, marks)
    tell = partial(report, Progress("copying", 0, sum(planned.rows.values())))
    with work.run.step("make the new file", new.name, undo="new file"):
        # What an earlier run left before its first commit is made again.
        for path in (new, *project.side_files(new)):
            path.unlink(missing_ok=True)
        notes: tuple[str, ...] = ()
        if planned.copies_pages and work.throttle is None:
            try:
                return _Made(make_of_pages(new, old, settings, beginning, work.seconds, work.extensions, tell))
            except NotByPages as reason:
                notes = (f"each table was copied by itself, not the file as a whole: {reason}",)
        with unfinished(new, settings) as path:
            if planned.rehearsal is not None and planned.rehearsal.holds:
                with work.run.step("hand on groups", new.name):
                    hand_on(planned.rehearsal, path, work.seconds, tell)
            build.create_schema(path, settings, beginning, work.extensions)
    return _Made({}, notes)


def _copy(
    work: _Work, report: Report, rows: Mapping[str, int], draft: Draft | None, pace: Pace
) -> tuple[Copied, int, Path | None]:
    total, done, resting = sum(work.planned.rows.values()), 0, None

    def copied_chunk(table: str, rows: int) -> None:
        nonlocal done
        done += rows
        report(Progress("copying", done, total, table))

    def rests(reason: str | None) -> None:
        nonlocal resting
        if reason != resting:
            resting = reason
            session.note_rest(reason)
        report(Progress("copying", done, total, resting=reason))

    old, new, run = work.old, work.new, work.run
    with open_session(new, old, work.wanted, work.seconds, work.extensions, run.step, pace) as session:
        session.note_rest(None)  # what a run that was killed has left
        pace.tell = rests
        if not rows:  # of an earlier run
            done = sum(copy.rows for copy in read_copies(session.db) or ())
        for table, count in rows.items():
            copied_chunk(table, count)
        with _explaining_drift(old, work.wanted):
            copied = copy_all(session, build.indexes_of(work.schema), copied_chunk, rows)
        pace.see(old)
        with run.step("finish", new.name):
            _finish(session, work.schema)
        written = report_run(session, new.parent, run, draft)
        return copied, session.last_log_id(), written.path if written is not None else None


@contextmanager
def _explaining_drift(old: Path, wanted: CopyPlan) -> Iterator[None]:
    """A statement that fails because somebody altered the old tables meanwhile is refused as the next run would be."""
    try:
        yield
    except sqlite3.OperationalError:
        with reading(old) as db:
            check_drift(db, wanted, WAYS_OUT)
        raise


def _finish(session: Session, schema: Schema) -> None:
    """Views, virtual tables and statistics; the catalog is read back; everything is on the disk."""
    # The next commit syncs the whole file, also what earlier chunks left to the system.
    make_durable(session.db)
    with session.building():
        build.finish_schema(session.db, schema)
        execute(session.db, "UPDATE main._migration_progress SET drain_completed = 0, resting = NULL")
    build.analyze_like(session.db)
    build.verify_catalog(session.db, schema, triggers=False)
    if session.wal:
        execute(session.db, "PRAGMA main.journal_mode = WAL")
    all_copied(session)
