"""``runs rollback``: takes back what one run did, as far as that has an inverse."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hotmig import project
from hotmig.capture.fence import lower_fence
from hotmig.capture.marker import Marker, read_marker, retired_successor
from hotmig.capture.recording import stop_recording
from hotmig.errors import HotmigError, Refused
from hotmig.ledger.actions import LOWER_FENCE, READY, RETIRE, STOP_RECORDING, marker_of
from hotmig.ledger.model import State, Step, StepStatus, Undo
from hotmig.ledger.run import Run, now
from hotmig.ledger.store import Ledger, Outcome
from hotmig.phases.migration import cut_in_two, old_writer
from hotmig.phases.runs import RunView, list_runs, show_run
from hotmig.sqlite import LOCK_SECONDS, reading, transaction
from hotmig.transfer.build import is_begun, sync_directory
from hotmig.transfer.identity import read_status

INVERSES: dict[Undo, str] = {
    "recording": STOP_RECORDING,
    "new file": "delete the new file",
    "fence": LOWER_FENCE,
}
WAY_BACK = "the way back is another migration, to the schema that was before: see the runbook, way-back.md"
HANDED_OVER = (RETIRE, READY)
COMMAND = "runs rollback"
UNDONE: tuple[State, ...] = ("rolled_back", "abandoned")


@dataclass(frozen=True)
class Undoing:
    """One step of the run: ``does`` is what takes it back, or ``reason`` says why nothing does.

    ``status`` is what came of it, None where nothing was tried yet: an earlier rollback may have died.
    """

    step: Step
    does: str | None
    reason: str | None = None
    status: StepStatus | None = None


@dataclass(frozen=True)
class RollbackResult:
    """``rolled_back`` is the run's id, ``steps`` are in the order in which they are taken back: the last one first.

    ``skipped`` says that nothing was left to undo.
    """

    rolled_back: str
    command: str
    steps: tuple[Undoing, ...]
    dry_run: bool
    skipped: str | None = None

    @property
    def failed(self) -> tuple[Undoing, ...]:
        return tuple(undoing for undoing in self.steps if undoing.status == "rollback_failed")


def preview(directory: Path, run_id: str) -> RollbackResult:
    """What a rollback would do, step by step: the databases are asked, not the ledger alone.

    Raises UsageError for an unknown run, Refused when the new database is ready or the old one is retired.
    """
    view = show_run(directory, run_id)
    _refuse_handed_over(directory, view)
    runs = list_runs(directory)
    latest, before = _latest(runs), _undone_before(runs, view)
    steps = tuple(_undoing(directory, view, step, latest, before) for step in reversed(view.steps))
    # What a rollback that died has undone is still to be marked.
    is_left = any(undoing.does or undoing.status for undoing in steps)
    nothing = None if is_left else "nothing that this run did is left to be undone"
    return RollbackResult(view.run_id, view.command, steps, True, nothing)


def rollback(directory: Path, run_id: str, run: Run, seconds: float = LOCK_SECONDS) -> RollbackResult:
    """Undoes, and marks each step with what came of it. After a failure nothing more is tried.

    Raises what ``preview`` raises; HotmigError where the run keeps no ledger.
    """
    planned = preview(directory, run_id)
    if run.ledger is None:
        raise HotmigError("a rollback is written down in the ledger", "run it without --no-ledger, or `hotmig reset`")
    if planned.skipped:
        return replace(planned, dry_run=False)
    view = show_run(directory, run_id)
    run.concerns(view.plan_hash, view.old_file, view.new_file)
    done: list[Undoing] = []
    for undoing in planned.steps:
        done.append(_undone(directory, view, undoing, run, seconds, given_up=any(_failed(each) for each in done)))
        _mark(run.ledger, done[-1])
    result = replace(planned, steps=tuple(done), dry_run=False)
    if not result.failed:
        run.ledger.stamp(view.run_id, "rolled_back", now())
        if any(each.step.undo == "recording" and each.status == "rolled_back" for each in done) and view.new_file:
            run.abandon_earlier(view.new_file)
            run.abandon_for_dead(COMMAND)
    return result


def _refuse_handed_over(directory: Path, view: RunView) -> None:
    new, old = _file(directory, view.new_file), _file(directory, view.old_file)
    if new and is_begun(new):
        with reading(new) as db:
            if read_status(db) == "ready":
                raise Refused(f"{new.name} is ready: a cutover is not undone here", WAY_BACK)
    if old:
        with reading(old) as db:
            successor = retired_successor(db)
        if successor is not None and (successor != view.new_file or new is None):
            raise Refused(f"{old.name} was replaced by {successor}", WAY_BACK)
        if successor is not None:
            raise cut_in_two()


def _latest(runs: Sequence[RunView]) -> dict[Undo, str]:
    """Which run did last what can be undone: what the databases have now is that one's."""
    found: dict[Undo, str] = {}
    for run in runs:  # the newest first
        for step in run.steps:
            if step.undo is not None and step.status != "failed":
                found.setdefault(step.undo, run.run_id)
    return found


