"""What the plan finds out about rows that become one, and the file that it writes them into."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hotmig.errors import HotmigError
from hotmig.planning.checking import Context
from hotmig.sqlite import execute
from hotmig.transfer.group_report import write_report
from hotmig.transfer.rehearsal import found_facts, rehearse, rehearsed
from hotmig.transfer.session import Session

SHORT_READ_SECONDS = 0.08  # no writer is to wait for 0.1 s
STEPS_BETWEEN_LOOKS = 10_000  # VM steps: about a millisecond


@contextmanager
def at_most(db: sqlite3.Connection, seconds: float | None) -> Iterator[None]:
    """Interrupts what takes longer: in rollback-journal mode a reader holds up the writers."""
    if seconds is None:
        yield
        return
    deadline = time.monotonic() + seconds
    db.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        db.set_progress_handler(None, 0)


def find_groups(
    context: Context, old: Path, seconds: float | None, extensions: tuple[str, ...], report: Path | None
) -> Context:
    """The context with what becomes of rows that become one. Raises HotmigError where the report can't be written."""
    if not context.plan.has_groups:
        if report is not None:
            raise HotmigError(
                "there is nothing to report: no table has Duplicates or Merge", "run `hotmig plan` without --report"
            )
        return context
    try:
        with rehearsed(old, context.plan, extensions) as session:
            execute(session.db, "BEGIN")
            with at_most(session.db, seconds):
                rehearse(session)
                found = found_facts(session)
            if report is not None:
                _write(session, report)
    except sqlite3.Error as error:
        is_slow = error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT
        problem = "it takes too long for the application's writes to wait" if is_slow else str(error)
        return replace(context, groups=None, groups_problem=problem)
    return replace(context, groups=found)


def _write(session: Session, report: Path) -> None:
    try:
        write_report(session, report, None)
    except OSError as error:
        raise HotmigError(
            f"the report {report} can't be written: {error.strerror or error}", "name a file in a folder of your own"
        ) from error
