"""A ``hotmig`` command that dies at a chosen moment: ``python -m tests.crash.child COMMAND …``.

A *point* is a statement that can change a file, or a file operation; the process can die right before and right after
it. Statements pass one place, ``hotmig.sqlite.Connection.execute``, and those of data migrations their own cursors;
file operations pass the functions of ``os``.

CRASH_AT says where to die: the number of a point, or the beginning of its text; CRASH_AFTER that it is after it;
CRASH_SIGNAL by which signal, if not by SIGKILL: another one is obeyed, once, and the work is unwound.
CRASH_TRACE=FILE writes the points down, and beside them what SQLite's own trace callback and Python's audit hook saw.
"""

from __future__ import annotations

import encodings.ascii  # noqa: F401 - a first import writes a .pyc, which would be taken for a file operation of ours
import json
import os
import re
import shutil  # noqa: F401 - it looks at os.unlink and its like while it is imported: before they are wrapped
import signal
import sqlite3
import sys
import tempfile  # noqa: F401 - likewise
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any

import hotmig.sqlite
import hotmig.transfer.supervised
from hotmig.transfer.ranges import ChunkSize

FIRST_ROWS = 100  # of a chunk: every table has several, however many rows the application deletes meanwhile
AT, AFTER, SIGNAL, TRACE = "CRASH_AT", "CRASH_AFTER", "CRASH_SIGNAL", "CRASH_TRACE"
BEHIND = " behind "
# What begins otherwise reads, or asks: SELECT, EXPLAIN, PRAGMA name.
_CHANGES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER|ANALYZE|BEGIN|COMMIT|ROLLBACK|VACUUM)\b")
_SETS = re.compile(
    r"\s*PRAGMA\s+(\w+\.)?"
    r"(wal_checkpoint|(journal_mode|user_version|application_id|page_size|encoding|auto_vacuum)\s*=)"
)
# The second opinion: whatever is not known to read alone, or to say something of the connection alone. A savepoint in
# a transaction only asks whether that is whole.
_READS = re.compile(
    r"\s*(SELECT|EXPLAIN|ATTACH|DETACH|(SAVEPOINT|RELEASE) hotmig_whole|WITH\b(?!.*\b(INSERT|UPDATE|DELETE|REPLACE)))\b"
    r"|\s*PRAGMA\s+(\w+\.)?"
    r"((foreign_keys|defer_foreign_keys|synchronous|cache_size|temp_store|secure_delete|wal_autocheckpoint)\s*=|(?!wal_checkpoint)\w+\s*(\(|$))",
    re.DOTALL,
)
# Work tables live in the connection and die with it: killed behind such a statement is killed before it.
_WORK = re.compile(
    r"\s*(CREATE TEMP |INSERT (OR \w+ )?INTO temp\.|UPDATE temp\.|DELETE FROM temp\.|DROP \w+ (IF EXISTS )?temp\.)"
)
# Of a database without a name only what is said of the file attached to it: the rest dies with the connection.
_ATTACHED = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK)\b|.*\bnew\.", re.DOTALL)
FILE_OPERATIONS = (
    "open", "unlink", "remove", "rmdir", "mkdir", "link", "symlink", "rename", "replace", "chown", "fchown", "chmod",
    "fchmod", "ftruncate", "truncate", "write", "pwrite", "fsync",
)  # fmt: skip
AUDITED = ("remove", "rmdir", "mkdir", "link", "symlink", "rename", "chown", "chmod", "truncate")


def changes(db: sqlite3.Connection, sql: str) -> bool:
    """Whether a statement can change a file."""
    if is_of_no_file(db, sql):
        return False
    return bool(_SETS.match(sql) or (_CHANGES.match(sql) and not _WORK.match(sql)))


def reads(db: sqlite3.Connection, sql: str) -> bool:
    """Whether a statement changes no file, as far as is known."""
    return is_of_no_file(db, sql) or bool(_READS.match(sql) or _WORK.match(sql))


def is_of_no_file(db: sqlite3.Connection, sql: str) -> bool:
    """Whether a statement works on memory, or on the file without a name in which a plan is rehearsed."""
    if not isinstance(db, hotmig.sqlite.Connection):
        return False
    return db.name == ":memory:" or (db.name == "" and not _ATTACHED.match(sql))


