"""Running data migrations: the functions of the schema module, each with its mark, in a transaction of the caller's."""

from __future__ import annotations

import inspect
import os
import sqlite3
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from hotmig.catalog.fingerprint import differences
from hotmig.catalog.model import Catalog
from hotmig.catalog.read import read_catalog
from hotmig.errors import DataMigrationExit, DataMigrationFailed, DataMigrationTooLong, Stopped
from hotmig.schema.model import DataMigration, Schema
from hotmig.schema.modules import importing_beside
from hotmig.sqlite import Row, execute, fold, quote, reading, value
from hotmig.transfer.marks import MARKS, stamp_applied, utc_now
from hotmig.transfer.open_files import no_database_is_opened
from hotmig.transfer.supervised import NotAllowedError, Supervised, Supervision, supervised

_OURS = str(Path(__file__).resolve().parents[1])
MEND = (
    "it was rolled back; mend the function and run the command again, or `hotmig data skip {name} --reason …`;"
    " `hotmig data status` says where its traceback is"
)
LONGER = "nothing is lost; give `hotmig cutover` or `hotmig drain --cutover` a longer --max-pause, at a quiet time"


def run(
    db: Supervised,
    schema: Schema,
    pending: Sequence[DataMigration],
    deadline: float | None,
    tolerated: Set[Row] | None = None,
) -> None:
    """Runs them in their order, inside the caller's transaction, with foreign keys on.

    ``tolerated`` are the orphans that may be there; without, those that everybody else sees in the file.
    Raises DataMigrationFailed, or DataMigrationTooLong behind ``deadline`` (of ``time.monotonic``): the caller rolls
    back. KeyboardInterrupt and SystemExit go on up. Nothing that would keep the caller from committing is left behind.
    """
    deferrable = _deferrable(schema.catalog)
    for each in pending[:1]:
        _require_no_orphans(db, each, deferrable, "was broken before it")
    for each in pending:
        # Before the function, and read again behind it: a transaction that was rolled back under way has no mark.
        stamp_applied(db, each.name, utc_now())
        version = value(db, "PRAGMA main.schema_version")
        watched = _call(db, schema, each, deadline)
        if db.in_transaction:
            _drop_temporary(db)
        _require_whole(db, each)
        _require_same_schema(db, schema, each, version)
        if watched.deferred:
            # With it goes SQLite's own count of what is broken, which would be held against our COMMIT.
            execute(db, "PRAGMA defer_foreign_keys = OFF")
            _require_no_new_orphans(db, each, tolerated)
        _require_no_orphans(db, each, deferrable, "was broken by it")
        execute(db, f"UPDATE {MARKS} SET applied_utc = ? WHERE name = ?", (utc_now(), each.name))


@contextmanager
def foreign_keys(db: sqlite3.Connection, wanted: bool) -> Iterator[None]:
    """Foreign keys are enforced inside, where that is wanted. Before a transaction: in one the pragma does nothing."""
    if not wanted:
        yield
        return
    execute(db, "PRAGMA foreign_keys = ON")
    try:
        yield
    finally:
        execute(db, "PRAGMA foreign_keys = OFF")


def _call(db: Supervised, schema: Schema, each: DataMigration, deadline: float | None) -> Supervision:
    try:
        # What a function prints must not stand in the output of --json.
        with importing_beside(schema.file), redirect_stdout(sys.stderr), supervised(db, deadline) as watched:
            try:
                with no_database_is_opened():
                    _alone(each, db)
            finally:
                if watched.stopped is not None:
                    # The function may have taken it for an error of SQLite's.
                    raise watched.stopped
    except (KeyboardInterrupt, Stopped):
        raise
    except SystemExit as error:
        raise _exit(each, error) from error
    except BaseException as error:
        raise (_too_long(each) if _is_late(deadline) else _failed(each, error)) from error
    if _is_late(deadline):
        raise _too_long(each)
    return watched


def _alone(each: DataMigration, db: Supervised) -> None:
    """Calls the function; a child that it forked ends here, as two processes must not go on with one connection."""
    process, failed = os.getpid(), True
    try:
        returned = each.function(db)
        if inspect.isawaitable(returned) or inspect.isgenerator(returned):
            raise NotAllowedError(
                f"it returned a {type(returned).__name__}, and has done nothing: write a plain function"
            )
        failed = False
    finally:
        if os.getpid() != process:
            # At once: on the way out connections would be closed, and the parent's locks with them.
            os._exit(int(failed))


