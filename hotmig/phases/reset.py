"""``reset``: gives a migration up, and leaves the old database as if it had never begun."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from hotmig import project
from hotmig.capture.marker import read_marker
from hotmig.capture.recording import stop_recording, stop_recording_sql
from hotmig.errors import Refused
from hotmig.ledger.actions import STOP_RECORDING
from hotmig.ledger.run import UNRECORDED, Run
from hotmig.ledger.store import Intent
from hotmig.phases.locate import Location
from hotmig.phases.migration import cut_in_two, old_writer, require_here
from hotmig.sqlite import LOCK_SECONDS, reading
from hotmig.transfer.build import is_begun, sync_directory
from hotmig.transfer.identity import read_status
from hotmig.transfer.marks import read_marks


@dataclass(frozen=True)
class ResetResult:
    """What was dropped and deleted, or would be; ``previous`` is the marker's status before.

    ``unskipped`` are the data migrations whose skip stood in the new file alone.
    """

    skipped: str | None
    old: Path | None
    previous: str | None = None
    statements: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    deleted: tuple[Path, ...] = ()
    dry_run: bool = False
    unskipped: tuple[str, ...] = ()


def reset(
    location: Location, *, dry_run: bool = False, seconds: float = LOCK_SECONDS, run: Run = UNRECORDED
) -> ResetResult:
    """Deletes the new file and removes everything of hotmig's from the old database.

    Raises Refused when the new database is ready or the old one is retired: a cutover is finished, not undone.
    """
    if location.old is None:
        return ResetResult("there is no live database, and nothing to reset", None)
    require_here(location)
    with reading(location.old) as db:
        marker = read_marker(db)
        statements = stop_recording_sql(db)
    if marker is not None and marker.status == "retired":
        raise cut_in_two()
    new = location.directory / marker.target if marker else location.new
    files = _files_of(new, location)
    if not statements and not files:
        run.abandon_for_dead("reset")
        return ResetResult(_over(location), location.old)
    was = marker.status if marker else None
    result = ResetResult(None, location.old, was, statements, (), files, dry_run, _unskipped(new, location.old))
    if dry_run:
        return result

    run.concerns(marker.plan_hash if marker else None, location.old.name, new.name)
    deletions = [Intent("delete", path.name) for path in files]
    stop = Intent(STOP_RECORDING, location.old.name)
    with old_writer(location.old, seconds) as db, run.steps(*deletions, stop) as reached:

        def delete() -> None:
            # The file first: as long as the marker stands, it says what a killed reset was about to delete.
            for path in _files_of(new, location):
                path.unlink(missing_ok=True)
            if files:
                sync_directory(new.parent)
            for deletion in deletions:
                reached(deletion)

        # Under the write lock: no cutover must retire the old database for a deleted one.
        removed = stop_recording(db, seconds, delete)
        reached(stop)
    run.abandon_earlier(new.name)
    return replace(result, dropped=removed.dropped)


def _unskipped(new: Path, old: Path) -> tuple[str, ...]:
    if new == old or not is_begun(new):
        return ()
    with reading(new) as building, reading(old) as live:
        skipped = {mark.name for mark in read_marks(building) if mark.skipped_utc is not None}
        return tuple(sorted(skipped - {mark.name for mark in read_marks(live) if mark.skipped_utc is not None}))


def _over(location: Location) -> str:
    told = "no migration is under way"
    return f"{told}; one that was cut over is not undone by a reset" if location.retired else told


def _files_of(new: Path, location: Location) -> tuple[Path, ...]:
    """The new file with its side files. Raises Refused when it is ready."""
    if new == location.old:
        return ()
    if new.exists() and is_begun(new):
        with reading(new) as db:
            if read_status(db) == "ready":
                raise Refused(f"{new.name} is ready: the migration is over", "`hotmig cleanup-old` cleans up behind it")
    return tuple(path for path in (new, *project.side_files(new)) if path.exists() and not path.is_dir())
