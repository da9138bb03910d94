"""Connections, quoting, and the one place that executes statements."""

from __future__ import annotations

import math
import os
import sqlite3
import string
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote as url_quote

from hotmig.errors import GaveUp, HotmigError

MINIMUM_VERSION = (3, 40, 0)
LOCK_POLL_SECONDS = 0.0003
HOT_JOURNAL_SECONDS = 0.1  # far longer than what only looks like a hot journal, and short for one that is
# For a COMMIT to a live database in rollback-journal mode: while it waits for one long reader, nobody else gets in.
READERS_SECONDS = 2.0
LOCK_SECONDS = 30.0  # how long to wait for any one lock, unless the operator says otherwise
SHORT_READ_SECONDS = 0.08  # no writer is to wait for 0.1 s
STEPS_BETWEEN_LOOKS = 10_000  # VM steps: about a millisecond
PAGES_AT_ONCE = 2_000  # of a copy, between two looks
BUSY_SECONDS = 0.005
SILENT_SECONDS = 1.0  # then the operator hears what is waited for
_ASCII_LOWER = {ord(letter): letter.lower() for letter in string.ascii_uppercase}

Mode = Literal["ro", "rw", "rwc"]
Row = tuple[Any, ...]


def require_version() -> None:
    """Raises HotmigError, in one line, under a SQLite that is too old."""
    if sqlite3.sqlite_version_info < MINIMUM_VERSION:
        needed = ".".join(map(str, MINIMUM_VERSION))
        raise HotmigError(
            f"SQLite {sqlite3.sqlite_version} is too old: hotmig needs {needed} or later",
            "run hotmig with a Python that is built with a newer SQLite",
        )


def quote(name: str) -> str:
    """An identifier for SQL. Every identifier goes through here."""
    return '"' + name.replace('"', '""') + '"'


def fold(name: str) -> str:
    """A name as SQLite compares it: without regard to the case of ASCII letters, and of these alone."""
    return name.translate(_ASCII_LOWER)


def text(value: str) -> str:
    """A text literal for DDL, where no parameter can stand."""
    return "'" + value.replace("'", "''") + "'"


