"""Starting to record, and taking everything out of the old database again: one transaction each."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hotmig.capture.fence import standing_triggers
from hotmig.capture.log import create_log, guard_log, log_width
from hotmig.capture.marker import CREATE_MARKER, STAMP, Marker, insert_marker, read_marker, retired_in
from hotmig.capture.names import CAPTURE, FENCE, LOG, MARKER, RETIRED
from hotmig.capture.triggers import capture_triggers
from hotmig.catalog.own import has_own_table, is_own_trigger
from hotmig.errors import BEGIN_ANEW, Refused
from hotmig.planning.model import Recorded
from hotmig.sqlite import READERS_SECONDS, execute, quote, text, transaction

LOCK = "the old database's write lock"


@dataclass(frozen=True)
class Removed:
    """What was taken out of the old database; ``marker`` is the one that was there, None without one."""

    dropped: tuple[str, ...]
    marker: Marker | None


def start_recording_sql(
    recorded: Sequence[Recorded],
    target: str,
    plan_hash: str,
    directory: str | None = None,
    began: str | None = None,
) -> tuple[str, ...]:
    """The statements of the transaction that starts recording."""
    triggers = _capture(recorded)
    tables = (CREATE_MARKER, create_log(log_width(recorded)))
    return (*tables, insert_marker(target, plan_hash, directory, began), *triggers, STAMP)


def _capture(recorded: Sequence[Recorded]) -> tuple[str, ...]:
    return (*guard_log(), *(trigger for each in recorded for trigger in capture_triggers(each)))


def stay_first(db: sqlite3.Connection, recorded: Sequence[Recorded]) -> None:
    """Makes the capture triggers anew where the application has made one since, inside the caller's transaction.

    Of the triggers of one event the newest fires first. Behind one of the application's that fails under OR FAIL, ours
    would not fire, and the row stays.
    """
    entries = execute(db, "SELECT rowid, name FROM main.sqlite_schema WHERE type = 'trigger'").fetchall()
    own = {name: rowid for rowid, name in entries if is_own_trigger(name) and name.startswith(CAPTURE)}
    oldest = min(own.values(), default=0)
    if any(rowid > oldest and not is_own_trigger(name) for rowid, name in entries):
        for sql in (*(_drop("TRIGGER", name) for name in own), *_capture(recorded)):
            execute(db, sql)


def start_recording(
    db: sqlite3.Connection,
    recorded: Sequence[Recorded],
    target: str,
    plan_hash: str,
    seconds: float,
    verify: Callable[[], None],
    directory: str | None = None,
    began: str | None = None,
) -> Marker:
    """From the commit on, every write to a recorded table is logged. ``directory`` is where the migration is run.
    ``began`` is when the marker says that it began, if not in this transaction: it is known beforehand then.

    ``verify`` is called under the write lock, before anything is created: it raises when the database is no longer
    the planned one. Where this very plan is being recorded already, nothing happens. Raises GaveUp after waiting
    ``seconds`` for the lock, and Refused where another plan is recorded or the database is retired.
    """
    with transaction(db, seconds, LOCK, commit_seconds=READERS_SECONDS):
        marker = read_marker(db)
        if marker is None:
            if _own_names(db):
                raise Refused(f"the old database holds what is left of a migration: {_own_names(db)[0]}", BEGIN_ANEW)
            verify()
            for sql in start_recording_sql(recorded, target, plan_hash, directory, began):
                execute(db, sql)
            marker = read_marker(db)
        assert marker is not None  # it was just made
        if (marker.target, marker.plan_hash) != (target, plan_hash) or marker.status == "retired":
            raise Refused(
                f"the old database is already being migrated to {marker.target}",
                "`hotmig status` says what is under way",
            )
    return marker


def stop_recording_sql(db: sqlite3.Connection) -> tuple[str, ...]:
    """The statements of the transaction that removes marker, log and triggers; none where nothing of ours is left."""
    triggers = tuple(_drop("TRIGGER", name) for name in _own_triggers(db))
    tables = tuple(_drop("TABLE", name) for name in (LOG, MARKER, RETIRED) if has_own_table(db, name))
    return triggers + tables


def stop_recording(db: sqlite3.Connection, seconds: float, before: Callable[[], None] = lambda: None) -> Removed:
    """Removes everything of ours. Raises GaveUp after ``seconds``, and Refused where the database is retired.

    ``before`` is called under the write lock, before anything is dropped: no cutover can come between the two.
    """
    with transaction(db, seconds, LOCK, commit_seconds=READERS_SECONDS):
        marker = read_marker(db)
        if has_own_table(db, RETIRED) or (marker is not None and marker.status == "retired"):
            raise Refused(
                "the old database is retired: a cutover is finished, not undone", "run `hotmig cutover` to finish it"
            )
        before()
        names = _own_names(db)
        for sql in stop_recording_sql(db):
            execute(db, sql)
    return Removed(names, marker)


def leave_retired_sql(db: sqlite3.Connection, successor: str | None, *, unfence: bool = False) -> tuple[str, ...]:
    """The statements of the transaction that leaves a retired database: see ``leave_retired``."""
    if unfence:
        return stop_recording_sql(db)
    if successor is None or not has_own_table(db, MARKER):
        return ()
    tables, directory = _fenced_tables(db), retired_in(db)
    return (
        *(_drop("TRIGGER", name) for name in _own_triggers(db)),
        *(_drop("TABLE", name) for name in (LOG, MARKER) if has_own_table(db, name)),
        f"CREATE TABLE {RETIRED}(id INTEGER PRIMARY KEY CHECK (id = 0), successor TEXT NOT NULL,"
        " retired_utc TEXT NOT NULL, directory TEXT)",
        f"INSERT INTO {RETIRED} VALUES (0, {text(successor)}, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'),"
        f" {'NULL' if directory is None else text(directory)})",
        *standing_triggers(tables, successor),
    )


def leave_retired(db: sqlite3.Connection, successor: str | None, seconds: float, unfence: bool = False) -> Removed:
    """Removes marker, log and triggers of a retired database, and leaves a fence that stands by itself.

    A forgotten instance of the application can't write into the archive. With ``unfence`` nothing is left, also of an
    archive that was put back as it was before its retirement. Raises GaveUp after ``seconds``, and Refused for one that
    is being recorded or drained.
    """
    with transaction(db, seconds, LOCK, commit_seconds=READERS_SECONDS):
        marker = read_marker(db)
        if marker is not None and marker.status != "retired" and not unfence:
            raise Refused(
                f"the old database is still being migrated to {marker.target}", "`hotmig status` says what is under way"
            )
        before = _own_names(db)
        for sql in leave_retired_sql(db, successor, unfence=unfence):
            execute(db, sql)
        after = set(_own_names(db))
    return Removed(tuple(name for name in before if name not in after), marker)


def _own_names(db: sqlite3.Connection) -> tuple[str, ...]:
    return (*(name for name in (MARKER, LOG, RETIRED) if has_own_table(db, name)), *_own_triggers(db))


def _own_triggers(db: sqlite3.Connection) -> tuple[str, ...]:
    return tuple(name for name, _ in _triggers(db))


def _fenced_tables(db: sqlite3.Connection) -> list[tuple[int, str]]:
    numbered = {
        int(name.removeprefix(FENCE).split("_")[0]): table for name, table in _triggers(db) if name.startswith(FENCE)
    }
    return sorted(numbered.items())


def _triggers(db: sqlite3.Connection) -> list[tuple[str, str]]:
    sql = "SELECT name, tbl_name FROM main.sqlite_schema WHERE type = 'trigger' ORDER BY rowid"
    found = execute(db, sql).fetchall()
    return [(name, table) for name, table in found if is_own_trigger(name)]


def _drop(kind: str, name: str) -> str:
    return f"DROP {kind} {quote(name)}"
