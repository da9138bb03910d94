"""``migrate --offline``: the fence is up while the work goes on, and comes down with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotmig.capture.fence import extend_fence
from hotmig.errors import FenceLeftUp
from hotmig.ledger.run import Run
from hotmig.phases.fence_down import let_writes_through, lower_if_up
from hotmig.phases.migration import old_writer
from hotmig.phases.progress import Progress, Report
from hotmig.sqlite import transaction

HOLD_SECONDS = 60.0


@contextmanager
def fence_comes_down(old: Path, seconds: float, run: Run) -> Iterator[None]:
    """A failure lets the application write again; it is recorded, and the copy can go on. Raises FenceLeftUp."""
    try:
        yield
    except BaseException as failure:
        # A drain that failed in here has tried it already: what went wrong first is told, and once.
        first = failure.failure if isinstance(failure, FenceLeftUp) else failure
        let_writes_through(lambda: _lower(old, seconds, run), first)
        if first is failure:
            raise
        raise first from failure


def _lower(old: Path, seconds: float, run: Run) -> None:
    with old_writer(old, seconds) as db:
        lower_if_up(db, old.name, seconds, run)


def keeping_fence(old: Path, report: Report, seconds: float) -> Report:
    """Reports, and puts off the lapse of the fence while the work goes on: when the work dies, it lapses."""
    extended = time.monotonic()

    def keep(progress: Progress) -> None:
        nonlocal extended
        report(progress)
        if time.monotonic() - extended > HOLD_SECONDS / 6:
            with old_writer(old, seconds) as db, transaction(db, seconds, "the old database"):
                extend_fence(db, HOLD_SECONDS)
            extended = time.monotonic()

    return keep
