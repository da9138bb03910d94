"""What no trigger sees: application_id, user_version, and the high-water marks of AUTOINCREMENT keys."""

from __future__ import annotations

import sqlite3

from hotmig.planning.model import CopyPlan
from hotmig.sqlite import execute, value
from hotmig.transfer.identity import has_table
from hotmig.transfer.session import Session

PRAGMAS = ("application_id", "user_version")


def carry_high_water(session: Session) -> None:
    """Copies them from the old database, inside the caller's transaction."""
    for pragma in PRAGMAS:
        number: int = value(session.db, f"PRAGMA old.{pragma}")
        execute(session.db, f"PRAGMA main.{pragma} = {number}")
    for table, old in _carried(session.db, "old", session.plan):
        new = _mark(session.db, "main", table)
        if new is None:
            execute(session.db, "INSERT INTO main.sqlite_sequence(name, seq) VALUES (?, ?)", (table, old))
        elif new < old:
            execute(session.db, "UPDATE main.sqlite_sequence SET seq = ? WHERE name = ?", (old, table))


def high_water_moved(new: sqlite3.Connection, old: sqlite3.Connection, plan: CopyPlan) -> str | None:
    """What changed in the old database since it was carried over, for people; None when nothing did."""
    for pragma in PRAGMAS:
        if value(old, f"PRAGMA {pragma}") != value(new, f"PRAGMA {pragma}"):
            return f"PRAGMA {pragma}"
    for table, mark in _carried(old, "main", plan):
        reached = _mark(new, "main", table)
        if reached is None or reached < mark:
            return f'the AUTOINCREMENT mark of "{table}"'
    return None


def _carried(db: sqlite3.Connection, schema: str, plan: CopyPlan) -> list[tuple[str, int]]:
    """(new table, old mark) for AUTOINCREMENT keys that are kept."""
    if not has_table(db, "sqlite_sequence", schema):
        return []
    marks = []
    for step in plan.steps:
        key, source = step.table.primary_key, step.source
        if key is None or not key.autoincrement or source is None or step.keys != "kept":
            continue
        mark = _mark(db, schema, source.name)
        if mark is not None:
            marks.append((step.table.name, mark))
    return marks


def _mark(db: sqlite3.Connection, schema: str, table: str) -> int | None:
    mark = value(db, f"SELECT seq FROM {schema}.sqlite_sequence WHERE name = ? COLLATE NOCASE", (table,))
    return mark if isinstance(mark, int) else None
