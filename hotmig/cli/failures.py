"""Every error, told in one line with a hint, and its exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sqlite3
import sys
from collections.abc import Mapping
from typing import Any

import click

from hotmig.cli import signals
from hotmig.errors import DataMigrationExit, FenceLeftUp, GaveUp, HotmigError, UsageError
from hotmig.sqlite import is_locked

# What the context knows, whatever the command: --debug, --json, the run's id, whether an object was printed already.
DEBUG, JSON, RUN_ID, PRINTED = "debug", "json", "run_id", "printed"
FORMAT = 1  # of every JSON object that we print
SIGNALLED = 128  # a shell's exit code for a process that a signal ended, plus its number
WHERE = "`hotmig status` says where things stand"


def explain(error: BaseException, settings: Mapping[str, Any]) -> int:
    """Tells on stderr what went wrong and what to do next, as JSON on stdout too; returns the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, SystemExit) and not isinstance(error, DataMigrationExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, BrokenPipeError):
        return _closed_pipe()
    if settings.get(DEBUG):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    told = _told(error)
    _tell(told)
    code = told.exit_code if (number := _signal(error)) is None else SIGNALLED + number
    if settings.get(JSON) and not settings.get(PRINTED):
        _print_object(told, code, settings.get(RUN_ID))
    return code


def _told(error: BaseException) -> HotmigError:
    """The error in our own terms."""
    if isinstance(error, FenceLeftUp):
        first = _told(error.failure)
        hint = f"the application's writes may still be refused; {WHERE}"
        return type(first)(f"{first.message}; and then {error.message}", hint)
    if _signal(error) is not None:
        return HotmigError("interrupted", f"nothing is lost; {WHERE}")
    if isinstance(error, HotmigError):
        return error
    if isinstance(error, DataMigrationExit):
        return error.failure
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "hotmig"
        return UsageError(error.format_message(), f"`{path} --help` lists what it takes")
    if isinstance(error, click.ClickException):
        return HotmigError(error.format_message())
    if isinstance(error, sqlite3.Error):
        kind = GaveUp if is_locked(error) else HotmigError
        return kind(f"SQLite says: {error}", _way_on(error))
    if isinstance(error, OSError):
        where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
        return HotmigError(f"{error.strerror or error}{where}", _way_on(error))
    return HotmigError(
        f"unexpected {type(error).__name__}: {error}", "this is a mistake in hotmig; --debug shows the traceback"
    )


def _way_on(error: sqlite3.Error | OSError) -> str:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return (
            "`PRAGMA integrity_check` says which file is damaged: an old one is mended from a backup, a new one is"
            f" built again by `hotmig reset` and `hotmig migrate`; {WHERE}"
        )
    # The second: a -shm could not grow, which no other thing prevents.
    full = getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
    if full or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
        return f"make room on that disk, then run the same command again; {WHERE}"
    return f"{WHERE}; --debug shows the traceback"


def _signal(error: BaseException) -> int | None:
    """The signal that stopped us. SQLite callbacks swallow its exception: the error may look like another one."""
    if signals.received() is not None:
        return signals.received()
    return signal.SIGINT if isinstance(error, KeyboardInterrupt | click.Abort) else None


def _tell(error: HotmigError) -> None:
    click.echo(f"Error: {_one_line(error.message)}", err=True)
    if error.hint:
        click.echo(f"Hint: {_one_line(error.hint)}", err=True)


def _print_object(error: HotmigError, code: int, run_id: str | None) -> None:
    """Whoever reads our JSON gets an object in any case."""
    import json

    facts = {"error": _one_line(error.message), "hint": error.hint and _one_line(error.hint), "exit_code": code}
    with contextlib.suppress(OSError):  # stdout may be what failed
        click.echo(json.dumps({"format": FORMAT, **facts, "run_id": run_id}, indent=2))


def _one_line(message: str) -> str:
    return " ".join(message.splitlines())


def _closed_pipe() -> int:
    """Nobody reads our output any more: as quiet as any filter, and nothing to flush at exit."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return SIGNALLED + signal.SIGPIPE
