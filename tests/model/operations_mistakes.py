"""What operators do to databases by hand, as SQL."""

from __future__ import annotations

import sqlite3

OLD_MISTAKES = (
    "drop a trigger", "drop a trigger", "drop a trigger", "put a trigger back",
    "forget the marker", "drop the marker", "drop the log", "delete log rows",
    "analyze", "vacuum", "index", "column", "table",
)  # fmt: skip
UNFENCING = ("drop a trigger", "forget the marker", "drop the marker")
NEW_MISTAKES = {
    "insert": "INSERT INTO event(what) VALUES ('nobody wrote this')",
    "update": "UPDATE item SET title = 'nobody wrote this'",
    "clear": "DELETE FROM event",
}
EARLIER = "an earlier one"
NEW_FILE_MISTAKES = ("delete", "delete all but the log", "garbage", "empty", EARLIER, EARLIER)
INDEX, TABLE, COLUMN = "by_hand_ix", "by_hand", "by_hand_too"


def statements(db: sqlite3.Connection, mistake: str, nth: int) -> list[str]:
    """What makes that mistake in the old database; nothing where it can't be made. ``nth`` says with what."""
    if "trigger" in mistake:
        return _triggers(db, nth, again=mistake == "put a trigger back")
    if mistake in ("forget the marker", "drop the marker", "drop the log", "delete log rows"):
        return _own_tables(db, mistake, nth)
    if mistake in ("analyze", "vacuum"):
        return [mistake]
    return _ddl(db, mistake)


def _triggers(db: sqlite3.Connection, nth: int, *, again: bool) -> list[str]:
    triggers = own_triggers(db)
    if not triggers:
        return []
    name, sql = triggers[nth % len(triggers)]
    return [f"DROP TRIGGER {name}", *([sql] if again else [])]


def _own_tables(db: sqlite3.Connection, mistake: str, nth: int) -> list[str]:
    table = "_migration_marker" if "marker" in mistake else "_migration_log"
    if not _has(db, table):
        return []
    if mistake.startswith("drop"):
        return [f"DROP TABLE {table}"]
    if mistake == "forget the marker":
        return [f"DELETE FROM {table}"]
    guards = [(name, sql) for name, sql in own_triggers(db) if "_log_" in name]
    last = f"DELETE FROM {table} WHERE id > (SELECT max(id) FROM {table}) - {nth % 5 + 1}"
    return [*(f"DROP TRIGGER {name}" for name, _ in guards), last, *(sql for _, sql in guards)]


def _ddl(db: sqlite3.Connection, mistake: str) -> list[str]:
    """Makes it, or undoes it where it was made before."""
    if mistake == "index":
        return [f"DROP INDEX {INDEX}" if _has(db, INDEX) else f"CREATE INDEX {INDEX} ON item(weight)"]
    if mistake == "table":
        return [f"DROP TABLE {TABLE}" if _has(db, TABLE) else f"CREATE TABLE {TABLE}(x)"]
    there = db.execute("SELECT 1 FROM pragma_table_info('event') WHERE name = ?", (COLUMN,)).fetchone()
    return [f"ALTER TABLE event {'DROP' if there else 'ADD'} COLUMN {COLUMN}"]


def undo_ddl(db: sqlite3.Connection) -> None:
    """What the operator does when a plan is blocked by it."""
    for mistake, name in (("index", INDEX), ("table", TABLE)):
        if _has(db, name):
            db.execute(*_ddl(db, mistake))
    for sql in _ddl(db, "column"):
        if "DROP" in sql:
            db.execute(sql)


def own_triggers(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Name and text of what hotmig has put there."""
    found = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")
    return [(name, sql) for name, sql in found if name.startswith("_migration_")]


def _has(db: sqlite3.Connection, name: str) -> bool:
    return db.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (name,)).fetchone() is not None