@dataclass
class Points:
    """The moments at which this process can die, counted."""

    at: str
    after: bool
    seen: list[str] = field(default_factory=list)
    traced: list[str] = field(default_factory=list)  # statements, by SQLite
    audited: list[str] = field(default_factory=list)  # file operations, by Python
    last: dict[int, str] = field(default_factory=dict)  # by connection

    def around(self, what: str, work: Callable[[], Any]) -> Any:
        """Does it, or dies."""
        self.seen.append(what)
        mine = bool(self.at) and (
            self.at == str(len(self.seen)) or (not self.at.isdigit() and what.startswith(self.at))
        )
        if mine and not self.after:
            self.strike()
        try:
            return work()
        finally:
            if mine and self.after:
                self.strike()

    def strike(self) -> None:
        self.at = ""
        os.kill(os.getpid(), int(os.environ.get(SIGNAL, signal.SIGKILL)))

    def statement(self, db: sqlite3.Connection, sql: str, work: Callable[[], Any]) -> Any:
        """The end of a transaction is told by what was done in it last."""
        what = " ".join(sql.split())
        if what in ("COMMIT", "ROLLBACK"):
            what += BEHIND + self.last.get(id(db), "nothing")
        else:
            self.last[id(db)] = what
        return self.around(what, work)


def watch_statements(points: Points) -> None:
    execute, connect = hotmig.sqlite.Connection.execute, sqlite3.connect

    def watched(self: sqlite3.Connection, sql: str, parameters: Any = ()) -> Any:
        if not changes(self, sql):
            return execute(self, sql, parameters)
        return points.statement(self, sql, lambda: execute(self, sql, parameters))

    @wraps(connect)
    def connected(*arguments: Any, **options: Any) -> sqlite3.Connection:
        db = connect(*arguments, **options)

        def trace(sql: str) -> None:
            # Statements of triggers are told with dashes before them.
            if not sql.startswith("--") and not reads(db, sql):
                points.traced.append(sql)

        db.set_trace_callback(trace)
        return db

    cursors = hotmig.transfer.supervised.Cursor
    inside = cursors.execute

    def watched_inside(self: sqlite3.Cursor, sql: str, parameters: Any = ()) -> Any:
        if not changes(self.connection, sql):
            return inside(self, sql, parameters)
        return points.statement(self.connection, sql, lambda: inside(self, sql, parameters))

    cursors.execute = watched_inside  # type: ignore[assignment,method-assign]
    hotmig.sqlite.Connection.execute = watched  # type: ignore[assignment,method-assign]
    sqlite3.connect = connected


def watch_files(points: Points) -> None:
    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            if name == "open" and not arguments[1] & os.O_CREAT:
                return function(*arguments, **options)
            return points.around(f"os.{name}", lambda: function(*arguments, **options))

        return call

    for name in FILE_OPERATIONS:
        setattr(os, name, watched(name, getattr(os, name)))


def listen(points: Points) -> None:
    """The second opinion on file operations: what Python itself says that it is about to do."""
    told = {f"os.{name}" for name in AUDITED}

    def creates(path: object, _mode: object, flags: object) -> bool:
        """A descriptor that is wrapped as a file has been opened before."""
        return not isinstance(path, int) and isinstance(flags, int) and bool(flags & os.O_CREAT)

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event in told or (event == "open" and creates(*arguments)):
            points.audited.append(event)

    sys.addaudithook(hear)


def begin_with_small_chunks() -> None:
    sized = ChunkSize.for_session
    ChunkSize.for_session = lambda session: replace(sized(session), rows=FIRST_ROWS)  # type: ignore[method-assign]


def main() -> None:
    """The command line, watched."""
    from hotmig.__main__ import main as command_line

    begin_with_small_chunks()
    points = Points(os.environ.get(AT, ""), AFTER in os.environ)
    watch_statements(points)
    listen(points)
    watch_files(points)
    try:
        command_line()
    finally:
        if TRACE in os.environ:
            found = {"seen": list(points.seen), "traced": list(points.traced), "audited": list(points.audited)}
            with open(os.environ[TRACE], "w", encoding="utf-8") as file:
                json.dump(found, file)


if __name__ == "__main__":
    main()
