"""What the files say by themselves, asked without any code of hotmig."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.model.operations_mistakes import own_triggers
from tests.model.operations_shop import DATABASE

SECONDS_A_DAY = 86400


@dataclass(frozen=True)
class Fence:
    """The marker's times, in seconds from now; None where it has none."""

    starts: float | None
    ends: float | None

    @property
    def is_down(self) -> bool:
        """And for a while: not only between this look and the next one."""
        return self.starts is None or self.ends is None or self.ends < 0 or self.starts > 1

    @property
    def is_up(self) -> bool:
        return self.starts is not None and self.ends is not None and self.starts <= 0 <= self.ends


@dataclass(frozen=True)
class File:
    """One database. ``status`` is what a new database says of itself ("damaged" when it can't), ``marker`` what an
    old one does."""

    path: Path
    status: str | None
    parent: str | None
    marker: str | None
    target: str | None
    fence: Fence | None
    replaced: bool  # the archive's own table, after cleanup-old
    sound: bool  # no trigger of hotmig asks a table that somebody has dropped

    @property
    def retired(self) -> bool:
        return self.replaced or self.marker == "retired"


class Unreadable(Exception):
    """Somebody holds a lock, or died in the middle of a commit: what is in the file can't be known now."""


@contextmanager
def opened(path: Path, mode: str = "ro") -> Iterator[sqlite3.Connection]:
    """A connection that waits for nobody. Raises Unreadable."""
    try:
        db = sqlite3.connect(f"file:{path}?mode={mode}", uri=True, isolation_level=None, timeout=0)
    except sqlite3.Error as error:
        raise Unreadable from error
    try:
        yield db
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in UNREADABLE:
            raise
        raise Unreadable from error
    finally:
        db.close()


UNREADABLE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def paths(directory: Path) -> list[Path]:
    """The databases of the directory that follow the naming."""
    return sorted(directory.glob(f"{DATABASE}-*.sqlite"))


def look(path: Path) -> File:
    """Reads one database's own words. Raises Unreadable."""
    try:
        return _look(path)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise
        return File(path, "damaged", None, None, None, None, False, False)


def _look(path: Path) -> File:
    with opened(path) as db:
        db.execute("BEGIN")
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        status = _one(db, tables, "_migration_status", "status")
        parent = _one(db, tables, "_schema_identity", "parent")
        marker = _one(db, tables, "_migration_marker", "status")
        target = _one(db, tables, "_migration_marker", "target")
        fence = None
        if marker is not None:
            sql = "SELECT (fence_from - {0}) * 86400, (fence_until - {0}) * 86400 FROM _migration_marker"
            fence = Fence(*db.execute(sql.format("julianday('now')")).fetchone())
        replaced = "_migration_retired" in tables
        sound = replaced or {"_migration_marker", "_migration_log"} <= tables or not own_triggers(db)
        return File(path, status, parent, marker, target, fence, replaced, sound)


def _one(db: sqlite3.Connection, tables: set[str], table: str, column: str) -> Any:
    if table not in tables:
        return None
    row = db.execute(f"SELECT {column} FROM {table}").fetchone()
    return row[0] if row else None


def in_service(files: list[File], oldest: str) -> File:
    """The database that the application uses: the ready one that no other ready one came from, else the first."""
    # What replaced a file may have been deleted since, as the archive that it became.
    names = {file.path.name for file in files}
    replaced = {file.path for file in files if file.replaced or (file.retired and file.target not in names)}
    ready = [file for file in files if file.status == "ready" and file.path not in replaced]
    parents = {file.parent for file in ready}
    found = [file for file in ready if file.path.name not in parents]
    if not found:
        found = [file for file in files if file.path.name == oldest]
    assert len(found) == 1, f"{len(found)} databases are in service: {files}"
    return found[0]


PROBES = (
    "INSERT INTO event(what) VALUES ('probe')",
    "INSERT INTO item(id, code, weight) VALUES (-1, 'probe', 0)",
    "INSERT INTO tag(label) VALUES ('probe')",
)


def accepted(path: Path) -> int:
    """How many of the probes would be accepted now; none is kept, and the log stays as it is. Raises Unreadable."""
    with opened(path) as keeps_log, opened(path, "rw") as db:
        # Closing the last connection that may write would empty the log: not what a killed process leaves.
        keeps_log.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        db.execute("BEGIN IMMEDIATE")
        taken = [_is_accepted(db, sql) for sql in PROBES]
        db.execute("ROLLBACK")
    return sum(taken)


def _is_accepted(db: sqlite3.Connection, sql: str) -> bool:
    try:
        db.execute(sql)
    except sqlite3.IntegrityError:
        return False
    except sqlite3.OperationalError as error:
        if "_migration_" not in str(error):
            raise
        return False  # a trigger without its table
    return True


def copy(path: Path, to: Path) -> None:
    """As a backup makes it: one committed state. Raises Unreadable."""
    to.unlink(missing_ok=True)
    with opened(path) as db:
        target = sqlite3.connect(to)
        db.backup(target)
        target.close()
