"""Lowering the fence after a failure: the application writes again, and is recorded."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hotmig.capture.fence import lower_fence
from hotmig.capture.marker import read_marker
from hotmig.errors import FenceLeftUp, GaveUp, HotmigError
from hotmig.ledger.actions import LOWER_FENCE
from hotmig.ledger.run import Run
from hotmig.phases.budget import Deadline
from hotmig.phases.migration import old_writer
from hotmig.sqlite import READERS_SECONDS, execute, transaction

READERS_TURN_SECONDS = 0.1

Result = TypeVar("Result")


def fenced(work: Callable[[], Result], lower: Callable[[], None]) -> Result:
    """Does what raises the fence; after any failure ``lower`` lowers it. Raises FenceLeftUp when that fails too.

    A signal can come between the failure and the lowering. It is the first one, so that what obeys it lowers the fence
    again; further ones do not interrupt that (see cli/signals).
    """
    try:
        try:
            return work()
        except BaseException as failure:
            _let_writes_through(lower, failure)
            raise
    except FenceLeftUp:
        raise
    except BaseException as failure:
        _let_writes_through(lower, failure)
        raise


def _let_writes_through(lower: Callable[[], None], failure: BaseException) -> None:
    # What was done inside may have tried it already: what went wrong first is told, and once.
    first = failure.failure if isinstance(failure, FenceLeftUp) else failure
    try:
        lower()
    except (HotmigError, sqlite3.Error) as error:
        raise FenceLeftUp(first, str(error)) from error


def lower_fence_of(old: Path, seconds: float, run: Run) -> None:
    """``lower_if_up`` over a connection of its own."""
    with old_writer(old, seconds) as db:
        lower_if_up(db, old.name, seconds, run)


def lower_if_up(old: sqlite3.Connection, name: str, seconds: float, run: Run) -> None:
    """Lowers the fence of the old database ``name``, unless there is none or it is retired."""
    if old.in_transaction:
        execute(old, "ROLLBACK")  # the signal came before what failed could be undone
    # Looked at without a lock first: that somebody holds it may be the very failure.
    if not _is_draining(old):
        return
    with run.step_anyway(LOWER_FENCE, name):
        _lower(old, seconds)


def _lower(old: sqlite3.Connection, seconds: float) -> None:
    """In rollback-journal mode a commit that waits for a reader keeps all others out: it waits for a moment only, and
    gives them a turn."""
    deadline = Deadline.after(seconds)
    while True:
        begun = False
        try:
            with transaction(old, deadline.left(), "the old database", commit_seconds=READERS_SECONDS):
                begun = True
                if _is_draining(old):
                    lower_fence(old)
        except GaveUp:
            if not begun or deadline.is_over:
                raise
            time.sleep(READERS_TURN_SECONDS)
        else:
            return


def _is_draining(old: sqlite3.Connection) -> bool:
    marker = read_marker(old)
    return marker is not None and marker.status == "draining"
