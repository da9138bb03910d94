"""Databases in every state of a migration, made by hand from the documented tables (design, section 4)."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests import forked
from tests.scenarios.harness import PATIENCE, environment

OLD_HASH, NEW_HASH, THIRD_HASH = "0" * 16, "1" * 16, "2" * 16
OLD, NEW, THIRD = f"shop-{OLD_HASH}.sqlite", f"shop-{NEW_HASH}.sqlite", f"shop-{THIRD_HASH}.sqlite"

MARKER = """CREATE TABLE _migration_marker(id INTEGER PRIMARY KEY CHECK (id = 0), format INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('recording','draining','retired')), target TEXT NOT NULL,
  plan_hash TEXT NOT NULL, schema_version INTEGER NOT NULL, fence_from REAL, fence_until REAL,
  started_utc TEXT NOT NULL, fence_uptime TEXT, directory TEXT)"""
LOG = (
    """CREATE TABLE _migration_log(id INTEGER PRIMARY KEY, operation TEXT NOT NULL, table_name TEXT NOT NULL, key_1)"""
)
IDENTITY = """CREATE TABLE _schema_identity(id INTEGER PRIMARY KEY CHECK (id = 0), schema_hash TEXT NOT NULL,
  schema_commit TEXT, parent TEXT, created_utc TEXT NOT NULL)"""
STATUS = "CREATE TABLE _migration_status(id INTEGER PRIMARY KEY CHECK (id = 0), status TEXT NOT NULL)"
PROGRESS = """CREATE TABLE _migration_progress(id INTEGER PRIMARY KEY CHECK (id = 0),
  last_replayed_log_id INTEGER NOT NULL, drain_completed INTEGER NOT NULL, fence_from REAL, resting TEXT)"""
COPY = """CREATE TABLE _migration_copy(table_name TEXT PRIMARY KEY, state TEXT NOT NULL, rows INTEGER NOT NULL,
  expected INTEGER)"""
MAPPING = """CREATE TABLE _id_mapping(table_name TEXT NOT NULL, old_id NOT NULL, new_id NOT NULL,
  PRIMARY KEY (table_name, old_id)) WITHOUT ROWID"""
RETIRED = "CREATE TABLE _migration_retired(successor TEXT NOT NULL, retired_utc TEXT NOT NULL)"

STARTED = "2026-01-02T03:04:05+00:00"


def julian_day(seconds_from_now: float = 0) -> float:
    """As SQLite's julianday('now') gives it."""
    return (time.time() + seconds_from_now) / 86400 + 2440587.5


def hotmig(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command, as it is typed."""
    command = [sys.executable, "-m", "hotmig", *map(str, arguments)]
    return forked.run(command, cwd=Path.cwd(), env=environment(), timeout=PATIENCE)


def by_shell(path: Path, script: str) -> list[Path]:
    """Executes what ``--print-sql`` printed as the sqlite3 shell would; returns the files to delete afterwards."""
    files, statement = [], ""
    db = sqlite3.connect(path, isolation_level=None)
    for line in script.splitlines():
        if line.startswith("-- then delete "):
            files.append(Path(line.removeprefix("-- then delete ")))
        elif line != ".bail on":  # the shell's own
            statement += line + "\n"
            if sqlite3.complete_statement(statement):
                db.execute(statement)
                statement = ""
    db.close()
    assert statement == "", f"no whole statement: {statement}"
    return files


def application_database(path: Path, script: str, *, wal: bool = False) -> Path:
    """A database with nothing in it but what the script makes."""
    db = sqlite3.connect(path)
    if wal:
        db.execute("PRAGMA journal_mode = WAL")
    db.executescript(script)
    db.close()
    return path


def database(path: Path, *, wal: bool = False) -> sqlite3.Connection:
    """A database with one table of the application's."""
    db = sqlite3.connect(path, isolation_level=None)
    if wal:
        db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT)")
    return db


