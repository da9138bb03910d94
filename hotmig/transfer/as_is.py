"""The copy of a table as it is: one statement, by which SQLite moves rows and index entries without decoding them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress

from hotmig.catalog.ddl import parse_index
from hotmig.catalog.model import Table
from hotmig.planning.as_is import MOST_BYTES, added_columns, definition, moved_indexes
from hotmig.planning.model import TableStep
from hotmig.sqlite import TookTooLong, at_most, execute, file_uri, fold, quote, transaction, value
from hotmig.transfer.session import Report, Session

SECONDS = 10.0  # that the old file may be read in one go: so long its log can't start over
SAMPLE = 1_000  # rows
LIVE = "live"


def copy_as_is(
    session: Session, steps: Iterable[TableStep], indexes: Mapping[str, tuple[str, ...]], then: str, report: Report
) -> dict[str, int]:
    """Copies all rows of the tables where that is to be, logged ones too; returns how many by their names.

    Each in one transaction with ``then``. In rollback-journal mode a long read holds up the writers, in WAL one that
    takes more than ``SECONDS`` lets the log grow, and none leaves room for whoever asked for it by ``--throttle``: what
    is not in the answer is to be projected.
    """
    chosen = [
        (step, step.source) for step in steps if step.source is not None and _is_to_be(session, step, step.source)
    ]
    found: dict[str, int] = {}
    with _live(session) if chosen else nullcontext():
        for step, source in chosen:
            with session.step("copy", step.table.name), suppress(TookTooLong):
                found[step.table.name] = _copied(session, step, source, indexes.get(step.table.name, ()), then)
            report(step.table.name, found.get(step.table.name, 0))
    return found


def _is_to_be(session: Session, step: TableStep, source: Table) -> bool:
    if step.how != "as-is" or not session.wal or session.pace.is_throttled:
        return False
    return _bytes(session, step, source) <= MOST_BYTES


def _copied(session: Session, step: TableStep, source: Table, indexes: tuple[str, ...], then: str) -> int:
    with transaction(session.db, session.seconds, "the new database", begin="BEGIN"):
        rows = _move(session.db, step, source, indexes)
        execute(session.db, then, (rows, step.table.name))
    return rows


def _move(db: sqlite3.Connection, step: TableStep, source: Table, indexes: tuple[str, ...]) -> int:
    table, added = f"main.{quote(step.table.name)}", added_columns(step)
    moved = {fold(index.name) for index in moved_indexes(step)}
    for column in reversed(added):
        execute(db, f"ALTER TABLE {table} DROP COLUMN {quote(column.name)}")
    for sql in indexes:
        if _name(sql) in moved:
            execute(db, sql)
    with at_most(db, SECONDS):
        rows = execute(db, f"INSERT OR ABORT INTO {table} SELECT * FROM {LIVE}.{quote(source.name)}").rowcount
    for column in added:
        execute(db, f"ALTER TABLE {table} ADD COLUMN {definition(column)}")
    return rows


def _bytes(session: Session, step: TableStep, source: Table) -> float:
    """About how much the rows of a table take, by the first of them; 0 where nobody counted them."""
    lengths = ", ".join(f"avg(length(CAST({quote(column.name)} AS BLOB)))" for column in source.columns)
    some = f"(SELECT * FROM old.{quote(source.name)} LIMIT {SAMPLE})"
    expected = "SELECT expected FROM main._migration_copy WHERE table_name = ?"
    rows = value(session.db, expected, (step.table.name,)) or 0
    return float(rows * sum(each or 0 for each in execute(session.db, f"SELECT {lengths} FROM {some}").fetchone()))


@contextmanager
def _live(session: Session) -> Iterator[None]:
    """The old file once more, as an application opens it: for all tables at once, as each time its schema is read.

    Of a file that is opened read-only SQLite does not load the CHECKs, and takes every table with one for another.
    Nothing is written to it: BEGIN takes no lock, and the statements write to the new file alone.
    """
    execute(session.db, f"ATTACH ? AS {LIVE}", (file_uri(session.old, "mode=rw"),))
    try:
        yield
    finally:
        execute(session.db, f"DETACH {LIVE}")


def missing(db: sqlite3.Connection, indexes: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the CREATE INDEX statements whose index is not there yet."""
    present = {fold(row[0]) for row in execute(db, "SELECT name FROM main.sqlite_schema WHERE type = 'index'")}
    return tuple(sql for sql in indexes if _name(sql) not in present)


def _name(sql: str) -> str:
    return fold(parse_index(sql, "of the schema module").name)
