"""The state of a run, derived from its steps where its process died without stamping it."""

from __future__ import annotations

from collections.abc import Sequence

from hotmig.ledger.model import RunRecord, State, Step
from hotmig.process import is_alive


def state_of(run: RunRecord, steps: Sequence[Step]) -> State:
    """What to show. A stamp stands; an unstamped run is running while its process lives.

    A process of another host can't be looked at: its run is shown as running.
    """
    if run.stamp != "running":
        return run.stamp
    return derived(steps, alive=is_alive(run.process) is not False)


def derived(steps: Sequence[Step], *, alive: bool) -> State:
    """The state of a run without a stamp."""
    if alive:
        return "running"
    return after_failure(steps)


def after_failure(steps: Sequence[Step]) -> State:
    """What a run leaves that did not come to its end: nothing, or something that the next command must look at."""
    # What a rollback did not take back stands.
    done = any(step.status in ("done", "rollback_failed", "rollback_skipped") for step in steps)
    unknown = any(step.status is None for step in steps)
    return "partially_committed" if done or unknown else "failed"