def _undone_before(runs: Sequence[RunView], view: RunView) -> frozenset[tuple[str, str]]:
    """What rollbacks that died have done, or had in hand: the inverse, and what it was done to."""
    if view.state in UNDONE:
        return frozenset()
    newer = runs[: [run.run_id for run in runs].index(view.run_id)]
    died = [run for run in newer if run.command == COMMAND and run.state == "partially_committed"]
    about = [run for run in died if (run.new_file, run.old_file) == (view.new_file, view.old_file)]
    return frozenset((step.action, step.object) for run in about for step in run.steps if step.status != "failed")


def _undoing(
    directory: Path, view: RunView, step: Step, latest: Mapping[Undo, str], before: frozenset[tuple[str, str]]
) -> Undoing:
    if view.state in UNDONE:
        return Undoing(step, None, "it was undone already")
    if step.status == "rolled_back":
        return Undoing(step, None, "it was undone already", "rolled_back")
    if step.undo is None:
        reason = "a cutover has no inverse" if step.action in HANDED_OVER else "it has no inverse of its own"
        return Undoing(step, None, reason)
    if latest.get(step.undo, view.run_id) != view.run_id:
        return Undoing(step, None, f"{latest[step.undo]} did it again")
    missing = _missing(directory, view, step)
    if missing is None:
        return Undoing(step, INVERSES[step.undo])
    if (INVERSES[step.undo], step.object) in before:
        return Undoing(step, None, "a rollback that died has undone it", "rolled_back")
    # Whether or not an outcome was written: what the databases say decides.
    return Undoing(step, None, missing)


def _missing(directory: Path, view: RunView, step: Step) -> str | None:
    """Why there is nothing to undo; None where what the step made is there."""
    marker = _marker(directory, view)
    if marker is not None and not _is_of(marker, view, step):
        return f"{view.old_file} is being recorded for another migration"
    if step.undo == "new file":
        return _not_unfinished(directory, view)
    if marker is None:
        return f"{view.old_file} is not being recorded"
    if step.undo == "fence" and marker.status != "draining":
        return "no fence is up"
    return None


def _not_unfinished(directory: Path, view: RunView) -> str | None:
    """Why the new file is not to be deleted: only one that hotmig was building ever is."""
    new = _file(directory, view.new_file)
    if new is None:
        # It has not yet its name.
        path = _path(directory, view.new_file)
        begun = path is not None and any(each.exists() for each in project.unfinished_files(path))
        return None if begun else f"{view.new_file} is not there"
    if new.is_symlink() or not new.is_file():
        return f"{new.name} is no file of hotmig's"
    if new.stat().st_size and not is_begun(new):
        return f"{new.name} is no database that hotmig was building"
    return None


def _is_of(marker: Marker, view: RunView, step: Step) -> bool:
    """Whether the migration under way is the one of the step, and not a later one of the same plan.

    The process that left no outcome may have died before the effect: then a later migration is what is there.
    """
    if (marker.target, marker.plan_hash) != (view.new_file, view.plan_hash):
        return False
    if step.outcome_utc is not None:
        return marker.started_utc <= step.outcome_utc
    if step.undo == "recording":
        return step.detail == marker_of(marker.started_utc)
    return marker.started_utc <= step.intent_utc  # the others go on with what has begun


def _undone(directory: Path, view: RunView, undoing: Undoing, run: Run, seconds: float, *, given_up: bool) -> Undoing:
    step = undoing.step
    if undoing.does is None or step.undo is None:
        return replace(undoing, status=undoing.status or "rollback_skipped")
    if given_up:
        return replace(undoing, status="rollback_skipped", reason="not tried: what comes before it failed")
    try:
        with run.step(undoing.does, step.object):
            _undo(directory, view, step.undo, seconds)
    except (HotmigError, sqlite3.Error, OSError) as error:
        told = error.without_data if isinstance(error, HotmigError) else str(error)
        return replace(undoing, status="rollback_failed", reason=told)
    return replace(undoing, status="rolled_back")


def _undo(directory: Path, view: RunView, undo: Undo, seconds: float) -> None:
    new = directory / str(view.new_file)
    old = _file(directory, view.old_file)
    if old is None:
        _delete(new)
        return
    # A lock that can't be had is met before anything is deleted.
    with old_writer(old, seconds) as db:
        if undo == "recording":
            stop_recording(db, seconds)
            return
        with transaction(db, seconds, "the old database's writers"):
            if undo == "new file":
                _delete(new)
            else:
                lower_fence(db)


def _delete(new: Path) -> None:
    for path in (each for each in (new, *project.side_files(new)) if not each.is_dir()):
        path.unlink(missing_ok=True)
    sync_directory(new.parent)


def _mark(ledger: Ledger, undoing: Undoing) -> None:
    if undoing.status is not None and undoing.step.status != "rolled_back":
        ledger.settle([Outcome(undoing.step.step_id, now(), undoing.status, undoing.reason)])


def _failed(undoing: Undoing) -> bool:
    return undoing.status == "rollback_failed"


def _marker(directory: Path, view: RunView) -> Marker | None:
    old = _file(directory, view.old_file)
    if old is None:
        return None
    with reading(old) as db:
        return read_marker(db)


def _file(directory: Path, name: str | None) -> Path | None:
    path = _path(directory, name)
    return path if path is not None and path.exists() else None


def _path(directory: Path, name: str | None) -> Path | None:
    if not name or "/" in name or name in (".", ".."):
        return None  # somebody wrote that into the ledger: hotmig writes names of files in this directory
    return directory / name
