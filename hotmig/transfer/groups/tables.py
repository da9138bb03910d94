"""The tables of the new file that grouping needs; none where no table has groups."""

from __future__ import annotations

import sqlite3

from hotmig.planning.model import CopyPlan
from hotmig.schema.group_rules import is_constant
from hotmig.sqlite import execute, value
from hotmig.transfer.groups.fates import CONSTANTS, key_names
from hotmig.transfer.groups.sql import groups_of
from hotmig.transfer.identity import has_table
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import steps_with_source


def pending(number: int) -> str:
    """The keys that count as logged until they are replayed, although the log does not name them."""
    return f"main._migration_pending_{number}"


def create_group_tables(db: sqlite3.Connection, plan: CopyPlan) -> None:
    """Creates them, inside the caller's transaction, and evaluates what a ``touch`` sets once for all rows."""
    if not plan.has_groups:
        return
    if has_table(db, "_migration_grouped"):
        # Handed on by a rehearsal, which has found every group.
        execute(db, "UPDATE main._migration_grouped SET state = 'built'")
        return
    steps = steps_with_source(plan)
    execute(db, "CREATE TABLE main._migration_grouped(number INTEGER PRIMARY KEY, state TEXT NOT NULL)")
    execute(db, f"CREATE TABLE main.{CONSTANTS}(expression TEXT PRIMARY KEY, value) WITHOUT ROWID")
    for step in steps:
        keys = ", ".join(key_names(step.step))
        table = pending(step.step.number)
        execute(db, f"CREATE TABLE {table}({keys}, PRIMARY KEY ({keys})) WITHOUT ROWID")
        for touch in step.step.touches:
            _evaluate(db, touch.expression)
    for group in groups_of(steps):
        for sql in group.create_stored:
            execute(db, sql)
        execute(db, "INSERT INTO main._migration_grouped VALUES (?, 'waiting')", (group.step.number,))


def forget_pending(session: Session) -> None:
    """Inside the transaction of a replay: it has read them."""
    if session.groups:
        for step in session.steps:
            execute(session.db, f"DELETE FROM {pending(step.step.number)}")


def _evaluate(db: sqlite3.Connection, expression: str) -> None:
    """A time is the same in the copy, in the replay and in the proof only if it is asked for once."""
    if is_constant(db, expression):
        found = value(db, f"SELECT ({expression}\n)")
        execute(db, f"INSERT OR IGNORE INTO main.{CONSTANTS} VALUES (?, ?)", (expression, found))
