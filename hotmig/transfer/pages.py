"""The new file as a copy of the old one's pages, altered: for a migration that changes names and adds."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hotmig.catalog.fingerprint import differences
from hotmig.catalog.model import Catalog, Table
from hotmig.catalog.read import own_tables, read_catalog
from hotmig.errors import HotmigError
from hotmig.planning.model import CopyPlan
from hotmig.planning.pages import alterations
from hotmig.sqlite import connect, copy_pages, execute, make_durable, persist, quote, transaction, value
from hotmig.transfer.as_is import SECONDS
from hotmig.transfer.build import Beginning, FileSettings
from hotmig.transfer.copy import AS_IS
from hotmig.transfer.unfinished import unfinished

STEPS = 1_000_000  # of SQLite's virtual machine, between two calls of ``tell``


class NotByPages(Exception):
    """The file has to be made table by table: the message says why."""


def make_of_pages(
    new: Path,
    old: Path,
    settings: FileSettings,
    beginning: Beginning,
    seconds: float,
    extensions: tuple[str, ...] = (),
    tell: Callable[[], None] = lambda: None,
) -> dict[str, int]:
    """Makes the new file with all rows of the old one; returns how many by their tables' names.

    ``seconds`` is how long it waits for a lock; ``tell`` is called now and then. Raises NotByPages, and nothing is
    made, where the old file is not in WAL mode any more, where it takes longer than ``SECONDS``, where the pages are
    damaged, and where ALTER TABLE makes something else of the tables than the schema module says.
    """
    with unfinished(new, settings) as path:
        db = connect(path, "rw", extensions=extensions)
        try:
            _copy(old, db, seconds, tell)
            return _altered(db, beginning, tell)
        finally:
            db.close()


def _copy(old: Path, db: sqlite3.Connection, seconds: float, tell: Callable[[], None]) -> None:
    """One state of the old file. It is on the disk only with the commit that alters it."""
    execute(db, "PRAGMA synchronous = OFF")
    live = connect(old, "ro", patience=seconds)
    try:
        # A transaction of our own: without it SQLite begins anew whenever the application has written.
        execute(live, "BEGIN")
        persist(live, "SELECT 1 FROM sqlite_schema LIMIT 1", seconds, "the old database's writer")
        if value(live, "PRAGMA journal_mode") != "wal":
            raise NotByPages("the old database is not in WAL mode any more")
        deadline = time.monotonic() + SECONDS

        def look(status: int) -> None:
            if status != sqlite3.SQLITE_DONE and time.monotonic() > deadline:
                raise NotByPages(f"to read the old database took longer than {SECONDS:g} s")
            tell()

        copy_pages(live, db, look)
    finally:
        live.close()
    # The pages say that they are those of a WAL database.
    execute(db, "PRAGMA journal_mode = DELETE")


def _altered(db: sqlite3.Connection, beginning: Beginning, tell: Callable[[], None]) -> dict[str, int]:
    """Makes the new tables of the old ones; the commit puts the whole file on the disk."""
    make_durable(db)
    plan, schema = beginning.plan, beginning.schema
    with transaction(db, 0, "the new database"):
        with _not_by_pages():
            with _telling(db, tell):
                _require_sound(db)
            _drop_others(db)
            for sql in alterations(plan):
                execute(db, sql)
            _forget_sequences(db)
            _require_tables(db, plan)
            rows = {step.table.name: _count(db, step.table) for step in plan.steps if step.source is not None}
        for table, sql in zip(schema.catalog.tables, schema.create_tables, strict=True):
            step = plan.step(table.name)
            if step is not None and step.source is None:
                execute(db, sql)
        beginning.write(db)
        for name, count in rows.items():
            execute(db, AS_IS, (count, name))
    return rows


@contextmanager
def _not_by_pages() -> Iterator[None]:
    """What SQLite can't do with these tables, or pages, it may still do table by table; a full disk stays full."""
    try:
        yield
    except HotmigError as error:  # a definition that can't be read
        raise NotByPages(error.message) from error
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT):
            raise
        raise NotByPages(f"SQLite says {error}") from error


@contextmanager
def _telling(db: sqlite3.Connection, tell: Callable[[], None]) -> Iterator[None]:
    """Inside of one long statement."""
    db.set_progress_handler(tell, STEPS)
    try:
        yield
    finally:
        db.set_progress_handler(None, 0)


def _require_sound(db: sqlite3.Connection) -> None:
    """Free pages come along: one that is part of a table too would be given to new rows some day."""
    found = value(db, "PRAGMA quick_check(1)")
    if found != "ok":
        raise NotByPages(f"PRAGMA quick_check says {' '.join(str(found).split())}")


def _drop_others(db: sqlite3.Connection) -> None:
    """All that is no table of the application's: ALTER TABLE would rewrite it, or fail over it."""
    for kind in ("trigger", "view"):
        for (name,) in execute(db, "SELECT name FROM sqlite_schema WHERE type = ?", (kind,)).fetchall():
            execute(db, f"DROP {kind} IF EXISTS main.{quote(name)}")
    for name in sorted(own_tables(db)):
        execute(db, f"DROP TABLE main.{quote(name)}")


def _forget_sequences(db: sqlite3.Connection) -> None:
    """Those of tables that are no more: a new one of the name would go on from there."""
    if value(db, "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'") is not None:
        execute(
            db, "DELETE FROM sqlite_sequence WHERE name NOT IN (SELECT name FROM sqlite_schema WHERE type = 'table')"
        )


def _require_tables(db: sqlite3.Connection, plan: CopyPlan) -> None:
    found = read_catalog(db)
    there = {index.name for table in found.tables for index in table.indexes}
    wanted = (step.table for step in plan.steps if step.source is not None)
    tables = (replace(each, indexes=tuple(index for index in each.indexes if index.name in there)) for each in wanted)
    told = differences(Catalog(tuple(tables)), found)
    if told:
        raise NotByPages(f"ALTER TABLE makes something else: {'; '.join(told)}")


def _count(db: sqlite3.Connection, table: Table) -> int:
    count: int = value(db, f"SELECT count(*) FROM main.{quote(table.name)}")
    return count
