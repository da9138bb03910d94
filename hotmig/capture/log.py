"""The log: keys, not rows. It has no constraint: the OR clause of an application's statement would override it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from hotmig.capture.names import LOG
from hotmig.catalog.affinity import column_affinity
from hotmig.catalog.model import Table
from hotmig.planning.model import Recorded, SourceKey
from hotmig.sqlite import quote, text, value

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


def last_log_id(db: sqlite3.Connection, schema: str = "main") -> int:
    """The id of the newest log row; 0 when nothing is logged."""
    return int(value(db, f"SELECT coalesce(max(id), 0) FROM {quote(schema)}.{LOG}"))


def log_key(operation: str, recorded: Recorded, key: SourceKey, row: str) -> str:
    """The statement, for a trigger, that logs the key of the row called NEW or OLD."""
    return f"{_into(key)} VALUES ({_values(operation, recorded, key, row)})"


def log_rows(operation: str, recorded: Recorded, key: SourceKey, row: str, condition: str) -> str:
    """The statement, for a trigger, that logs the keys of the table's rows, called ``row``, that meet the condition."""
    source = f"{quote(recorded.table.name)} AS {row}"
    return f"{_into(key)} SELECT {_values(operation, recorded, key, row)} FROM {source} WHERE {condition}"


def log_whole_table(table: str, condition: str) -> str:
    """The statement, for a trigger, that logs the whole-table mark where the condition holds."""
    return f"INSERT INTO {LOG}(operation, table_name) SELECT {text(WHOLE_TABLE)}, {text(table)} WHERE {condition}"


def _into(key: SourceKey) -> str:
    return f"INSERT INTO {LOG}(operation, table_name, {', '.join(log_columns(len(key.columns)))})"


def _values(operation: str, recorded: Recorded, key: SourceKey, row: str) -> str:
    columns = ", ".join(_value(recorded.table, column, f"{row}.{quote(column)}") for column in key.columns)
    return f"{text(operation)}, {text(recorded.table.name)}, {columns}"


def _value(table: Table, name: str, expression: str) -> str:
    column = table.column(name)
    if column is None or column.generated is None or column_affinity(table, column) != "REAL":
        return expression
    # SQLite may hold such a value as an integer that only passes for a REAL, and the log would keep the integer.
    return (
        f"CASE WHEN typeof({expression}) IN ('integer', 'real') THEN CAST({expression} AS REAL) ELSE {expression} END"
    )
