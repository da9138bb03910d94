"""Runs and their steps, for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hotmig.cli.render.facts import to_json
from hotmig.ledger.model import State
from hotmig.units import counted

if TYPE_CHECKING:
    from hotmig.phases.rollback import RollbackResult, Undoing
    from hotmig.phases.runs import PruneResult, RunView

WORDS: dict[State, str] = {
    "running": "is running",
    "completed": "completed",
    "failed": "failed",
    "partially_committed": "was left half done (partially_committed)",
    "rolled_back": "was rolled back",
    "abandoned": "was abandoned by a reset",
}


def summary(view: RunView) -> dict[str, Any]:
    """One run as JSON, without its steps."""
    facts: dict[str, Any] = to_json(view)
    return {**{name: fact for name, fact in facts.items() if name != "steps"}, "steps": len(view.steps)}


def table(views: Sequence[RunView]) -> Iterator[str]:
    """One line for each run, the newest first."""
    if not views:
        yield "No runs."
    for view in views:
        told = f"  {view.error}" if view.error else ""
        yield f"{view.run_id}  {view.state}  {counted(len(view.steps), 'step')}{told}"


def run(view: RunView) -> Iterator[str]:
    """One run with every step."""
    yield f"{view.run_id}: {view.state}"
    for label, text in _facts(view):
        yield f"  {label:<10}  {text}"
    yield ""
    for step in view.steps:
        yield f"  {step.seq:>4}  {step.intent_utc}  {step.status or 'no outcome':<10}  {step.action}: {step.object}"
        told = "\n".join(filter(None, (step.detail, step.error)))  # an error can have its traceback with it
        yield from (f"        {line}" for line in told.splitlines())


def _facts(view: RunView) -> Iterator[tuple[str, str]]:
    yield "command", f"hotmig {view.command} {view.arguments}".rstrip()
    if view.old_file:
        yield "old", view.old_file
    if view.new_file:
        yield "new", view.new_file
    if view.plan_hash:
        yield "plan", view.plan_hash
    yield "process", f"{view.pid} on {view.host}, hotmig {view.hotmig_version}"
    yield "started", view.started_utc
    if view.finished_utc:
        yield "finished", view.finished_utc
    if view.error:
        yield "error", view.error


def rollback(result: RollbackResult) -> Iterator[str]:
    """What each step's rollback does, or did."""
    if result.skipped is not None:
        yield "Rollback skipped."
        yield f"  {result.skipped}"
        return
    yield f"Rollback of {result.rolled_back} would do this:" if result.dry_run else f"Rolled {result.rolled_back} back."
    yield from (f"  {undoing.step.seq:>4}  {_undone(undoing)}" for undoing in result.steps)


def _undone(undoing: Undoing) -> str:
    what = f"{undoing.step.action}: {undoing.step.object}"
    if undoing.does is None:
        return f"{what}: nothing to do, {undoing.reason}"
    return f"{what}: {undoing.does}" + ("" if undoing.status is None else f" ({_came_of_it(undoing)})")


def _came_of_it(undoing: Undoing) -> str:
    done = "done" if undoing.status == "rolled_back" else (undoing.status or "").replace("_", " ")
    return done if undoing.reason is None else f"{done}: {undoing.reason}"


def prune(result: PruneResult) -> Iterator[str]:
    """Which runs are gone from the ledger."""
    yield f"Pruned {counted(len(result.pruned), 'run')}."
    yield from (f"  {run_id}" for run_id in result.pruned)
