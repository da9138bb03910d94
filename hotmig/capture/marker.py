"""The marker: one row in the old database that says it is being migrated, by whom, and how far it is."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from dataclasses import dataclass, fields
from typing import Literal

from hotmig.capture.names import CAPTURE, FENCE, LOG, MARKER, RETIRED
from hotmig.catalog.own import has_own_table
from hotmig.errors import Refused
from hotmig.sqlite import execute, quote, text, value

FORMAT = 1
FIRST_DAY, LAST_DAY = 1721425.5, 5373484.5  # julian days of the years that a date can have, 1 to 9999

Status = Literal["recording", "draining", "retired"]

CREATE_MARKER = f"""CREATE TABLE {MARKER}(id INTEGER PRIMARY KEY CHECK (id = 0), format INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('recording','draining','retired')), target TEXT NOT NULL,
  plan_hash TEXT NOT NULL, schema_version INTEGER NOT NULL, fence_from REAL, fence_until REAL,
  started_utc TEXT NOT NULL, fence_uptime TEXT, directory TEXT)"""
STAMP = f"UPDATE {MARKER} SET schema_version = (SELECT schema_version FROM pragma_schema_version)"


@dataclass(frozen=True)
class Marker:
    """``target`` is the file name of the new database; ``fence_from`` and ``fence_until`` are julian days.

    ``schema_version`` is PRAGMA schema_version right after hotmig's own last DDL, ``fence_uptime`` what
    ``clock.uptime`` said when the fence was raised, ``directory`` where the migration is run.
    """

    format: int
    status: Status
    target: str
    plan_hash: str
    schema_version: int
    fence_from: float | None
    fence_until: float | None
    started_utc: str
    fence_uptime: str | None = None
    directory: str | None = None

    @property
    def migration(self) -> str:
        """Tells one migration from another one with the same plan: the new database remembers it."""
        return f"{self.plan_hash} {self.started_utc}"


def insert_marker(target: str, plan_hash: str, directory: str | None = None, began: str | None = None) -> str:
    """The statement that fills the marker; its schema_version is stamped after the last DDL. ``began``: if not now."""
    started = text(began) if began else "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    return (
        f"INSERT INTO {MARKER}(id, format, status, target, plan_hash, schema_version, started_utc, directory)"
        f" VALUES (0, {FORMAT}, 'recording', {text(target)}, {text(plan_hash)}, 0,"
        f" {started}, {'NULL' if directory is None else text(directory)})"
    )


def read_marker(db: sqlite3.Connection, schema: str = "main") -> Marker | None:
    """The marker; None where there is no table, or no row in it. Raises Refused when a newer hotmig made it."""
    if not has_own_table(db, MARKER, schema):
        return None
    made_by = value(db, f"SELECT format FROM {quote(schema)}.{MARKER}")
    if made_by is None:
        return None
    if made_by > FORMAT:
        raise Refused(
            f"a newer hotmig is migrating this database (format {made_by}, this one knows {FORMAT})",
            "go on with the hotmig that began the migration",
        )
    columns = ", ".join(field.name for field in fields(Marker))
    marker = Marker(*execute(db, f"SELECT {columns} FROM {quote(schema)}.{MARKER}").fetchone())
    if not _is_sound(marker):
        raise Refused(
            f"{MARKER} of the old database was changed by hand: target {marker.target!r}, fence from"
            f" {marker.fence_from!r} until {marker.fence_until!r}",
            "put it back as it was, or drop the tables and triggers whose names begin with _migration_",
        )
    return marker


def _is_sound(marker: Marker) -> bool:
    """Whether the marker can be hotmig's own: its target is a file beside the database, its times are times."""
    named = isinstance(marker.target, str) and marker.target not in ("", ".", "..") and "/" not in marker.target
    uptime = marker.fence_uptime is None or re.fullmatch(r"\S* \d+\.\d+", str(marker.fence_uptime)) is not None
    times = (marker.fence_from, marker.fence_until)
    return named and uptime and _is_moment(marker.started_utc) and all(time is None or _is_day(time) for time in times)


def _is_day(time: object) -> bool:
    return isinstance(time, float) and FIRST_DAY <= time <= LAST_DAY


def _is_moment(utc: object) -> bool:
    try:
        dt.datetime.fromisoformat(str(utc))
    except ValueError:
        return False
    return True


def retired_successor(db: sqlite3.Connection, schema: str = "main") -> str | None:
    """The file name of the database that has replaced this one; None while it is in service. Raises Refused."""
    if has_own_table(db, RETIRED, schema):
        return str(value(db, f"SELECT successor FROM {quote(schema)}.{RETIRED}"))
    marker = read_marker(db, schema)
    return marker.target if marker and marker.status == "retired" else None


def retired_in(db: sqlite3.Connection) -> str | None:
    """The directory that the migration of this database is, or was, run in; None where nobody wrote it down."""
    if has_own_table(db, RETIRED):
        known = value(db, "SELECT 1 FROM pragma_table_info(?) WHERE name = 'directory'", (RETIRED,)) is not None
        found: str | None = value(db, f"SELECT directory FROM main.{RETIRED}") if known else None
        return found
    marker = read_marker(db)
    return marker.directory if marker is not None else None


def schema_version(db: sqlite3.Connection) -> int:
    """The number that SQLite raises with every DDL statement, ANALYZE and VACUUM."""
    return int(value(db, "PRAGMA main.schema_version"))


def stamp(db: sqlite3.Connection) -> None:
    """Takes the schema as it is now for known. Inside the transaction that changed or compared it."""
    execute(db, STAMP)


def commit_nothing(db: sqlite3.Connection, seconds: float) -> None:
    """Writes the marker's row as it is: a commit like any writer's, to see how long one takes.

    Raises sqlite3.OperationalError where somebody else has the lock for longer than ``seconds``.
    """
    execute(db, f"UPDATE {MARKER} SET format = format", patience=seconds)


def has_triggers(db: sqlite3.Connection) -> bool:
    """Whether there are triggers of ours, of recording or of a fence."""
    return _has_triggers(db, CAPTURE) or _has_triggers(db, FENCE)


def captures_in_vain(db: sqlite3.Connection) -> bool:
    """Whether triggers of ours ask for a table of ours that is gone: then every write to a recorded table fails.

    Capture writes to the log, and asks for no marker; the fence of a drain, up or not, asks for that, and the one that
    ``cleanup-old`` leaves asks for nothing.
    """
    if _has_triggers(db, CAPTURE) and not has_own_table(db, LOG):
        return True
    return _has_triggers(db, FENCE) and not (has_own_table(db, MARKER) or has_own_table(db, RETIRED))


def _has_triggers(db: sqlite3.Connection, beginning: str) -> bool:
    sql = "SELECT 1 FROM main.sqlite_schema WHERE type = 'trigger' AND name GLOB ? LIMIT 1"
    return value(db, sql, (f"{beginning}[0-9]*",)) is not None
