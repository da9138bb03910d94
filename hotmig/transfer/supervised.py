"""The connection that a data migration works with: like any other, but it can't end the transaction that it is in."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from hotmig.catalog.own import is_own
from hotmig.sqlite import Connection, fold

STEPS_BETWEEN_LOOKS = 2_000  # VM steps: well under a millisecond

# The creations: a temporary table of that name would stand before hotmig's own in hotmig's own statements.
_WRITES = (
    sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE, sqlite3.SQLITE_CREATE_TEMP_TABLE,
    sqlite3.SQLITE_CREATE_TEMP_VIEW, sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_VIEW,
)  # fmt: skip
_LOOKING = frozenset(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list",
     "foreign_key_check", "integrity_check", "quick_check", "database_list", "function_list", "collation_list"}
)  # fmt: skip
_SETTABLE = frozenset({"defer_foreign_keys", "user_version", "application_id"})  # rolled back with the transaction
_ACTING = frozenset({"wal_checkpoint", "incremental_vacuum", "optimize", "shrink_memory"})  # even without a value


class NotAllowedError(sqlite3.ProgrammingError):
    """A data migration asked for what would end, or escape, the transaction that it is in. No data is in its text."""


class Cursor(sqlite3.Cursor):
    """Asks before each statement whether the transaction is still there, and says in words what was refused."""

    def execute(self, sql: str, parameters: Any = (), /) -> Cursor:
        with _supervision(self).statement():
            super().execute(sql, parameters)
        return self

    def executemany(self, sql: str, parameters: Any, /) -> Cursor:
        with _supervision(self).statement():
            super().executemany(sql, parameters)
        return self

    def executescript(self, sql_script: str, /) -> NoReturn:  # noqa: ARG002 - the shape of sqlite3's
        raise NotAllowedError(f"executescript() commits first, and {_OURS}; execute the statements one by one")


_LEVEL: Any = vars(sqlite3.Connection)["isolation_level"]
_OURS = "a data migration is committed by hotmig alone"
_OUTLASTS = "it would outlast the transaction"


def _supervision(cursor: sqlite3.Cursor) -> Supervision:
    db = cursor.connection
    if not isinstance(db, Supervised) or db.supervision is None:
        raise NotAllowedError("the data migration is over: its cursor is of no more use")
    return db.supervision


class Supervision:
    """What is watched while one function runs. ``deferred``: foreign keys were put off, so they must be looked at."""

    def __init__(self, db: Supervised, deadline: float | None) -> None:
        self.db = db
        self.process = os.getpid()
        self.deadline = deadline
        self.deferred = False
        self.stopped: BaseException | None = None  # what SQLite's callbacks would swallow
        self.refused: str | None = None
        self.cursors: weakref.WeakSet[sqlite3.Cursor] = weakref.WeakSet()

    @property
    def is_late(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline

    @contextmanager
    def statement(self) -> Iterator[None]:
        """One statement of the function's. Raises what a callback was stopped by, in place of SQLite's own words."""
        self.check()
        self.refused = None
        try:
            yield
        except sqlite3.DatabaseError as error:
            if self.stopped is not None:
                raise self.stopped from None
            if self.refused is not None and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_AUTH:
                raise NotAllowedError(self.refused) from None
            raise

    def check(self) -> None:
        """Raises where the function must not go on."""
        if self.stopped is not None:
            raise self.stopped
        if os.getpid() != self.process:
            raise NotAllowedError("the child of a fork has no connection: SQLite's own is the parent's")
        if self.is_late:
            # As SQLite does in the middle of a statement.
            raise _interrupted()
        if not self.db.in_transaction:
            raise NotAllowedError(
                "the transaction was rolled back (ON CONFLICT ROLLBACK, RAISE(ROLLBACK) or an interrupt):"
                " what follows it would be committed by itself"
            )

    def authorise(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        """SQLite asks before it compiles a statement of the function's."""
        self.refused = self._refusal(action, first, second)
        return sqlite3.SQLITE_OK if self.refused is None else sqlite3.SQLITE_DENY

    def _refusal(self, action: int, first: str | None, second: str | None) -> str | None:
        if action == sqlite3.SQLITE_TRANSACTION:
            return f"{first} in a data migration: {_OURS}"
        if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH):
            return "ATTACH in a data migration: what it writes to another database would not be rolled back with it"
        if action in _WRITES and first is not None and is_own(first):
            return f"{first} is written to by hotmig alone"
        return self._pragma(fold(first or ""), second) if action == sqlite3.SQLITE_PRAGMA else None

    def _pragma(self, name: str, argument: str | None) -> str | None:
        if name == "defer_foreign_keys":
            self.deferred = True
        if name in _LOOKING or name in _SETTABLE or (argument is None and name not in _ACTING):
            return None
        if name == "foreign_keys":
            return "foreign keys are enforced in a data migration; PRAGMA defer_foreign_keys puts that off to its end"
        return f"PRAGMA {name} in a data migration: {_OUTLASTS}"

    def look(self) -> bool:
        """SQLite asks now and then, in the middle of a statement, whether to give up."""
        return self.stopped is not None or self.is_late

    def hear(self, told: sys.UnraisableHookArgs) -> None:
        """A signal can strike in what SQLite calls, and sqlite3 would make an error of SQLite's, or nothing, of it."""
        if told.exc_value is not None and not isinstance(told.exc_value, Exception):
            self.stopped = told.exc_value