def printable(name: str) -> str:
    """A file name, or what was typed, as SQLite can store it: bytes that are no UTF-8 are spelled out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def conjunction(terms: Iterable[str]) -> str:
    """``a AND b AND …`` as a balanced tree: SQLite allows expressions 1,000 deep, and tables 2,000 columns."""
    return _balanced(list(terms), "AND") or "1"


def disjunction(terms: Iterable[str]) -> str:
    """``a OR b OR …`` as a balanced tree."""
    return _balanced(list(terms), "OR") or "0"


def _balanced(terms: list[str], operator: str) -> str:
    if len(terms) <= 1:
        return terms[0] if terms else ""
    middle = len(terms) // 2
    return f"({_balanced(terms[:middle], operator)} {operator} {_balanced(terms[middle:], operator)})"


def same(left: str, right: str, *, signed_zero: bool = False, stored_as: str | None = None) -> str:
    """Same storage class and same bytes. Plain IS goes by collation and lets 1 and 1.0 pass.

    ``signed_zero`` also tells 0.0 from -0.0; only columns without affinity can hold the latter. ``stored_as`` is the
    affinity of the column that ``left`` was stored in, and ``right`` as, or in one of that kind. Then numbers alone
    could be equal and not the *same*, of these only -2^63 and -2^63.0, and typeof() is spared, as it is of texts and
    BLOBs: it costs more than all else of a comparison.
    """
    # Unary plus: by the affinity of either column a text that looks like a number would be compared as one.
    alike = f"+{left} COLLATE BINARY IS +{right}"
    if stored_as in ("TEXT", "REAL"):
        return f"({alike})"
    if stored_as in ("INTEGER", "NUMERIC"):
        return f"({alike} AND ({left} > -9223372036854775807 OR typeof({left}) = typeof({right})))"
    kind = f"typeof({left}) = typeof({right})"
    if signed_zero:
        # CASE, because AND and OR evaluate both sides where a value is wanted.
        signs = f"hotmig_signbit({left}) = hotmig_signbit({right})"
        kind += f" AND CASE WHEN typeof({left}) = 'real' AND {left} = 0 THEN {signs} ELSE 1 END"
    # Texts and BLOBs come behind all numbers, and are never equal to one of another kind.
    return f"({alike} AND CASE WHEN {left} COLLATE BINARY >= '' THEN 1 ELSE {kind} END)"


def _signbit(value: object) -> int:
    return int(isinstance(value, float) and math.copysign(1.0, value) < 0)


def _decode(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


class Connection(sqlite3.Connection):
    """``patience`` is how many seconds a statement waits for somebody else's lock, ``name`` the file's.

    ``path`` is where it was opened, and ``opened`` which file lay there.
    """

    patience = 0.0
    name = ""
    path: Path | None = None
    opened: os.stat_result | None = None


C = TypeVar("C", bound=Connection)
_connections: weakref.WeakSet[Connection] = weakref.WeakSet()


@dataclass
class Waits:
    """How long a read waits for a lock, and who hears of a wait: (what for, seconds at most).

    The command line sets both, once: a lock can be met wherever a database is looked at.
    """

    seconds: float = LOCK_SECONDS
    tell: Callable[[str, float], None] = lambda _what, _seconds: None


waits = Waits()


class _Patience:
    """One wait for a lock: over after ``seconds``; told, once, when it is no longer short."""

    def __init__(self, what: str, seconds: float) -> None:
        self.what, self.seconds, self.began, self.told = what, seconds, time.monotonic(), False

    def is_over(self) -> bool:
        """Whether to give up; otherwise some time has passed."""
        waited = time.monotonic() - self.began
        if waited >= self.seconds:
            return True
        if waited >= SILENT_SECONDS and not self.told:
            self.told = True
            waits.tell(self.what, self.seconds)
        time.sleep(LOCK_POLL_SECONDS)
        return False


def connect(
    path: Path | str,
    mode: Mode = "rw",
    *,
    immutable: bool = False,
    extensions: Sequence[str] = (),
    patience: float = 0.0,
) -> Connection:
    """A connection in autocommit mode, without a busy timeout, foreign keys off.

    Python would open transactions by itself; SQLite's own busy handler starves under a steady writer.
    Text that is not UTF-8 arrives as bytes. Raises HotmigError when the file can't be opened.
    """
    return connect_as(Connection, path, mode, immutable=immutable, extensions=extensions, patience=patience)


def connect_as(
    factory: type[C],
    path: Path | str,
    mode: Mode,
    *,
    immutable: bool = False,
    extensions: Sequence[str] = (),
    patience: float = 0.0,
) -> C:
    """The same, with a class of one's own."""
    uri = file_uri(path, f"mode={mode}" + ("&immutable=1" if immutable else ""))
    before = _at(Path(path))
    try:
        db = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None, check_same_thread=False, factory=factory)
    except sqlite3.Error as error:
        raise HotmigError(f"cannot open {path}: {error}", "check the path and who may read it") from error
    db.patience, db.path, db.opened, db.name = patience, Path(path), before, Path(path).name
    _connections.add(db)
    db.text_factory = _decode
    db.create_function("hotmig_signbit", 1, _signbit, deterministic=True)
    load_extensions(db, extensions)
    return db


def is_in_place(db: sqlite3.Connection) -> bool:
    """Whether its path still leads to the file that was opened: somebody may have moved another one there."""
    if not isinstance(db, Connection) or db.path is None or db.opened is None:
        return False
    now = _at(db.path)
    return now is not None and os.path.samestat(db.opened, now)


def is_open_database(path: str) -> bool:
    """Whether the path leads to the file of a database that was opened here."""
    found = _at(Path(path))
    return found is not None and any(db.opened and os.path.samestat(db.opened, found) for db in list(_connections))


