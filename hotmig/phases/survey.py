"""What the database files of one directory say of themselves, and which of them is live."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hotmig import project
from hotmig.capture.fence import open_tables
from hotmig.capture.log import last_log_id, log_problem
from hotmig.capture.marker import Marker, captures_in_vain, has_triggers, read_marker, retired_in, retired_successor
from hotmig.capture.names import LOG
from hotmig.catalog.own import has_own_table
from hotmig.errors import HotmigError, Refused
from hotmig.planning.data_marks import Known, Mark
from hotmig.sqlite import execute, is_locked, reading, value
from hotmig.transfer.identity import (
    Identity,
    Progress,
    Status,
    TableCopy,
    id_mapping_count,
    read_copies,
    read_identity,
    read_progress,
    read_status,
)
from hotmig.transfer.marks import read_known, read_marks

EMPTY = "it is empty"
# Its journal has to be rolled back, and whoever only reads may not.
LOCKED = "it is locked: somebody's commit waits for a reader, or somebody keeps it for himself"
CUT_SHORT = "it holds a transaction that was cut short: the next program that writes to it rolls that back"


@dataclass(frozen=True)
class DatabaseFile:
    """What one file says of itself. ``problem`` tells why it could not be read; the rest is then unknown."""

    path: Path
    size: int = 0  # bytes, with the write-ahead log
    wal_size: int = 0  # how many of them are the log's
    problem: str | None = None
    broken: bool = False  # the problem is what the file holds, not who may read it
    refusal: Refused | None = None  # the problem, where it has a hint of its own
    marker: Marker | None = None
    successor: str | None = None  # what cleanup-old left: the file that replaced this one
    migrated_in: str | None = None  # the directory that its migration is, or was, run in
    status: Status | None = None
    identity: Identity | None = None
    schema_version: int = 0
    log_entries: int | None = None  # None without a log
    log_problem: str | None = None  # why the log of a migration that is under way can't be relied on
    progress: Progress | None = None
    copies: tuple[TableCopy, ...] | None = None
    id_mappings: int | None = None  # None without the table, or when it was not asked for
    leftovers: bool = False  # triggers of hotmig whose marker is gone
    writes_fail: bool = False  # a table that triggers of hotmig ask for is gone
    known: tuple[Known, ...] = ()  # the data migrations of its schema
    marks: tuple[Mark, ...] = ()  # and what became of them
    unfenced: tuple[str, ...] = ()  # tables that take writes although the file is drained or retired

    @property
    def retired(self) -> bool:
        """Whether the file was replaced for good."""
        return self.successor is not None or (self.marker is not None and self.marker.status == "retired")

    @property
    def replaced_by(self) -> str | None:
        """The name of the file that replaced this one, or None."""
        if self.successor is not None:
            return self.successor
        return self.marker.target if self.marker is not None and self.retired else None

    @property
    def recording(self) -> bool:
        """Whether a migration away from this file is under way."""
        return self.marker is not None and not self.retired


@dataclass(frozen=True)
class Survey:
    """The database files under one name in one directory. ``strangers`` only look like databases."""

    directory: Path
    name: str
    files: tuple[DatabaseFile, ...]
    strangers: tuple[Path, ...]

    def file(self, name: str | None) -> DatabaseFile | None:
        """The file of that name, if it is there."""
        return next((file for file in self.files if file.path.name == name), None)

    @property
    def ancestors(self) -> frozenset[str]:
        """The names of the files that a ready database came from, however far back."""
        ready = (file for file in self.files if file.status == "ready" and not file.retired)
        return frozenset(name for file in ready for name in self._parents(file))

    @property
    def live(self) -> tuple[DatabaseFile, ...]:
        """The files that an application may be using. There should be one."""
        ancestors = self.ancestors
        return tuple(
            file
            for file in self.files
            if not (file.problem or file.retired or file.status == "migrating" or file.path.name in ancestors)
        )

    @property
    def half_cut(self) -> DatabaseFile | None:
        """The retired file whose successor lies beside it and is not ready: a cutover was killed half-way."""
        for file in self.files:
            successor = self.file(file.replaced_by)
            if file.marker and successor and (successor.status == "migrating" or successor.problem):
                return file
        return None

    @property
    def orphan(self) -> DatabaseFile | None:
        """A new database that was left unfinished and that no file here is recorded for."""
        targets = {file.marker.target for file in self.files if file.marker}
        return next((f for f in self.files if f.status == "migrating" and f.path.name not in targets), None)

    def is_replaced(self, name: str) -> bool:
        """Whether the name is that of an archive, so that no new database can have it."""
        file = self.file(name)
        # On the way back to an earlier schema, the file that is being built has an ancestor's name.
        return file is not None and file.status != "migrating" and (file.retired or name in self.ancestors)

    def why_not(self, file: DatabaseFile) -> str:
        """Why a file is no candidate for the live database, for messages."""
        if file.problem:
            return f"{file.path.name}: {file.problem}"
        if file.retired:
            return f"{file.path.name} was replaced by {file.replaced_by}"
        if file.status == "migrating":
            return f"{file.path.name} is being built"
        if file.path.name in self.ancestors:
            return f"{file.path.name} is what a ready database was made from"
        return file.path.name

    def _parents(self, file: DatabaseFile) -> Iterator[str]:
        # A return to an earlier schema gives the same names again: a file is not its own ancestor.
        seen = {file.path.name}
        at: DatabaseFile | None = file
        while at and at.identity and at.identity.parent and at.identity.parent not in seen:
            parent = at.identity.parent
            yield parent
            seen.add(parent)
            at = self.file(parent)


def look(path: Path, *, count_mappings: bool = False) -> DatabaseFile:
    """Reads what a file says of itself, in one short read. Never raises for a bad file: ``problem`` says it."""
    try:
        size = path.stat().st_size
    except OSError as error:
        link = f"it links to {os.readlink(path)}: " if path.is_symlink() else ""
        return DatabaseFile(path, problem=f"{link}{error.strerror}")
    if size == 0:
        # SQLite would take it for a database without tables.
        return DatabaseFile(path, problem=EMPTY)
    try:
        with reading(path) as db:
            execute(db, "BEGIN")  # all that follows is of one moment
            return _read(db, path, size, count_mappings)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK:
            return DatabaseFile(path, size, problem=CUT_SHORT)
        return DatabaseFile(path, size, problem=LOCKED if is_locked(error) else f"it cannot be read: {error}")
    except Refused as error:
        return DatabaseFile(path, size, problem=error.message, refusal=error)
    except (HotmigError, sqlite3.Error) as error:
        broken = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
        return DatabaseFile(path, size, problem=f"it cannot be read: {error}", broken=broken)


def _read(db: sqlite3.Connection, path: Path, size: int, count_mappings: bool) -> DatabaseFile:
    marker, successor, wal_size = read_marker(db), retired_successor(db), _wal_size(path)
    logged = last_log_id(db) if marker is not None and has_own_table(db, LOG) else None
    return DatabaseFile(
        path=path,
        size=size + wal_size,
        wal_size=wal_size,
        marker=marker,
        successor=successor,
        migrated_in=marker.directory if marker else retired_in(db) if successor else None,
        status=read_status(db),
        identity=read_identity(db),
        schema_version=value(db, "PRAGMA schema_version"),
        log_entries=logged,
        log_problem=log_problem(db) if marker is not None and marker.status != "retired" else None,
        progress=read_progress(db),
        copies=read_copies(db),
        id_mappings=id_mapping_count(db) if count_mappings else None,
        leftovers=marker is None and successor is None and has_triggers(db),
        writes_fail=captures_in_vain(db),
        known=read_known(db),
        marks=read_marks(db),
        unfenced=open_tables(db) if successor or (marker and marker.status == "draining") else (),
    )


def _wal_size(path: Path) -> int:
    wal, *_ = project.side_files(path)
    try:
        return wal.stat().st_size
    except OSError:
        return 0


def survey(directory: Path, name: str, *, count_mappings: bool = False) -> Survey:
    """Looks at every database file of that name. Raises HotmigError without the directory."""
    files = tuple(look(path, count_mappings=count_mappings) for path in project.candidates(directory, name))
    return Survey(directory, name, files, project.strangers(directory, name))
