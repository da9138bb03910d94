"""What the new database says of itself: status, progress, identity, and where the copy of each table stands."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

from hotmig.catalog.own import has_own_table, is_own_table
from hotmig.sqlite import execute, value

Status = Literal["migrating", "ready"]
CopyState = Literal["waiting", "copying", "indexing", "indexed", "copied"]


@dataclass(frozen=True)
class Identity:
    schema_hash: str
    schema_commit: str | None
    parent: str | None  # file name of the database that this one came from
    created_utc: str


@dataclass(frozen=True)
class Progress:
    """``fence_from`` is when the fence was raised, by the marker, under which the drain was completed; ``resting`` why
    the copy waits, or works only part of the time."""

    last_replayed_log_id: int
    drain_completed: bool
    fence_from: float | None = None
    resting: str | None = None


@dataclass(frozen=True)
class TableCopy:
    """Where the copy of one table stands; ``rows`` were copied so far, of those ``expected`` when it began.

    None where counting them would have held up writers.
    """

    table: str
    state: CopyState
    rows: int
    expected: int | None = None


def has_table(db: sqlite3.Connection, name: str, schema: str = "main") -> bool:
    """Whether the table is there; under a name of hotmig's, whether it is hotmig's."""
    if is_own_table(name):
        return has_own_table(db, name, schema)
    sql = f"SELECT 1 FROM {schema}.sqlite_schema WHERE type = 'table' AND name = ?"
    return value(db, sql, (name,)) is not None


def read_status(db: sqlite3.Connection, schema: str = "main") -> Status | None:
    """``migrating``, ``ready``, or None in a database that hotmig did not make."""
    if not has_table(db, "_migration_status", schema):
        return None
    status: Status | None = value(db, f"SELECT status FROM {schema}._migration_status")
    return status


def read_identity(db: sqlite3.Connection, schema: str = "main") -> Identity | None:
    """The identity, or None in a database that hotmig did not make."""
    if not has_table(db, "_schema_identity", schema):
        return None
    sql = f"SELECT schema_hash, schema_commit, parent, created_utc FROM {schema}._schema_identity"
    row = execute(db, sql).fetchone()
    return Identity(*row) if row else None


def read_progress(db: sqlite3.Connection, schema: str = "main") -> Progress | None:
    """How far the replay came, or None once cutover removed the table."""
    if not has_table(db, "_migration_progress", schema):
        return None
    # All columns: a migration that an earlier hotmig began has fewer.
    cursor = execute(db, f"SELECT * FROM {schema}._migration_progress")
    row = cursor.fetchone()
    found = dict(zip((column[0] for column in cursor.description), row, strict=True)) if row else None
    if found is None:
        return None
    done = bool(found["drain_completed"])
    return Progress(found["last_replayed_log_id"], done, found["fence_from"], found.get("resting"))


def read_copies(db: sqlite3.Connection, schema: str = "main") -> tuple[TableCopy, ...] | None:
    """Where the copy of each table stands, or None once cutover removed the table."""
    if not has_table(db, "_migration_copy", schema):
        return None
    rows = execute(db, f"SELECT table_name, state, rows, expected FROM {schema}._migration_copy ORDER BY rowid")
    return tuple(TableCopy(*row) for row in rows)


def id_mapping_count(db: sqlite3.Connection, schema: str = "main") -> int | None:
    """The number of mapped keys, or None once cutover removed the table."""
    if not has_table(db, "_id_mapping", schema):
        return None
    count: int = value(db, f"SELECT count(*) FROM {schema}._id_mapping")
    return count
