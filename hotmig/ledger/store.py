"""The ledger's file: every row is committed by itself, and nothing of the users' data is in it."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hotmig.errors import GaveUp, HotmigError, Refused
from hotmig.ledger.model import STATES, RunRecord, State, Step, StepStatus, Undo
from hotmig.private import open_private
from hotmig.process import Process
from hotmig.sqlite import LOCK_SECONDS, Row, connect, execute, persist, reading, text, transaction, value

LEDGER_FILE = "ledger.sqlite"
VERSION = 1
INSTEAD = (
    "make room for the ledger, mend it or move it away; in an emergency whatever works on databases can be run with"
    " --no-ledger"
)
OWNER = "see who owns it, and run hotmig as the owner of the databases or as root"

_CREATE = (
    "CREATE TABLE schema_version(version INTEGER NOT NULL)",
    f"""CREATE TABLE run(run_id TEXT PRIMARY KEY NOT NULL, command TEXT NOT NULL, arguments TEXT NOT NULL,
        plan_hash TEXT, old_file TEXT, new_file TEXT, hotmig_version TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ({", ".join(map(text, STATES))})),
        started_utc TEXT NOT NULL, finished_utc TEXT, error TEXT,
        host TEXT NOT NULL, pid INTEGER NOT NULL, process_started TEXT NOT NULL)""",
    """CREATE TABLE step(step_id INTEGER PRIMARY KEY, run_id TEXT NOT NULL REFERENCES run(run_id),
        seq INTEGER NOT NULL, intent_utc TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL, detail TEXT,
        outcome_utc TEXT, status TEXT, error TEXT, undo TEXT, UNIQUE (run_id, seq))""",
    f"INSERT INTO schema_version VALUES ({VERSION})",
)
_RUN = """run_id, command, arguments, plan_hash, old_file, new_file, hotmig_version, state, started_utc, finished_utc,
    error, host, pid, process_started"""
_STEP = "step_id, run_id, seq, intent_utc, action, object, detail, outcome_utc, status, error, undo"


@dataclass(frozen=True)
class Intent:
    """A side effect that is about to happen; ``undo`` names what can take it back."""

    action: str
    object: str
    detail: str | None = None
    undo: Undo | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of one step, and when."""

    step_id: int
    utc: str
    status: StepStatus
    error: str | None = None


