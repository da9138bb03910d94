"""``cleanup-old``: takes hotmig's tables out of a retired database, and leaves it fenced, or deletes it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from hotmig import project
from hotmig.capture.fence import fence_state, open_tables
from hotmig.capture.marker import Marker, has_triggers, read_marker, retired_in, retired_successor
from hotmig.capture.recording import leave_retired, leave_retired_sql
from hotmig.errors import HotmigError, Refused
from hotmig.ledger.run import UNRECORDED, Run
from hotmig.ledger.store import Intent
from hotmig.phases.cutover import drop_bookkeeping
from hotmig.phases.locate import Location
from hotmig.phases.migration import cut_in_two, new_writer, old_writer
from hotmig.phases.standing import elsewhere
from hotmig.sqlite import LOCK_SECONDS, reading
from hotmig.transfer.build import sync_directory
from hotmig.transfer.identity import read_identity, read_status
from hotmig.units import counted


@dataclass(frozen=True)
class CleanupResult:
    """What was dropped and deleted, or would be; ``previous`` is the marker's status before."""

    skipped: str | None
    old: Path | None
    previous: str | None = None
    successor: str | None = None
    statements: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    deleted: tuple[Path, ...] = ()
    dry_run: bool = False


def cleanup_old(
    location: Location,
    *,
    dry_run: bool = False,
    delete: bool = False,
    unfence: bool = False,
    seconds: float = LOCK_SECONDS,
    run: Run = UNRECORDED,
) -> CleanupResult:
    """Cleans the database that the live one replaced. Raises Refused while a migration records or drains."""
    _refuse_under_way(location)
    if location.old is not None and not dry_run:
        with new_writer(location.old, seconds) as live:
            drop_bookkeeping(live, seconds, run)  # which a cutover that was stopped at its very end has left
    old = _predecessor(location)
    if old is None:
        return CleanupResult(_none_left(location), None)
    left = _left_in(old, unfence=unfence)
    _require_here(location, old, left)
    if not unfence:
        _require_closed(old, left, delete)
    files = _files_of(old) if delete else ()
    if not left.statements and not files:
        opened = "" if left.successor else ", and accepts writes"
        return CleanupResult(f"the retired database is cleaned already{opened}", old)
    if delete or not unfence:
        _require_ready(location, left.successor)
    marker, successor, statements = left.marker, left.successor, left.statements
    result = CleanupResult(None, old, marker.status if marker else None, successor, statements, (), files, dry_run)
    if dry_run:
        return result
    run.concerns(marker.plan_hash if marker else None, old.name, successor)
    return _clean(result, old, successor, unfence=unfence, seconds=seconds, run=run)


@dataclass(frozen=True)
class _Left:
    """What an archive holds of hotmig, and what has to be executed; nothing where only files are left to be deleted."""

    marker: Marker | None = None
    successor: str | None = None
    migrated_in: str | None = None  # the directory
    statements: tuple[str, ...] = ()
    triggers: bool = False
    unfenced: tuple[str, ...] = ()  # the tables that writes get into


def _left_in(old: Path, *, unfence: bool) -> _Left:
    if not old.exists():
        return _Left()
    with reading(old) as db:
        marker, successor = read_marker(db), retired_successor(db)
        statements = leave_retired_sql(db, successor, unfence=unfence)
        return _Left(marker, successor, retired_in(db), statements, has_triggers(db), open_tables(db))


def _require_here(location: Location, old: Path, left: _Left) -> None:
    """Raises Refused where what replaced the database is in another directory that has the same file.

    From here it looks as if the new database were lost; opened, the old one would be a second one in service.
    """
    there = elsewhere(left.migrated_in, old, location.directory)
    successor = left.marker.target if left.marker is not None else left.successor
    if there is not None and successor is not None and (there / successor).exists():
        raise Refused(f"{old.name} was replaced by {there / successor}", f"clean up there: -d {there}")


