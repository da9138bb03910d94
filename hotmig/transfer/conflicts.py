"""Rows that the new schema does not take: found by SQLite, named here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from hotmig.errors import BEGIN_ANEW, Refused
from hotmig.planning.model import TableStep, Translation
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

PROOF_HINT = (
    f"{BEGIN_ANEW}; no trigger saw these writes, or a backup was put back, or somebody wrote to the new database"
)

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
    """Which references find no row, or another than the columns beside them, and of which rows."""
    if step.source is None or step.source_key is None:
        return ORPHAN, ""
    sql = StepSql(step, session.plan)
    for one in step.translations:
        refers = f"{', '.join(one.columns)} refers to"
        value = sql.parent_value(one)
        if one.orphans == "refuse" and (rows := _lost(session, sql, one, f"{value} IS NULL")):
            return f'{refers} no row of "{one.parent_source}"', rows
        if rows := _lost(session, sql, one, f"{value} IS NOT NULL AND NOT {sql.agrees(one)}"):
            other = f"with another {', '.join(theirs for _, theirs in one.beside)} than its own"
            return f'{refers} a row of "{one.parent_source}" {other}', rows
    return ORPHAN, ""


def _lost(session: Session, sql: StepSql, translation: Translation, condition: str) -> str:
    """The old rows ``o`` that refer to something, and for which the condition holds; "" for none."""
    given = conjunction(f"o.{quote(name)} IS NOT NULL" for name in translation.columns)
    values = [cut(f"o.{quote(name)}") for name in translation.columns]
    key = sql.source_key_of("o")
    rows = execute(
        session.db,
        f"SELECT {', '.join([*key, *values])} FROM {sql.old_rows} WHERE {given} AND {condition} LIMIT {SAMPLES}",
    ).fetchall()
    return told(sql.step, [Misfit(named(row, len(key), 0), columns=translation.columns) for row in rows])
