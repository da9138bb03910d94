"""What the plan finds out about rows that become one, and the file that it writes them into."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from hotmig.errors import HotmigError
from hotmig.planning.checking import Context
from hotmig.sqlite import execute
from hotmig.transfer.groups.listing import counts
from hotmig.transfer.groups.rehearsal import Rehearsal, found_facts, rehearse, rehearsed
from hotmig.transfer.groups.report import write_report
from hotmig.transfer.session import Session


def find_groups(
    context: Context,
    old: Path,
    seconds: float | None,
    extensions: tuple[str, ...],
    report: Path | None,
    keep: ExitStack | None = None,
    *,
    judged: bool = True,
) -> tuple[Context, Rehearsal | None]:
    """The context with what becomes of rows that become one. Raises HotmigError where the report can't be written.

    ``seconds`` is how long one read of the old file may take, None where it holds nobody up. With ``keep`` the
    rehearsal is returned too, and stays open as long. Not ``judged``: only which rows change, not whether that fits.
    """
    if not context.plan.has_groups:
        if report is not None:
            raise HotmigError(
                "there is nothing to report: no table has Duplicates or Merge", "run `hotmig plan` without --report"
            )
        return context, None
    try:
        with ExitStack() as own:
            to_be_kept = keep is not None and context.facts.user_id in (0, context.facts.owner_id)
            opened = rehearsed(old, context.plan, extensions, to_be_kept=to_be_kept)
            rehearsal = (keep or own).enter_context(opened)
            session = rehearsal.session
            rehearse(session, seconds)
            found = found_facts(session, seconds, context.schema if judged else None)
            if report is not None:
                _write(session, report)
            if session.db.in_transaction:
                # Whoever keeps it goes on to change the old file, which can't become a WAL file while it is read.
                execute(session.db, "COMMIT")
    except (sqlite3.Error, ValueError) as error:  # a rule for a column that has no old value; a check names it
        return replace(context, groups=None, groups_problem=str(error)), None
    return replace(context, groups=found), rehearsal if to_be_kept else None


def _write(session: Session, report: Path) -> None:
    try:
        write_report(session, report, None, counts(session))
    except OSError as error:
        raise HotmigError(
            f"the report {report} can't be written: {error.strerror or error}", "name a file in a folder of your own"
        ) from error
