"""The marks of data migrations in a database: `_data_migration`, and which ones its schema has."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hotmig.catalog.own import has_own_table
from hotmig.planning.data_marks import Known, Mark, merged, resolved
from hotmig.sqlite import execute, quote, value

if TYPE_CHECKING:
    from hotmig.schema.model import AdoptedMarks, Schema

MARKS = "_data_migration"
CREATE_MARKS = f"CREATE TABLE {MARKS}(name PRIMARY KEY, applied_utc, skipped_utc, reason)"
_KIND = "data"  # in _schema_hint: the column is the migration's name, the hint its moment


def utc_now() -> str:
    """The time as marks have it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def read_marks(db: sqlite3.Connection) -> tuple[Mark, ...]:
    """The marks of a database, by name; none where there is no table for them."""
    if not has_own_table(db, MARKS):
        return ()
    rows = execute(db, f"SELECT name, applied_utc, skipped_utc, reason FROM {MARKS} ORDER BY name")
    return tuple(Mark(*row) for row in rows)


def read_known(db: sqlite3.Connection) -> tuple[Known, ...]:
    """The data migrations of the schema that the database was made with; of an adopted one that is not known."""
    if not has_own_table(db, "_schema_hint"):
        return ()
    sql = "SELECT column_name, hint FROM _schema_hint WHERE kind = ? ORDER BY column_name"
    return tuple(Known(*row) for row in execute(db, sql, (_KIND,)))


def all_marks(db: sqlite3.Connection, adopted: AdoptedMarks | None) -> tuple[Mark, ...]:
    """A database's own marks, and those of the tool before hotmig."""
    return merged(read_marks(db), _read_adopted(db, adopted) if adopted else ())


def _read_adopted(db: sqlite3.Connection, adopted: AdoptedMarks) -> tuple[Mark, ...]:
    """None where the table, or one of the columns, is not there (any more)."""
    sql = "SELECT count(DISTINCT lower(name)) FROM pragma_table_xinfo(?) WHERE lower(name) IN (lower(?), lower(?))"
    wanted = len({adopted.name.lower(), adopted.applied.lower()})
    if value(db, sql, (adopted.table, adopted.name, adopted.applied)) != wanted:
        return ()
    name, applied = quote(adopted.name), quote(adopted.applied)
    found = f"SELECT {name}, {applied} FROM {quote(adopted.table)} WHERE {name} IS NOT NULL AND {applied} IS NOT NULL"
    return tuple(Mark(str(row[0]), str(row[1])) for row in execute(db, found))


def note_known(db: sqlite3.Connection, schema: Schema) -> None:
    """Writes down which data migrations the schema has: `status` has no need of the module then."""
    for each in schema.data_migrations:
        execute(db, "INSERT OR REPLACE INTO _schema_hint VALUES (?, '', ?, ?)", (_KIND, each.name, each.when))


def is_taken(db: sqlite3.Connection) -> bool:
    """Whether something that is not hotmig's has the name of the table for marks."""
    there = value(db, "SELECT count(*) FROM sqlite_schema WHERE name = ? COLLATE NOCASE", (MARKS,))
    return bool(there) and not has_own_table(db, MARKS)


def create_marks(db: sqlite3.Connection) -> None:
    """Makes the table, where it is not there."""
    if not has_own_table(db, MARKS):
        execute(db, CREATE_MARKS)


def carry_marks(db: sqlite3.Connection, schema: Schema, marks: Iterable[Mark], *, skipped: bool) -> None:
    """Takes marks of another database over, under their present names; what was applied is never run again.

    ``skipped``: those too, at the beginning of a migration. Later on it is the new database where skips are made.
    """
    if not schema.data_migrations:
        return
    create_marks(db)
    for mark in resolved(schema.data_migrations, marks).values():
        if mark.applied_utc is not None:
            stamp_applied(db, mark.name, mark.applied_utc)
        elif skipped:
            sql = f"INSERT OR IGNORE INTO {MARKS}(name, skipped_utc, reason) VALUES (?, ?, ?)"
            execute(db, sql, (mark.name, mark.skipped_utc, mark.reason))


def stamp_applied(db: sqlite3.Connection, name: str, utc: str) -> None:
    """Notes that a migration was applied; a mark that says so already keeps its time."""
    sql = f"""INSERT INTO {MARKS}(name, applied_utc) VALUES (?, ?) ON CONFLICT (name) DO UPDATE
        SET applied_utc = excluded.applied_utc, skipped_utc = NULL, reason = NULL WHERE applied_utc IS NULL"""
    execute(db, sql, (name, utc))


def rename_marks(db: sqlite3.Connection, schema: Schema) -> None:
    """Gives marks under a former name the present one; where both are there, the present one's row stays."""
    marks = read_marks(db)
    for name, mark in resolved(schema.data_migrations, marks).items():
        former = [other for each in schema.data_migrations if each.name == name for other in each.formerly]
        if not any(other.name in former for other in marks):
            continue
        execute(db, f"DELETE FROM {MARKS} WHERE name IN ({', '.join('?' * (len(former) + 1))})", (name, *former))
        values = (name, mark.applied_utc, mark.skipped_utc, mark.reason)
        execute(db, f"INSERT INTO {MARKS} VALUES (?, ?, ?, ?)", values)


def stamp_skipped(db: sqlite3.Connection, name: str, utc: str, reason: str) -> None:
    """Notes that a migration is not to be run."""
    create_marks(db)
    execute(db, f"INSERT INTO {MARKS}(name, skipped_utc, reason) VALUES (?, ?, ?)", (name, utc, reason))


def forget_mark(db: sqlite3.Connection, name: str) -> None:
    """Takes a mark away: the migration is pending again."""
    execute(db, f"DELETE FROM {MARKS} WHERE name = ?", (name,))
