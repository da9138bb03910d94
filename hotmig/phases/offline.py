"""``migrate --offline``: the fence is up while the work goes on, and comes down with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hotmig.capture.fence import extend_fence
from hotmig.ledger.run import Run
from hotmig.phases.budget import HOLD_SECONDS
from hotmig.phases.fence_down import fenced, lower_fence_of
from hotmig.phases.migration import old_writer
from hotmig.phases.progress import Progress, Report
from hotmig.sqlite import READERS_SECONDS, transaction

Result = TypeVar("Result")


def under_fence(old: Path, seconds: float, run: Run, work: Callable[[], Result]) -> Result:
    """A failure lets the application write again; it is recorded, and the copy can go on. Raises FenceLeftUp."""
    return fenced(work, lambda: lower_fence_of(old, seconds, run))


def keeping_fence(old: Path, report: Report, seconds: float, run: Run) -> Report:
    """Reports, and puts off the lapse of the fence while the work goes on: when the work dies, it lapses."""
    extended = time.monotonic()

    def keep(progress: Progress) -> None:
        nonlocal extended
        report(progress)
        if time.monotonic() - extended > HOLD_SECONDS / 6:
            with (
                run.step("extend the fence", old.name),
                old_writer(old, seconds) as db,
                transaction(db, seconds, "the old database", commit_seconds=READERS_SECONDS),
            ):
                extend_fence(db, HOLD_SECONDS)
            extended = time.monotonic()

    return keep
