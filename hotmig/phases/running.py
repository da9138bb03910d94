"""What every command that changes something does first: may it, is it alone, and where is it written down."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hotmig import __version__
from hotmig.errors import HotmigError
from hotmig.ledger.model import RunRecord
from hotmig.ledger.run import Run, new_run_id, now
from hotmig.ledger.store import open_ledger
from hotmig.lock import one_operator
from hotmig.phases.read_only import require_writable
from hotmig.private import make_private_folder
from hotmig.process import this_process
from hotmig.project import own_folder
from hotmig.sqlite import LOCK_SECONDS, printable


@contextmanager
def running(
    directory: Path,
    command: str,
    arguments: Sequence[str] = (),
    *,
    ledger: bool = True,
    run_id: str | None = None,
    seconds: float = LOCK_SECONDS,
    database: Path | None = None,
) -> Iterator[Run]:
    """Holds the directory's lock and keeps the ledger while a command works.

    Where root makes lock and ledger, they are for the owner of ``database``, or else of the directory.

    Raises Refused where the directory is marked read-only or the run id is taken, GaveUp where another command is at
    work, HotmigError where the ledger can't be written: before the first effect.
    """
    require_writable(directory)
    folder = _made(own_folder(directory), database or directory)
    began = now()
    with one_operator(folder, command, began, unnamed=not ledger):
        if not ledger:
            yield Run()
            return
        with open_ledger(folder, seconds) as opened:
            run = Run(run_id or new_run_id(command), opened)
            opened.add_run(_record(run.run_id, command, arguments, began))
            try:
                yield run
            except BaseException as error:
                run.finish(error)
                raise
            run.finish()


def require_owner(old: Path | None) -> None:
    """Raises HotmigError for a user who is neither root nor the owner of the database.

    The lock and ledger that he made would keep the owner out.
    """
    user = os.geteuid()
    if old is None or user in (0, old.stat().st_uid):
        return
    raise HotmigError(
        f"{old} belongs to user {old.stat().st_uid}, and this is user {user}",
        "nothing was changed; run hotmig as the owner of the databases or as root",
    )


def _record(run_id: str, command: str, arguments: Sequence[str], began: str) -> RunRecord:
    told = printable(shlex.join(arguments))
    return RunRecord(run_id, command, told, None, None, None, __version__, "running", began, None, None, this_process())


def _made(folder: Path, like: Path) -> Path:
    try:
        make_private_folder(folder, like)
    except OSError as error:
        raise HotmigError(
            f"the folder of lock and ledger, {folder}, can't be made: {error.strerror or error}",
            "nothing was changed; run hotmig as the owner of the databases or as root, in a directory it may write to"
            " and that has room",
        ) from error
    return folder