def _interrupted() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("interrupted")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_INTERRUPT, "SQLITE_INTERRUPT"
    return error


class Supervised(Connection):
    """A connection like any other, until ``supervised`` puts it under supervision."""

    supervision: Supervision | None = None

    def cursor(self, factory: Any = None) -> sqlite3.Cursor:  # type: ignore[override]
        if self.supervision is None:
            return super().cursor(factory) if factory else super().cursor()
        made: sqlite3.Cursor = super().cursor(factory or Cursor)
        self.supervision.cursors.add(made)
        return made

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if self.supervision is None:
            return super().execute(sql, parameters)
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        if self.supervision is None:
            return super().executemany(sql, parameters)
        return self.cursor().executemany(sql, parameters)

    def executescript(self, sql_script: str, /) -> sqlite3.Cursor:
        return (
            super().executescript(sql_script) if self.supervision is None else self.cursor().executescript(sql_script)
        )

    def _refused(self, what: str, why: str = _OURS) -> None:
        if self.supervision is not None:
            raise NotAllowedError(f"{what} in a data migration: {why}")

    def commit(self) -> None:
        self._refused("commit()")
        super().commit()

    def rollback(self) -> None:
        self._refused("rollback()")
        super().rollback()

    def close(self) -> None:
        self._refused("close()")
        super().close()

    def __enter__(self) -> Supervised:
        self._refused("a `with` block over the connection, which commits,")
        super().__enter__()
        return self

    @property
    def isolation_level(self) -> Any:
        return _LEVEL.__get__(self)

    @isolation_level.setter
    def isolation_level(self, level: Any) -> None:
        self._refused("isolation_level")  # set to None, it commits
        _LEVEL.__set__(self, level)

    def backup(self, *arguments: Any, **named: Any) -> None:
        """SQLite waits for the end of the transaction, which is this very one."""
        self._refused("backup()", "it would wait for the end of the transaction, for ever")
        super().backup(*arguments, **named)

    def interrupt(self) -> None:
        self._refused("interrupt()")
        super().interrupt()

    def set_authorizer(self, *arguments: Any, **named: Any) -> None:
        self._refused("set_authorizer()")
        super().set_authorizer(*arguments, **named)

    def setlimit(self, *arguments: Any) -> int:
        self._refused("setlimit()", _OUTLASTS)
        return super().setlimit(*arguments)

    def setconfig(self, *arguments: Any) -> None:
        """Of Python 3.12."""
        self._refused("setconfig()", _OUTLASTS)
        getattr(super(), "setconfig")(*arguments)  # noqa: B009 - unknown to 3.11

    def set_progress_handler(self, *arguments: Any, **named: Any) -> None:
        self._refused("set_progress_handler()")
        super().set_progress_handler(*arguments, **named)


@contextmanager
def supervised(db: Supervised, deadline: float | None) -> Iterator[Supervision]:
    """Puts the connection under supervision; afterwards it is as it was, and no statement is left open.

    ``deadline`` is of ``time.monotonic``: what takes longer is interrupted.
    """
    watched = Supervision(db, deadline)
    rows, texts = db.row_factory, db.text_factory
    db.set_authorizer(watched.authorise)
    db.set_progress_handler(watched.look, STEPS_BETWEEN_LOOKS)
    db.supervision = watched
    kept, sys.unraisablehook = sys.unraisablehook, watched.hear
    sqlite3.enable_callback_tracebacks(True)  # which is: tell the hook
    try:
        yield watched
    finally:
        sqlite3.enable_callback_tracebacks(False)
        sys.unraisablehook = kept
        db.supervision = None
        db.set_authorizer(None)
        db.set_progress_handler(None, 0)
        for cursor in list(watched.cursors):
            # A statement that still writes would keep our own COMMIT, behind the point of no return, from working.
            cursor.close()
        db.row_factory, db.text_factory = rows, texts
