"""``runs``: what was done in a directory, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hotmig.errors import UsageError
from hotmig.ledger.actions import ENDING
from hotmig.ledger.model import RunRecord, State, Step
from hotmig.ledger.run import began, now
from hotmig.ledger.state import state_of
from hotmig.ledger.store import Ledger, open_ledger, reading_ledger
from hotmig.lock import one_operator
from hotmig.phases.read_only import require_writable
from hotmig.project import own_folder
from hotmig.sqlite import LOCK_SECONDS


@dataclass(frozen=True)
class RunView:
    """One run with the state that it is in now."""

    run_id: str
    command: str
    arguments: str
    state: State
    plan_hash: str | None
    old_file: str | None
    new_file: str | None
    hotmig_version: str
    started_utc: str
    finished_utc: str | None
    error: str | None
    host: str
    pid: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class PruneResult:
    """The ids of the runs that were deleted from the ledger."""

    pruned: tuple[str, ...]


def list_runs(directory: Path, state: State | None = None, limit: int | None = None) -> tuple[RunView, ...]:
    """The runs of a directory, the newest first. Raises HotmigError for a ledger that can't be read."""
    with reading_ledger(own_folder(directory)) as ledger:
        if ledger is None:
            return ()
        wanted: list[RunView] = []
        for run in ledger.runs():
            view = _view(ledger, run)
            if len(wanted) == limit:
                break
            if state in (None, view.state):
                wanted.append(view)
    return tuple(wanted)


def show_run(directory: Path, run_id: str) -> RunView:
    """One run, by its id or the beginning of it. Raises UsageError for none, or for several."""
    found = [view for view in list_runs(directory) if run_id and view.run_id.startswith(run_id)]
    exact = [view for view in found if view.run_id == run_id] or found
    if len(exact) != 1:
        what = "there is no run with the id" if not found else f"{len(found)} runs have an id that begins with"
        raise UsageError(f"{what} {run_id}", "`hotmig runs list` shows the ids")
    return exact[0]


def prune(directory: Path, days: float, seconds: float = LOCK_SECONDS) -> PruneResult:
    """Deletes the runs that began longer ago than that, steps included; those of a migration under way are kept."""
    require_writable(directory)
    folder = own_folder(directory)
    if not folder.is_dir():
        return PruneResult(())
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    with one_operator(folder, "runs prune", now()), open_ledger(folder, seconds) as ledger:
        views = [_view(ledger, run) for run in ledger.runs()]
        kept = _under_way(views) | {view.run_id for view in views if view.state == "running"}
        old = tuple(
            view.run_id
            for view in views
            if dt.datetime.fromisoformat(view.started_utc) < before and view.run_id not in kept
        )
        ledger.prune(old)
    return PruneResult(old)


def _under_way(views: Sequence[RunView]) -> set[str]:
    """The runs since the beginning of a migration that has not ended: they say how it is undone. The newest first."""
    going: set[str] = set()
    for view in views:
        if any(step.action in ENDING and step.status == "done" for step in view.steps):
            break
        going.add(view.run_id)
        if began(view.steps):
            return going
    return set()


def _view(ledger: Ledger, run: RunRecord) -> RunView:
    steps = ledger.steps(run.run_id)
    state = state_of(run, steps, ledger.path.parent)
    return RunView(
        run.run_id, run.command, run.arguments, state, run.plan_hash, run.old_file, run.new_file,
        run.hotmig_version, run.started_utc, run.finished_utc, run.error, run.process.host, run.process.pid, steps,
    )  # fmt: skip
