"""The new file itself: made with the old one's mode and owner, filled with the schema, read back, synced."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hotmig.catalog.fingerprint import canonical, differences, digest, equal
from hotmig.catalog.model import Catalog
from hotmig.catalog.read import read_catalog
from hotmig.errors import BEGIN_ANEW, HotmigError, Refused
from hotmig.planning.data_marks import Mark
from hotmig.planning.model import CopyPlan, Hint
from hotmig.schema.model import Schema
from hotmig.sqlite import connect, execute, reading, transaction, value
from hotmig.transfer.bookkeeping import create_bookkeeping
from hotmig.transfer.groups.tables import create_group_tables
from hotmig.transfer.identity import Identity
from hotmig.transfer.marks import carry_marks, note_known

AUTO_VACUUM = {0: "NONE", 1: "FULL", 2: "INCREMENTAL"}


@dataclass(frozen=True)
class FileSettings:
    """What the new file takes over from the old one."""

    mode: int
    owner: int
    group: int
    page_size: int
    encoding: str
    auto_vacuum: int


def read_settings(old: Path) -> FileSettings:
    """The old file's settings."""
    stat = os.stat(old)
    with reading(old) as db:
        return FileSettings(
            mode=stat.st_mode & 0o777,
            owner=stat.st_uid,
            group=stat.st_gid,
            page_size=value(db, "PRAGMA page_size"),
            encoding=value(db, "PRAGMA encoding"),
            auto_vacuum=value(db, "PRAGMA auto_vacuum"),
        )


def create_file(new: Path, settings: FileSettings) -> None:
    """An empty file with mode and owner set before anything is written. Raises FileExistsError."""
    descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    try:
        if (settings.owner, settings.group) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, settings.owner, settings.group)
        os.fchmod(descriptor, settings.mode)
    finally:
        os.close(descriptor)
    sync_directory(new.parent)


def sync_directory(directory: Path) -> None:
    """Makes a new or deleted file's entry durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class Beginning:
    """What a new file says of itself from its first commit on.

    ``migration`` names the migration, ``expected`` are the rows to be copied into each table, where they were counted,
    ``marks`` of data migrations the old database's.
    """

    schema: Schema
    plan: CopyPlan
    identity: Identity
    hints: Iterable[Hint]
    migration: str
    expected: Mapping[str, int]
    marks: Iterable[Mark] = ()

    def write(self, db: sqlite3.Connection) -> None:
        """Creates and fills the bookkeeping, in the transaction that makes the tables: a file without
        ``_migration_status`` was never begun."""
        digested = digest(canonical(self.schema.catalog))
        create_bookkeeping(db, self.plan, self.identity, self.hints, digested, self.migration, self.expected)
        create_group_tables(db, self.plan)
        note_known(db, self.schema)
        carry_marks(db, self.schema, self.marks, skipped=True)


def create_schema(new: Path, settings: FileSettings, beginning: Beginning, extensions: tuple[str, ...] = ()) -> None:
    """Tables and bookkeeping in one transaction.

    While it is built the file keeps a rollback journal: new pages need no copy in it.
    """
    db = connect(new, "rw", extensions=extensions)
    try:
        execute(db, f"PRAGMA encoding = '{settings.encoding}'")
        execute(db, f"PRAGMA page_size = {settings.page_size}")
        execute(db, f"PRAGMA auto_vacuum = {AUTO_VACUUM[settings.auto_vacuum]}")
        with transaction(db, 0, "the new database"):
            for sql in beginning.schema.create_tables:
                execute(db, sql)
            beginning.write(db)
    finally:
        db.close()


def require_no_directory(path: Path) -> None:
    """Raises HotmigError where a directory has a name that belongs to the new file."""
    if path.is_dir():
        raise HotmigError(
            f"{path} is a directory, and its name is the new database's",
            "move it away, then run the same command again",
        )


def is_begun(new: Path) -> bool:
    """Whether the file got its tables: what a killed run left before that can be made again.

    Raises HotmigError for a directory.
    """
    require_no_directory(new)
    if not new.exists() or new.stat().st_size == 0:
        return False
    with reading(new) as db:
        return value(db, "SELECT 1 FROM sqlite_schema WHERE name = '_migration_status'") is not None


def finish_schema(db: sqlite3.Connection, schema: Schema) -> None:
    """Creates what waits for the rows: virtual tables and views that are not there yet, inside a transaction."""
    present = {row[0] for row in execute(db, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")}
    catalog = schema.catalog
    for table, sql in zip(catalog.virtual_tables, schema.create_virtual_tables, strict=True):
        if table.name not in present:
            execute(db, sql)
    for view, sql in zip(catalog.views, schema.create_views, strict=True):
        if view.name not in present:
            execute(db, sql)


def indexes_of(schema: Schema) -> dict[str, tuple[str, ...]]:
    """The CREATE INDEX statements of each table."""
    found: dict[str, tuple[str, ...]] = {}
    for table, sql in schema.create_indexes:
        found[table] = (*found.get(table, ()), sql)
    return found


def verify_catalog(db: sqlite3.Connection, schema: Schema, *, triggers: bool) -> None:
    """Reads the new file's catalog back. Raises Refused where it is not the schema module's."""
    wanted = schema.catalog
    if not triggers:
        wanted = Catalog(wanted.tables, wanted.views, (), wanted.virtual_tables)
    found = read_catalog(db)
    if not equal(found, wanted):
        raise Refused(
            f"the new database did not become what the schema module says: {'; '.join(differences(wanted, found))}",
            f"{BEGIN_ANEW}; if it happens again, this is a bug in hotmig",
        )


def analyze_like(db: sqlite3.Connection) -> bool:
    """Runs ANALYZE where the old database had statistics."""
    if value(db, "SELECT 1 FROM old.sqlite_schema WHERE name = 'sqlite_stat1'") is None:
        return False
    execute(db, "ANALYZE main")
    return True
