"""The log: keys, not rows. It has no constraint: the OR clause of an application's statement would override it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotmig.capture.names import CAPTURE, LOG
from hotmig.catalog.own import has_own_table
from hotmig.sqlite import quote, text, value

if TYPE_CHECKING:  # `hotmig status` reads the log, and must not wait for the planner
    from hotmig.planning.model import Recorded, SourceKey

# The table is never called by its own name: one that is called "new" would hide NEW.
STORED = "_migration_row"
WHOLE_TABLE = "table"  # the operation of a whole-table mark: not even the keys are known


def log_columns(width: int) -> tuple[str, ...]:
    """The key columns of a log whose widest key has ``width`` columns: key_1, key_2, …"""
    return tuple(f"key_{position}" for position in range(1, width + 1))


def log_width(recorded: Sequence[Recorded]) -> int:
    """The number of columns of the widest key; at least 1."""
    return max([1, *(len(each.key.columns) for each in recorded if each.key)])


def create_log(width: int) -> str:
    """The key columns have no type, so that values keep their own."""
    columns = ", ".join(log_columns(width))
    return f"CREATE TABLE {LOG}(id INTEGER PRIMARY KEY, operation TEXT NOT NULL, table_name TEXT NOT NULL, {columns})"


def guard_log() -> tuple[str, ...]:
    """The triggers that keep the log append-only: a key that is deleted is a write that is lost.

    And the id of a deleted last row would be given again, to a write that counts as replayed.
    """
    return tuple(
        f"CREATE TRIGGER {CAPTURE}0_log_{event.lower()} BEFORE {event} ON {LOG} BEGIN SELECT RAISE(ABORT,"
        " 'hotmig: this log is append-only; hotmig reset removes it'); END"
        for event in ("UPDATE", "DELETE")
    )


def last_log_id(db: sqlite3.Connection, schema: str = "main") -> int:
    """The id of the newest log row; 0 when nothing is logged."""
    return int(value(db, f"SELECT coalesce(max(id), 0) FROM {quote(schema)}.{LOG}"))


def log_problem(db: sqlite3.Connection) -> str | None:
    """Why the log of a migration that is under way can't be relied on, as far as a look at it tells; else None.

    Ids have no gaps, and a row takes more than a byte. Cheap, unlike a count: a writer would wait for that.
    """
    if not has_own_table(db, LOG):
        return "is gone: every write to the old database fails"
    last = last_log_id(db)
    if last <= value(db, "PRAGMA main.page_count") * value(db, "PRAGMA main.page_size"):
        return None
    return f"ends at row {last:,}, and the file can't hold as many: a row was inserted by hand, or rows were deleted"


def log_key(operation: str, key: SourceKey, row: str, condition: str = "1") -> str:
    """The statement, for a trigger, that logs the key of the row called NEW or OLD, where the condition holds."""
    values = _values(operation, key, row)
    return f"{_into(key)} VALUES ({values})" if condition == "1" else f"{_into(key)} SELECT {values} WHERE {condition}"


def log_both_keys(operation: str, key: SourceKey, condition: str) -> str:
    """The statement, for a trigger, that logs OLD's key, and NEW's where the condition holds: cheaper than two."""
    old, new = (_values(operation, key, row) for row in ("OLD", "NEW"))
    return f"{_into(key)} SELECT {old} UNION ALL SELECT {new} WHERE {condition}"


def log_rows(operation: str, key: SourceKey, condition: str) -> str:
    """The statement, for a trigger, that logs the keys of the table's rows, called STORED, that meet the condition."""
    return (
        f"{_into(key)} SELECT {_values(operation, key, STORED)} FROM {quote(key.table)} AS {STORED} WHERE {condition}"
    )


def log_whole_table(table: str, condition: str) -> str:
    """The statement, for a trigger, that logs the whole-table mark where the condition holds."""
    return f"INSERT INTO {LOG}(operation, table_name) SELECT {text(WHOLE_TABLE)}, {text(table)} WHERE {condition}"


def _into(key: SourceKey) -> str:
    return f"INSERT INTO {LOG}(operation, table_name, {', '.join(log_columns(len(key.columns)))})"


def _values(operation: str, key: SourceKey, row: str) -> str:
    columns = ", ".join(f"{row}.{quote(column)}" for column in key.columns)
    return f"{text(operation)}, {text(key.table)}, {columns}"
