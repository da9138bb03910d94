"""How much of the time a copy may work, and how it finds out what the application's commits take meanwhile."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotmig.capture.marker import commit_nothing
from hotmig.phases.migration import old_writer
from hotmig.sqlite import is_locked
from hotmig.transfer.pace import Pace

LOCKED_SECONDS = 0.5  # a writer that holds its lock for longer is slow, and nothing that we need


@contextmanager
def pacing(old: Path, throttle: float | None, seconds: float) -> Iterator[Pace]:
    """``throttle`` is the share of the time, None where nobody asked for one."""
    if throttle is None:
        yield Pace()
        return
    with old_writer(old, seconds) as db:

        def commit() -> float:
            began = time.monotonic()
            try:
                commit_nothing(db, LOCKED_SECONDS)
            except sqlite3.OperationalError as error:
                if not is_locked(error):
                    raise
            return time.monotonic() - began

        yield Pace(throttle, commit)
