"""What the plan finds out about rows that become one, and the file that it writes them into."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from hotmig.errors import HotmigError
from hotmig.planning.checking import Context
from hotmig.transfer.group_listing import counts
from hotmig.transfer.group_report import write_report
from hotmig.transfer.rehearsal import found_facts, rehearse, rehearsed
from hotmig.transfer.session import Session


def find_groups(
    context: Context, old: Path, seconds: float | None, extensions: tuple[str, ...], report: Path | None
) -> Context:
    """The context with what becomes of rows that become one. Raises HotmigError where the report can't be written.

    ``seconds`` is how long one read of the old file may take, None where it holds nobody up.
    """
    if not context.plan.has_groups:
        if report is not None:
            raise HotmigError(
                "there is nothing to report: no table has Duplicates or Merge", "run `hotmig plan` without --report"
            )
        return context
    try:
        with rehearsed(old, context.plan, extensions) as session:
            rehearse(session, seconds)
            found = found_facts(session, seconds)
            if report is not None:
                _write(session, report)
    except (sqlite3.Error, ValueError) as error:  # a rule for a column that has no old value; a check names it
        return replace(context, groups=None, groups_problem=str(error))
    return replace(context, groups=found)


def _write(session: Session, report: Path) -> None:
    try:
        write_report(session, report, None, counts(session))
    except OSError as error:
        raise HotmigError(
            f"the report {report} can't be written: {error.strerror or error}", "name a file in a folder of your own"
        ) from error