def _require_closed(old: Path, left: _Left, delete: bool) -> None:
    """Raises Refused where nothing keeps an application out of the archive: what it wrote there is in no other file."""
    if left.successor is None and left.marker is not None:
        what = "is being recorded for a migration: it was put back from a backup"
    elif left.successor is None and left.triggers:
        what = "has triggers of hotmig without their marker: somebody changed it"
    elif left.successor is None and delete and old.exists():
        what = "accepts writes: it was put back from a backup, or `cleanup-old --unfence` opened it"
    elif left.successor is not None and left.unfenced:
        what = f"lost its fence: it accepts writes into {left.unfenced[0]}"
        what += f" and {counted(len(left.unfenced) - 1, 'table')} more" if len(left.unfenced) > 1 else ""
    else:
        return
    raise Refused(
        f"{old} was replaced, but {what}",
        "what was written to it since is in no other file: look first; `hotmig cleanup-old --unfence` takes out what is"
        " left of hotmig, `hotmig cleanup-old --delete --unfence` deletes it all the same",
    )


def _clean(
    result: CleanupResult, old: Path, successor: str | None, *, unfence: bool, seconds: float, run: Run
) -> CleanupResult:
    dropped: tuple[str, ...] = ()
    if result.statements:
        steps = [Intent(_action(statement), old.name, statement) for statement in result.statements]
        with old_writer(old, seconds) as db, run.steps(*steps) as reached:
            dropped = leave_retired(db, successor, seconds, unfence=unfence).dropped
            for step in steps:  # all of them in one transaction
                reached(step)
    for path in result.deleted:
        with run.step("delete", path.name):
            path.unlink(missing_ok=True)
    for folder in {path.parent for path in result.deleted}:
        sync_directory(folder)
    return CleanupResult(
        None, old, result.previous, successor, result.statements, dropped, result.deleted, dry_run=False
    )


def _action(statement: str) -> str:
    return "drop" if statement.startswith("DROP") else "leave a fence that stands by itself"


def _refuse_under_way(location: Location) -> None:
    marker: Marker | None = location.marker
    if marker is not None and marker.status != "retired":
        raise Refused(
            f"a migration to {marker.target} is under way ({_state(location, marker)})",
            "`hotmig status` says what is next to finish it; `hotmig reset` undoes it",
        )
    if marker is not None:
        raise cut_in_two()


def _state(location: Location, marker: Marker) -> str:
    """How far the migration is, by what its files said when they were looked at."""
    if marker.status == "recording":
        return "recording"
    if not fence_state(marker, time.time()).is_up:
        return "lapsed"
    new = next((file for file in location.files if file.path.name == marker.target), None)
    return "drained" if new and new.progress and new.progress.drain_completed else "draining"


def _predecessor(location: Location) -> Path | None:
    """The retired database that the live one names as its parent; without a live one, the only one there is."""
    if location.old is None:
        return location.retired[0] if len(location.retired) == 1 else None
    with reading(location.old) as db:
        identity = read_identity(db)
    if identity is None or identity.parent is None:
        return None
    path = location.directory / identity.parent
    return path if _files_of(path) else None


def _none_left(location: Location) -> str:
    """What a migration before the last one replaced was not cleaned in its time, and this command leaves it alone.

    Raises HotmigError where no database is live: one of the archives may be all there is.
    """
    if not location.retired:
        return "no retired database is left here"
    names = ", ".join(path.name for path in location.retired)
    if location.old is None:
        raise HotmigError(f"there is no live database, only what was replaced: {names}", "`hotmig status` tells more")
    return f"what the live database replaced is not here; still here, and left alone: {names}"


def _files_of(old: Path) -> tuple[Path, ...]:
    """The database with its side files; of an adopted one, the application's file, and then the link to it.

    The database goes before its log, which may hold its retirement, and the link last: it leads to what is left.
    """
    real = Path(os.path.realpath(old))
    paths = (real, *project.side_files(real), *((old,) if old.is_symlink() else ()))
    return tuple(path for path in paths if os.path.lexists(path))


def _require_ready(location: Location, successor: str | None) -> None:
    if location.old is None:
        raise HotmigError("there is no live database", "`hotmig status` says what is there")
    with reading(location.old) as db:
        if read_status(db) != "ready":
            raise Refused(f"{successor or location.old.name} is not ready", "`hotmig status` says what is next")
