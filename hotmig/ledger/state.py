"""The state of a run, derived from its steps where its process died without stamping it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hotmig.ledger.model import RunRecord, State, Step
from hotmig.lock import read_holder
from hotmig.process import is_alive


def state_of(run: RunRecord, steps: Sequence[Step], folder: Path) -> State:
    """What to show. A stamp stands; an unstamped run is running while its process lives.

    A process of another host or container can't be looked at: its run is running while it holds the lock of ``folder``.
    """
    if run.stamp != "running":
        return run.stamp
    alive = is_alive(run.process)
    if alive is None:
        holder = read_holder(folder)
        alive = holder is not None and holder.process == run.process
    return "running" if alive else after_failure(steps)


def after_failure(steps: Sequence[Step]) -> State:
    """What a run leaves that did not come to its end: nothing, or something that the next command must look at."""
    # What a rollback did not take back stands.
    done = any(step.status in ("done", "rollback_failed", "rollback_skipped") for step in steps)
    unknown = any(step.status is None for step in steps)
    return "partially_committed" if done or unknown else "failed"
