"""How much of the time a copy may work, and how it finds out what the application's commits take meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotmig.capture.marker import commit_nothing
from hotmig.phases.migration import old_writer
from hotmig.transfer.pace import Pace


@contextmanager
def pacing(old: Path, throttle: float | None, seconds: float) -> Iterator[Pace]:
    """``throttle`` is the share of the time, None where nobody asked for one."""
    if throttle is None:
        yield Pace()
        return
    with old_writer(old, seconds) as db:

        def commit() -> float:
            began = time.monotonic()
            commit_nothing(db)
            return time.monotonic() - began

        yield Pace(throttle, commit)