def _is_late(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() > deadline


def _too_long(each: DataMigration) -> DataMigrationTooLong:
    told = DataMigrationTooLong(f"data migration {each.name} did not come to its end within --max-pause", LONGER)
    told.step = each.name
    return told


def _failed(each: DataMigration, error: BaseException) -> DataMigrationFailed:
    """The message of an exception of the users' may hold their data: only the operator who is there is told it."""
    kind, ours = type(error).__name__, isinstance(error, NotAllowedError)
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorname", None):
        kind += f" ({error.sqlite_errorname})"
    text = _text(error)
    told = _error(each, text if ours else kind, "" if ours or not text else f": {text}")
    told.trace = _trace(error)
    return told


def _exit(each: DataMigration, error: SystemExit) -> DataMigrationExit:
    """Nothing was handed over, so no deploy script may take it for done: whatever a shell takes for 0 is 1."""
    code = error.code if isinstance(error.code, int) else 1
    shown, text = (_text(error.code), "") if isinstance(error.code, int) else ("", _text(error.code or ""))
    what = f"data migration {each.name} called sys.exit({shown})"
    told = DataMigrationFailed(what, MEND.format(name=each.name), rows=f": {text}" if text else "")
    told.step, told.trace = each.name, _trace(error)
    return DataMigrationExit(told, code if code & 0xFF else 1)


def _text(told: object) -> str:
    """What it says of itself: the code for that is the users', and may fail."""
    try:
        return str(told)
    except Exception:
        return ""


def _error(each: DataMigration, what: str, rows: str = "") -> DataMigrationFailed:
    told = DataMigrationFailed(f"data migration {each.name} failed: {what}", MEND.format(name=each.name), rows=rows)
    told.step = each.name
    return told


def _trace(error: BaseException) -> str:
    """Where it happened: files, lines and functions. No message and no line of source: either can hold values."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_OURS)]
    lines = [f'File "{frame.filename}", line {frame.lineno}, in {frame.name}' for frame in frames]
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        lines = [_trace(before), "then:", *lines]
    return "\n".join([*lines, type(error).__name__])


def _drop_temporary(db: Supervised) -> None:
    """What it made for itself alone would stand before the tables of the schema for whoever comes next, us included."""
    made = "SELECT type, name FROM temp.sqlite_schema WHERE type IN ('trigger', 'view', 'table') ORDER BY type DESC"
    for kind, name in execute(db, made).fetchall():
        if not name.startswith("sqlite_"):
            execute(db, f"DROP {kind.upper()} IF EXISTS temp.{quote(name)}")


def _require_whole(db: Supervised, each: DataMigration) -> None:
    """Raises where the transaction is no more what it was, or where a statement is left in the middle of its work."""
    if not db.in_transaction or value(db, f"SELECT count(*) FROM {MARKS} WHERE name = ?", (each.name,)) != 1:
        raise _error(each, "the transaction was rolled back in it, and what it did is lost")
    try:
        # SQLite refuses this, as it would refuse our COMMIT, while a statement is still writing.
        execute(db, "SAVEPOINT hotmig_whole", patience=0.0)
        execute(db, "RELEASE hotmig_whole", patience=0.0)
    except sqlite3.OperationalError as error:
        raise _error(each, "a statement of it is still being executed") from error


def _require_same_schema(db: Supervised, schema: Schema, each: DataMigration, version: int) -> None:
    if value(db, "PRAGMA main.schema_version") == version:
        return
    lines = differences(schema.catalog, read_catalog(db))
    if lines:
        raise _error(each, f"it changed the schema: {'; '.join(lines)}")


# --- foreign keys: SQLite enforces them statement by statement, but for those that are put off to the COMMIT


def _deferrable(catalog: Catalog) -> dict[str, frozenset[str]]:
    """The tables with foreign keys that SQLite checks only when it commits, and the parents of these."""
    found = {}
    for table in catalog.tables:
        parents = frozenset(fold(key.parent) for key in table.foreign_keys if key.deferred)
        if parents:
            found[table.name] = parents
    return found


def _require_no_orphans(db: Supervised, each: DataMigration, keys: Mapping[str, Set[str]], what: str) -> None:
    """Under these keys no orphan may be there before either: SQLite counts what is broken, and can take one for new.

    Our COMMIT would fail then, and it comes behind the point of no return.
    """
    for table, parents in keys.items():
        for _, _, parent, _ in execute(db, f"PRAGMA main.foreign_key_check({quote(table)})"):
            if fold(parent) in parents:
                raise _error(each, f'a DEFERRABLE foreign key of "{table}" to "{parent}" {what}: rows refer to none')


def _require_no_new_orphans(db: Supervised, each: DataMigration, tolerated: Set[Row] | None) -> None:
    after = orphans(db)
    if not after:
        return
    before = _committed_orphans(db) if tolerated is None else tolerated
    new = [row for row in after if before is None or row not in before]
    if new:
        raise _error(each, f'it left rows of "{new[0][0]}" that refer to no row of "{new[0][2]}"')


def orphans(db: sqlite3.Connection) -> set[Row]:
    """The rows that refer to none, as SQLite names them."""
    return set(execute(db, "PRAGMA main.foreign_key_check", patience=0.0))


def _committed_orphans(db: Supervised) -> Set[Row] | None:
    """Those that the old schema tolerated: as anybody else sees the file now. None where it can't be read."""
    file = value(db, "SELECT file FROM pragma_database_list WHERE name = 'main'")
    try:
        with reading(Path(file)) as other:
            return orphans(other)
    except sqlite3.OperationalError:
        return None  # a rollback journal, and more was written than fits into memory
