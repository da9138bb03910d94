"""Rows that the new schema does not take: found by SQLite, named here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from hotmig.errors import Refused
from hotmig.planning.model import TableStep
from hotmig.sqlite import conjunction, execute, quote
from hotmig.transfer.misfits import SAMPLES, Find
from hotmig.transfer.old_rows import Misfit, cut, named, told
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql

HINT = "mend these rows in the old database (writes go on and are recorded), then run the same command again"
# The copy leaves out a mended row, because it is logged; one that it has copied already stays as it was.
COPY_HINT = (
    "mend these rows in the old database, of two the one that is named first (writes go on and are recorded), then run "
    "the same command again"
)
ANEW_HINT = "mend these rows in the old database, then run `hotmig reset` and `hotmig migrate`: they are copied already"

ORPHAN = "a reference finds no row"


@contextmanager
def explain_conflict(session: Session, step: TableStep, find: Find | None = None, hint: str = HINT) -> Iterator[None]:
    """Turns SQLite's refusal of a row into Refused, naming the table, what does not fit, and where ``find`` finds it.

    The rows are looked for in the failed statement's own transaction, which the caller has to roll back.
    """
    try:
        yield
    except sqlite3.IntegrityError as error:
        what = " ".join(str(error).split())
        rows = _rows(session, step, find, error)
        message = f'table "{step.table.name}" of the new schema does not take a row: {what}'
        raise Refused(message, hint, rows=rows) from error
    except sqlite3.OperationalError as error:
        if "user-defined function" not in str(error):
            raise
        try:
            orphans, rows = _orphans(session, step)
        except sqlite3.Error:
            orphans, rows = ORPHAN, ""  # as above
        raise Refused(f'table "{step.table.name}": {orphans}', HINT, rows=rows) from error


def _rows(session: Session, step: TableStep, find: Find | None, error: sqlite3.IntegrityError) -> str:
    if find is None or step.source is None:
        return ""
    try:
        return told(step, find(session, StepSql(step, session.plan), error))
    except sqlite3.Error:
        # Most likely the deadline under the fence. That a row does not fit is known, and worth more than a GaveUp.
        return ""


def _orphans(session: Session, step: TableStep) -> tuple[str, str]:
    """Which references find no row, and of which rows."""
    for one in step.translations:
        if step.source is None or step.source_key is None:
            continue
        pairs = list(zip(one.parent_columns, one.columns, strict=True))
        join = conjunction(f"q.{quote(theirs)} = +o.{quote(ours)}" for theirs, ours in pairs)
        given = conjunction(f"o.{quote(ours)} IS NOT NULL" for _, ours in pairs)
        key = [f"o.{quote(name)}" for name in step.source_key.columns]
        values = [cut(f"o.{quote(name)}") for name in one.columns]
        rows = execute(
            session.db,
            f"SELECT {', '.join([*key, *values])} FROM old.{quote(step.source.name)} AS o WHERE {given} AND NOT EXISTS"
            f" (SELECT 1 FROM old.{quote(one.parent_source)} AS q WHERE {join}) LIMIT {SAMPLES}",
        ).fetchall()
        if rows:
            misfits = [Misfit(named(row, len(key), 0), columns=one.columns) for row in rows]
            return f'{", ".join(one.columns)} refers to no row of "{one.parent_source}"', told(step, misfits)
    return ORPHAN, ""