def old_database(
    path: Path,
    status: str | None = None,
    *,
    target: str = NEW,
    log: int = 0,
    fence: tuple[float, float] | None = None,
    made_by_hotmig: bool = False,
    parent: str | None = None,
    wal: bool = False,
) -> Path:
    """An old database; with a ``status``, one that has a marker and a log. ``fence``: seconds from now."""
    db = database(path, wal=wal)
    if made_by_hotmig:
        identify(db, path, parent, "ready")
    if status:
        db.execute(MARKER)
        db.execute(LOG)
        if status != "recording":
            stand_fence(db, f"FROM _migration_marker WHERE status = '{status}'")
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO _migration_log VALUES (?, 'insert', 'item', ?)", [(n, n) for n in range(1, log + 1)]
        )
        version = db.execute("PRAGMA schema_version").fetchone()[0]
        days = (julian_day(fence[0]), julian_day(fence[1])) if fence else (None, None)
        db.execute(
            "INSERT INTO _migration_marker VALUES (0, 1, ?, ?, 'plan', ?, ?, ?, ?, NULL, NULL)",
            (status, target, version, *days, STARTED),
        )
        db.execute("COMMIT")
    db.close()
    return path


def stand_fence(db: sqlite3.Connection, when: str = "") -> None:
    for event in ("insert", "update", "delete"):
        body = f"SELECT RAISE(ABORT, 'hotmig: no') {when};"
        db.execute(f"CREATE TRIGGER _migration_fence_1_{event} BEFORE {event} ON item BEGIN {body} END")


def cleaned_database(path: Path, successor: str = NEW) -> Path:
    """An archive after cleanup-old."""
    db = database(path)
    db.execute(RETIRED)
    db.execute("INSERT INTO _migration_retired VALUES (?, ?)", (successor, STARTED))
    stand_fence(db)
    db.close()
    return path


def new_database(
    path: Path,
    *,
    parent: str | None = OLD,
    copies: Mapping[str, str] | None = None,
    replayed: int = 0,
    drained: bool = False,
    drained_behind: Path | None = None,
    mappings: int = 0,
    expected: int | None = None,
    commit: str | None = "abc1234+",
) -> Path:
    """A database that is being built; ``drained_behind`` is the old one whose fence was up when it was drained."""
    db = database(path)
    identify(db, path, parent, "migrating", commit)
    for sql in (PROGRESS, COPY, MAPPING):
        db.execute(sql)
    drained_from = None
    if drained_behind is not None:
        old = sqlite3.connect(drained_behind)
        (drained_from,) = old.execute("SELECT fence_from FROM _migration_marker").fetchone()
        old.close()
    drained = drained or drained_behind is not None
    db.execute("INSERT INTO _migration_progress VALUES (0, ?, ?, ?, NULL)", (replayed, drained, drained_from))
    states = {"item": "copied"} if copies is None else copies
    db.executemany("INSERT INTO _migration_copy VALUES (?, ?, 10, ?)", [(*each, expected) for each in states.items()])
    db.executemany("INSERT INTO _id_mapping VALUES ('item', ?, ?)", [(n, n) for n in range(mappings)])
    db.close()
    return path


def ready_database(path: Path, *, parent: str | None = OLD, commit: str | None = "abc1234+") -> Path:
    """A database after cutover."""
    db = database(path)
    identify(db, path, parent, "ready", commit)
    db.close()
    return path


def identify(
    db: sqlite3.Connection, path: Path, parent: str | None, status: str, commit: str | None = "abc1234+"
) -> None:
    """What hotmig writes into every database that it makes."""
    schema_hash = path.stem.rpartition("-")[2]
    db.execute(STATUS)
    db.execute("INSERT INTO _migration_status VALUES (0, ?)", (status,))
    db.execute(IDENTITY)
    db.execute("INSERT INTO _schema_identity VALUES (0, ?, ?, ?, ?)", (schema_hash, commit, parent, STARTED))