def is_name_of_open_database(paths: Iterable[str]) -> bool:
    """Whether the file of a database that was opened here has the name of one of the paths, in whatever directory."""
    names = {os.path.basename(path) for path in paths}
    files = (each for db in list(_connections) if db.path for each in (db.path, os.path.realpath(db.path)))
    return any(os.path.basename(each) in names for each in files)


def _at(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def file_uri(path: Path | str, parameters: str) -> str:
    """A file as SQLite's URI; ? and # and bytes that are no UTF-8 are legal in names."""
    return f"file:{url_quote(os.fsencode(path))}?{parameters}"


def load_extensions(db: sqlite3.Connection, extensions: Sequence[str]) -> None:
    """Loads what brings the application's own functions and collations. Raises HotmigError for one that fails."""
    if extensions and not hasattr(db, "enable_load_extension"):
        raise HotmigError(
            "this Python was built without loading SQLite extensions",
            "run hotmig with a Python that can: Debian's python3, for one",
        )
    for extension in extensions:
        try:
            db.enable_load_extension(True)
            db.load_extension(extension)
            db.enable_load_extension(False)
        except sqlite3.Error as error:
            raise HotmigError(
                f"cannot load the extension {extension}: {error}",
                "give --load-extension the path of a SQLite extension that this Python's SQLite can load",
            ) from error


@contextmanager
def reading(
    path: Path | str, *, extensions: Sequence[str] = (), patience: float | None = None
) -> Iterator[sqlite3.Connection]:
    """A read-only connection that leaves nothing behind. ``patience`` in seconds, if it is not that of all waits.

    A read-only open of a WAL database without its ``-wal`` would create side files owned by us, and the
    application could be locked out; nobody is writing to such a file, so it is read immutable.
    """
    # In rollback-journal mode a commit excludes readers for a moment: wait for it.
    seconds = waits.seconds if patience is None else patience
    db = connect(path, "ro", immutable=is_closed_wal(path), extensions=extensions, patience=seconds)
    try:
        yield db
    finally:
        db.close()


def is_closed_wal(path: Path | str) -> bool:
    """Whether the file is in WAL mode with no connection on it."""
    # SQLite names side files after the link's target.
    if os.path.exists(os.path.realpath(path) + "-wal"):
        return False
    # Reading the header ourselves is out of the question: closing a file descriptor drops every POSIX lock that
    # this process holds on the file, and an application that imports hotmig could lose its own. SQLite's own close
    # takes care of that, and with nolock it refuses a WAL database before it makes any side file.
    uri = file_uri(path, "mode=ro&nolock=1")
    try:
        db = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None, check_same_thread=False)
    except sqlite3.Error:
        return False  # whoever opens it next says what is wrong
    try:
        value(db, "PRAGMA schema_version")
    except sqlite3.Error as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_CANTOPEN
    finally:
        db.close()
    return False


def execute(
    db: sqlite3.Connection, sql: str, parameters: Sequence[Any] = (), patience: float | None = None
) -> sqlite3.Cursor:
    """The one place where statements are executed.

    A statement that met a lock has done nothing, and is tried again while the connection has patience, or for
    ``patience`` seconds.
    """
    try:
        return _tried(db, sql, parameters)
    except sqlite3.OperationalError as error:
        if not is_locked(error) or not isinstance(db, Connection):
            raise
        wait = _Patience(f"a lock on {db.name}", db.patience if patience is None else patience)
        locked = error
    while not wait.is_over():
        try:
            return _tried(db, sql, parameters)
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                raise
            locked = error
    raise locked


def _tried(db: sqlite3.Connection, sql: str, parameters: Sequence[Any]) -> sqlite3.Cursor:
    """One try, past a journal that only looks hot.

    Between two commits of others, SQLite can find a journal, no lock, and then no journal or the next one: it takes
    that for what a dead writer left, which a read-only connection may not roll back (SQLITE_READONLY_ROLLBACK).
    """
    until = 0.0
    while True:
        try:
            return db.execute(sql, parameters)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise
            until = until or time.monotonic() + HOT_JOURNAL_SECONDS
            if time.monotonic() > until:
                raise
            time.sleep(LOCK_POLL_SECONDS)


