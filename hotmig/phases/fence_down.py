"""Lowering the fence after a failure: the application writes again, and is recorded."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from hotmig.capture.fence import lower_fence
from hotmig.capture.marker import read_marker
from hotmig.errors import FenceLeftUp, HotmigError
from hotmig.ledger.run import Run
from hotmig.sqlite import execute, transaction


def let_writes_through(lower: Callable[[], None], failure: BaseException) -> None:
    """Lowers the fence after ``failure``, also when told to stop meanwhile. Raises FenceLeftUp when that fails too."""
    try:
        _despite_a_signal(lower)
    except (HotmigError, sqlite3.Error) as error:
        raise FenceLeftUp(failure, str(error)) from error


def lower_if_up(old: sqlite3.Connection, name: str, seconds: float, run: Run) -> None:
    """Lowers the fence of the old database ``name``, unless there is none or it is retired."""
    if old.in_transaction:
        execute(old, "ROLLBACK")  # the signal came before what failed could be undone
    # Looked at without a lock first: that somebody holds it may be the very failure.
    if not _is_draining(old):
        return
    with run.step_anyway("lower the fence", name), transaction(old, seconds, "the old database"):
        if _is_draining(old):
            lower_fence(old)


def _despite_a_signal(lower: Callable[[], None]) -> None:
    """A first signal may come into it; while that is obeyed, further ones do not interrupt (see cli/signals)."""
    try:
        lower()
    except (HotmigError, sqlite3.Error):
        raise
    except BaseException:
        lower()
        raise


def _is_draining(old: sqlite3.Connection) -> bool:
    marker = read_marker(old)
    return marker is not None and marker.status == "draining"
