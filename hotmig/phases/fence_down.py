"""Lowering the fence after a failure: the application writes again, and is recorded."""

from __future__ import annotations

import sqlite3

from hotmig.capture.fence import lower_fence
from hotmig.capture.marker import read_marker
from hotmig.errors import FenceLeftUp, HotmigError
from hotmig.ledger.run import Run
from hotmig.sqlite import transaction


def let_writes_through(old: sqlite3.Connection, name: str, seconds: float, failure: BaseException, run: Run) -> None:
    """Lowers the fence of the old database ``name`` after a failure, unless there is none or it is retired.

    Raises FenceLeftUp when that fails too.
    """
    try:
        # Looked at without a lock first: that somebody holds it may be the very failure.
        if not _is_draining(old):
            return
        with run.step_anyway("lower the fence", name), transaction(old, seconds, "the old database"):
            if _is_draining(old):
                lower_fence(old)
    except (HotmigError, sqlite3.Error) as error:
        raise FenceLeftUp(failure, str(error)) from error


def _is_draining(old: sqlite3.Connection) -> bool:
    marker = read_marker(old)
    return marker is not None and marker.status == "draining"