def make_durable(db: sqlite3.Connection, schema: str = "main") -> None:
    """From here on a commit is on the disk when it returns.

    FULL is not enough in rollback-journal mode: there the journal's removal is the commit, and only EXTRA syncs the
    folder. After a power failure a retired database could come back to life beside one that is ready.
    """
    execute(db, f"PRAGMA {schema}.synchronous = EXTRA")


def value(db: sqlite3.Connection, sql: str, parameters: Sequence[Any] = ()) -> Any:
    """The first column of the first row, or None without a row."""
    row = execute(db, sql, parameters).fetchone()
    return None if row is None else row[0]


def copy_pages(source: sqlite3.Connection, target: sqlite3.Connection, look: Callable[[int], None]) -> None:
    """Makes the target's main database the source's, page by page: one state where the source is in a transaction.

    ``look`` is called between portions with SQLite's result code, and ends the copy by raising: without that, Python
    tries again for ever where somebody has a lock.
    """

    def progress(status: int, _remaining: int, _total: int) -> None:
        look(status)

    source.backup(target, pages=PAGES_AT_ONCE, progress=progress, sleep=BUSY_SECONDS)


def is_locked(error: sqlite3.Error) -> bool:
    """Whether an error means that somebody else holds a lock, so that trying again can help."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_BUSY_SNAPSHOT:
        return False  # only a new transaction can help
    return code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _is_over(deadline: float) -> bool:
    return time.monotonic() > deadline


class TookTooLong(Exception):
    """A question was interrupted."""


@contextmanager
def at_most(db: sqlite3.Connection, seconds: float | None) -> Iterator[None]:
    """Interrupts what takes longer: in rollback-journal mode a reader holds up the writers. Raises TookTooLong.

    SQLite tells an exception in its handler, such as that of a signal which arrived there, as an interrupt too.
    """
    if seconds is None:
        yield
        return
    deadline = time.monotonic() + seconds
    late: list[bool] = []

    def look() -> bool:
        if _is_over(deadline):
            late.append(True)
        return bool(late)

    db.set_progress_handler(look, STEPS_BETWEEN_LOOKS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT or not late:
            raise
        raise TookTooLong(str(error)) from error
    finally:
        db.set_progress_handler(None, 0)


def begin_immediate(db: sqlite3.Connection, seconds: float, what: str) -> None:
    """Takes the write lock by short polling. Raises GaveUp after ``seconds``, naming ``what`` was waited for."""
    persist(db, "BEGIN IMMEDIATE", seconds, what)


def persist(db: sqlite3.Connection, sql: str, seconds: float, what: str) -> None:
    """Executes a statement until no lock is in its way. Raises GaveUp after ``seconds``.

    Polled every half millisecond: SQLite's busy timeout backs off to 100 ms and starves for seconds under a
    steady writer.
    """
    wait = _Patience(what, seconds)
    while True:
        try:
            execute(db, sql, patience=0.0)
            return
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                raise
            if wait.is_over():
                raise GaveUp(
                    f"gave up after {round(seconds, 2):g} s waiting for {what}: {error}",
                    "nothing is lost; run the same command again when the other reader or writer has finished",
                ) from error


@contextmanager
def transaction(
    db: sqlite3.Connection,
    seconds: float,
    what: str,
    begin: str = "BEGIN IMMEDIATE",
    commit_seconds: float | None = None,
) -> Iterator[None]:
    """One BEGIN IMMEDIATE … COMMIT; any exception rolls back. The COMMIT waits for ``commit_seconds`` at most."""
    persist(db, begin, seconds, what)
    try:
        yield
        # In rollback-journal mode a reader can hold up the commit, and with it every writer and every new reader.
        persist(db, "COMMIT", seconds if commit_seconds is None else min(seconds, commit_seconds), what)
    except BaseException:
        if db.in_transaction:
            execute(db, "ROLLBACK")
        raise