@dataclass(frozen=True)
class Ledger:
    """An open ledger. ``seconds`` is how long it waits for somebody else's lock on it.

    What changes it raises HotmigError where the file does not take it: a full disk, a lock, a damaged page.
    """

    path: Path
    db: sqlite3.Connection
    seconds: float = LOCK_SECONDS

    def add_run(self, run: RunRecord) -> None:
        """Raises Refused for a run id that is taken."""
        with self._writing():
            if value(self.db, "SELECT 1 FROM run WHERE run_id = ?", (run.run_id,)):
                raise Refused(f"the ledger has a run {run.run_id} already", "`hotmig runs list` shows it")
            execute(
                self.db,
                f"INSERT INTO run({_RUN}) VALUES ({', '.join('?' * 14)})",
                (run.run_id, run.command, run.arguments, run.plan_hash, run.old_file, run.new_file,
                 run.hotmig_version, run.stamp, run.started_utc, run.finished_utc, run.error,
                 run.process.host, run.process.pid, run.process.started),
            )  # fmt: skip

    def concerns(self, run_id: str, plan_hash: str | None, old_file: str | None, new_file: str | None) -> None:
        """Says what the run is about, once that is known."""
        sql = "UPDATE run SET plan_hash = ?, old_file = ?, new_file = ? WHERE run_id = ?"
        with self._writing():
            execute(self.db, sql, (plan_hash, old_file, new_file, run_id))

    def stamp(self, run_id: str, state: State, utc: str, error: str | None = None) -> None:
        """The stamp stands: one that is there is not replaced, but by what ``reset`` and a rollback make of it."""
        sql = "UPDATE run SET state = ?, finished_utc = coalesce(finished_utc, ?), error = coalesce(error, ?)"
        again = state in ("rolled_back", "abandoned")
        with self._writing():
            execute(self.db, f"{sql} WHERE run_id = ? AND (state = 'running' OR ?)", (state, utc, error, run_id, again))

    def add_steps(
        self, run_id: str, utc: str, intents: Sequence[Intent], seconds: float | None = None
    ) -> tuple[int, ...]:
        """Commits intents, all at once; returns their step ids. ``seconds`` is how long to wait for a lock here."""
        with self._writing(seconds):
            seq = value(self.db, "SELECT coalesce(max(seq), 0) FROM step WHERE run_id = ?", (run_id,))
            sql = "INSERT INTO step(run_id, seq, intent_utc, action, object, detail, undo) VALUES (?, ?, ?, ?, ?, ?, ?)"
            ids = []
            for number, intent in enumerate(intents, seq + 1):
                row = (run_id, number, utc, intent.action, intent.object, intent.detail, intent.undo)
                ids.append(execute(self.db, sql, row).lastrowid or 0)
        return tuple(ids)

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Commits outcomes, all at once."""
        with self._writing():
            for outcome in outcomes:
                execute(
                    self.db,
                    "UPDATE step SET outcome_utc = ?, status = ?, error = ? WHERE step_id = ?",
                    (outcome.utc, outcome.status, outcome.error, outcome.step_id),
                )

    def runs(self, most: int = -1) -> tuple[RunRecord, ...]:
        """The runs, the newest first; all of them, or ``most``. Raises HotmigError where they can't be read."""
        rows = self._read(f"SELECT {_RUN} FROM run ORDER BY rowid DESC LIMIT ?", (most,))
        return tuple(RunRecord(*(*row[:11], Process(*row[11:]))) for row in rows)

    def steps(self, run_id: str) -> tuple[Step, ...]:
        """The steps of one run, in their order. Raises HotmigError where they can't be read."""
        rows = self._read(f"SELECT {_STEP} FROM step WHERE run_id = ? ORDER BY seq", (run_id,))
        return tuple(Step(*row) for row in rows)

    def steps_of(self, actions: Sequence[str]) -> tuple[Step, ...]:
        """The steps of all runs with these actions, the newest first. Raises HotmigError where they can't be read."""
        marks = ", ".join("?" * len(actions))
        rows = self._read(f"SELECT {_STEP} FROM step WHERE action IN ({marks}) ORDER BY step_id DESC", actions)
        return tuple(Step(*row) for row in rows)

    def _read(self, sql: str, parameters: Sequence[object]) -> list[Row]:
        try:
            return execute(self.db, sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise HotmigError(f"the ledger {self.path} can't be read: {error}", INSTEAD) from error

    def prune(self, run_ids: Sequence[str]) -> None:
        """Deletes runs with their steps."""
        with self._writing():
            for run_id in run_ids:
                execute(self.db, "DELETE FROM step WHERE run_id = ?", (run_id,))
                execute(self.db, "DELETE FROM run WHERE run_id = ?", (run_id,))

    @contextmanager
    def _writing(self, seconds: float | None = None) -> Iterator[None]:
        try:
            with transaction(self.db, self.seconds if seconds is None else seconds, "the ledger"):
                yield
        except sqlite3.Error as error:
            raise HotmigError(f"the ledger {self.path} can't be written: {error}", INSTEAD) from error
        except GaveUp as error:
            raise GaveUp(error.message, INSTEAD) from error


@contextmanager
def open_ledger(folder: Path, seconds: float) -> Iterator[Ledger]:
    """Opens the ledger in ``folder``, and makes one that is missing. Raises HotmigError where it can't be written."""
    path = folder / LEDGER_FILE
    try:
        _create_empty(path)
        db = _connected(path, seconds)
        try:
            if not _is_empty(db):
                _require_version(path, db)  # before anything of another database is changed
            persist(db, "PRAGMA journal_mode = WAL", seconds, "the ledger")
            execute(db, "PRAGMA synchronous = NORMAL")
            execute(db, "PRAGMA foreign_keys = ON")
            _require_schema(path, db, seconds)
        except BaseException:
            db.close()
            raise
    except GaveUp as error:
        raise GaveUp(error.message, INSTEAD) from error
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from error
    try:
        yield Ledger(path, db, seconds)
    finally:
        db.close()


@contextmanager
def reading_ledger(folder: Path, patience: float | None = None) -> Iterator[Ledger | None]:
    """Opens the ledger to be read, and leaves nothing behind; None where there is none. ``patience`` as ``reading``."""
    path = folder / LEDGER_FILE
    if not _is_there(path):
        yield None
        return
    try:
        with reading(path, patience=patience) as db:
            if _is_empty(db):
                yield None
                return
            _require_version(path, db)
            yield Ledger(path, db)
    except sqlite3.Error as error:
        raise _unusable(path, error) from error


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError as error:
        raise HotmigError(f"the ledger {path} can't be used: {error.strerror}", OWNER) from error


def _connected(path: Path, seconds: float) -> sqlite3.Connection:
    # SQLite would open it for reading only, and say so at the first write.
    if not all(os.access(each, os.W_OK) for each in (path, path.parent)):
        raise HotmigError(f"the ledger {path} can't be used: this user may not write to it", OWNER)
    try:
        return connect(path, "rw", patience=seconds)
    except HotmigError as error:
        raise _unusable(path, error) from error


def _create_empty(path: Path) -> None:
    # With its mode from the first moment; SQLite gives its side files the same.
    try:
        os.close(open_private(path, must_be_new=True))
    except FileExistsError:
        if path.is_symlink():
            raise OSError(errno.ELOOP, "it is a link") from None  # SQLite would follow it
        return


def _is_empty(db: sqlite3.Connection) -> bool:
    return bool(value(db, "SELECT count(*) FROM sqlite_schema") == 0)


def _require_schema(path: Path, db: sqlite3.Connection, seconds: float) -> None:
    if _is_empty(db):
        with transaction(db, seconds, "the ledger"):
            if _is_empty(db):
                for sql in _CREATE:
                    execute(db, sql)
    _require_version(path, db)


def _require_version(path: Path, db: sqlite3.Connection) -> None:
    version = value(db, "SELECT version FROM schema_version")
    if version != VERSION:
        raise HotmigError(f"the ledger {path} is of version {version}, this hotmig writes {VERSION}", INSTEAD)


def _unusable(path: Path, error: Exception) -> HotmigError:
    return HotmigError(f"the ledger {path} can't be used: {error}", f"nothing was changed; {INSTEAD}")
