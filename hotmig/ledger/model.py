"""What the ledger holds, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hotmig.process import Process

State = Literal["running", "completed", "failed", "partially_committed", "rolled_back", "abandoned"]
STATES: tuple[State, ...] = ("running", "completed", "failed", "partially_committed", "rolled_back", "abandoned")
StepStatus = Literal["done", "failed", "rolled_back", "rollback_failed", "rollback_skipped"]
Undo = Literal["recording", "new file", "fence"]


@dataclass(frozen=True)
class Step:
    """One side effect. ``outcome_utc`` is None while only the intent is known; ``undo`` names what takes it back."""

    step_id: int
    run_id: str
    seq: int
    intent_utc: str
    action: str
    object: str
    detail: str | None
    outcome_utc: str | None
    status: StepStatus | None
    error: str | None
    undo: Undo | None


@dataclass(frozen=True)
class RunRecord:
    """One command. ``stamp`` is the state that was written; the one to show is derived (see ``state``)."""

    run_id: str
    command: str
    arguments: str
    plan_hash: str | None
    old_file: str | None
    new_file: str | None
    hotmig_version: str
    stamp: State
    started_utc: str
    finished_utc: str | None
    error: str | None
    process: Process
