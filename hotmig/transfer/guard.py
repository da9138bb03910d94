"""The guard of a drained database: whoever writes to it before it is ready is refused.

Until the proof a foreign write is found by it; behind it only the logged rows are looked at again.
"""

from __future__ import annotations

import sqlite3

from hotmig.errors import Refused
from hotmig.planning.model import CopyPlan
from hotmig.sqlite import execute, quote, text, value

GUARD = "_migration_guard_"
EVENTS = ("insert", "update", "delete")
DRAINED = "(SELECT drain_completed FROM _migration_progress)"
NOT_READY = "hotmig: this database is not ready: a migration to it is under way"


def raise_guard(db: sqlite3.Connection, plan: CopyPlan) -> None:
    """Before the pause, so that it takes no time in it: from the commit that completes the drain on, nobody may write.

    Inside the caller's transaction.
    """
    for step in plan.steps:
        for event in EVENTS:
            name = f"{GUARD}{step.number}_{event}"
            stands = f"BEFORE {event.upper()} ON {quote(step.table.name)}"
            refuse = f"BEGIN SELECT RAISE(ABORT, {text(NOT_READY)}); END"
            execute(db, f"CREATE TRIGGER main.{name} {stands} WHEN {DRAINED} {refuse}")


def forget_drain(db: sqlite3.Connection) -> None:
    """Before the database is brought up to date again: from here on a foreign write is found by the proof alone.

    Inside the caller's transaction.
    """
    lower_guard(db)
    execute(db, "UPDATE _migration_progress SET drain_completed = 0")


def lower_guard(db: sqlite3.Connection) -> None:
    """Inside the transaction that makes the database ready."""
    sql = "SELECT name FROM main.sqlite_schema WHERE type = 'trigger' AND name GLOB ?"
    for (name,) in execute(db, sql, (f"{GUARD}[0-9]*",)).fetchall():
        execute(db, f"DROP TRIGGER main.{quote(name)}")


def stands(db: sqlite3.Connection, plan: CopyPlan) -> bool:
    """Whether the whole guard is there: nobody can have written since the drain."""
    sql = "SELECT count(*) FROM main.sqlite_schema WHERE type = 'trigger' AND name GLOB ?"
    return bool(value(db, sql, (f"{GUARD}[0-9]*",)) == len(plan.steps) * len(EVENTS))


def commits_of_others(db: sqlite3.Connection) -> int:
    """A number that moves when any other connection commits to the new database (PRAGMA data_version)."""
    return int(value(db, "PRAGMA main.data_version"))


def require_untouched(db: sqlite3.Connection, before: int) -> None:
    """Raises Refused when somebody has written to the new database since ``commits_of_others`` said ``before``."""
    if commits_of_others(db) != before:
        raise Refused(
            "somebody wrote to the new database while it was proved: only hotmig may, before it is ready",
            "writes go on and are recorded; stop whoever did, and run `hotmig drain` again: it proves every row",
        )
