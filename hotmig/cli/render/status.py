"""The screen for the person on call, and the same facts as JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hotmig.capture.clock import unix_time
from hotmig.cli.render.data import pending
from hotmig.cli.render.facts import to_json as to_plain
from hotmig.cli.render.units import duration, number
from hotmig.phases.standing import BUILDING, IDLE, Phase
from hotmig.phases.status import NewSide, OldSide, Status
from hotmig.units import counted, size

LABEL_WIDTH = 19  # of the longest label, "_migration_progress"
NOT_AVAILABLE = "n/a"
RESET = "hotmig reset"

WORDS: dict[Phase, str] = {
    "none": "No migration is under way",
    "ready": "The database is in service, no migration is under way",
    "copying": "The new database is being filled; the application uses the old one, and its writes are recorded",
    "recording": "The copy is complete; the application uses the old database, and its writes are recorded",
    "draining": "Writes are paused while the rest is replayed",
    "lapsed": "The fence lapsed without a cutover; the application uses the old database, and its writes are recorded",
    "drained": "Writes are paused and all of them are replayed: cut over before the fence lapses",
    "half-cut": "The cutover was killed half-way: neither database accepts writes until it is run again",
    "retired": "The new database is in service; the old one is kept, and accepts no writes",
}
OPENED: dict[Phase, str] = {  # where the fence has gaps
    "draining": "Writes are not paused everywhere while the rest is replayed",
    "drained": "All writes were replayed, but they are not paused everywhere: drain again",
    "half-cut": "The cutover was killed half-way, and the old database accepts writes again",
    "retired": "The new database is in service; the old one is kept, but accepts writes",
}
DRAINED: tuple[Phase, ...] = ("drained", "half-cut")
MOMENTS_OF = {  # of the data migrations that the next command comes upon
    "hotmig drain": "cutover",
    "hotmig cutover": "cutover",
    "hotmig data run": "after",
}
COMMENTS: dict[Phase, str] = {
    "copying": "unless one is running: it goes on where the other stopped",
    "draining": "unless one is running: it begins again",
}


def to_json(status: Status) -> dict[str, Any]:
    """The facts, without the format."""
    old, new = status.old, status.new
    return {
        "phase": status.phase,
        "directory": str(status.directory),
        "schema": str(status.schema_file),
        "schema_problem": status.schema_problem,
        "name": status.name,
        "old": {
            "path": _path(old.path),
            "size": old.size,
            "wal_size": old.wal_size,
            "status": old.status,
            "log_entries": old.log_entries,
            "fence_until": _utc(old.fence_until),
        },
        "new": {
            "path": _path(new.path),
            "size": new.size,
            "problem": new.problem,
            "status": new.status,
            "schema_hash": new.schema_hash,
            "schema_commit": new.schema_commit,
            "tables": new.tables,
            "tables_copied": new.tables_copied,
            "rows_copied": new.rows_copied,
            "rows_expected": new.rows_expected,
            "last_replayed_log_id": new.progress.last_replayed_log_id if new.progress else None,
            "drain_completed": new.progress.drain_completed if new.progress else None,
            "resting": _resting(status),
        },
        "pending": status.pending,
        "id_mappings": status.id_mappings,
        "fenced_seconds": _rounded(status.fenced_for),
        "fence_left_seconds": _rounded(status.fence_left),
        "started_utc": status.started_utc,
        "age_seconds": _rounded(status.age),
        "data_migrations": to_plain(status.data_migrations),
        "data_failed": to_plain(status.data_failed),
        "last_run": to_plain(status.last_run),
        "runs_problem": status.runs_problem,
        "at_work": status.at_work,
        "read_only": status.read_only,
        "attention": list(status.attention),
        "next": status.following,
    }


def to_lines(status: Status, next_command: str | None) -> Iterator[str]:
    """The screen. ``next_command`` is the next command with the options that it needs from here."""
    yield f"{status.name}: {status.phase}"
    words = _words(status)
    yield f"  {words}" if words.endswith("?") else f"  {words}."
    yield ""
    for label, text in _facts(status):
        yield f"  {label:<{LABEL_WIDTH}}  {text}"
    yield ""
    for sentence in status.attention:
        yield f"  ! {sentence}"
    if status.attention:
        yield ""
    # A shell takes what follows # for a comment: the line can be pasted as it is.
    comment = f"  # {_comment(status)}" if _comment(status) else ""
    yield f"Next: {next_command}{comment}" if next_command else "Next: nothing to run"


def _comment(status: Status) -> str | None:
    if status.new.broken and status.new.path is not None:
        return f"once {status.new.path.name} is moved away"
    if status.schema_edited and status.next != RESET:
        return "once the schema module is put back"
    if status.at_work:
        return "once the command at work has finished"
    if status.read_only and status.next not in (None, "hotmig plan"):
        return f"once {status.read_only} is taken away"
    if status.schema_problem and _under_way(status) and status.schema_file.exists():
        return "once the schema module can be used"
    due = MOMENTS_OF.get(status.next or "")
    for each in status.data_failed:
        if each.when == due:
            return f"once data migration {each.name} is mended or skipped"
    return COMMENTS.get(status.phase) if status.last_run is None else None


def _words(status: Status) -> str:
    if status.phase == "retired" and status.new.size is None:
        lost = "can't be read" if status.new.problem else "is not here"
        return f"The old database was replaced, and what replaced it {lost}"
    if status.phase in BUILDING and status.old.path is None:
        return "The new database is unfinished, and the old one is not here, or can't be read"
    if status.phase == "none" and status.old.path is None and status.attention:
        return "What is named like the database can't be read"
    if status.phase == "none" and status.old.path is None and status.new.size is None:
        doubt = ": is --dir right?" if status.schema_hash is None else " yet"
        return f"There is no database {status.name}-<hash>.sqlite here{doubt}"
    if status.old.writes_fail and status.phase not in ("ready", "retired"):
        return "A migration was under way, and every write to the old database fails"
    if status.old.unfenced and status.phase in OPENED:
        return OPENED[status.phase]
    return WORDS[status.phase]


def _facts(status: Status) -> Iterator[tuple[str, str]]:
    """What means something in this phase. A figure of a migration that can't be read is told as such."""
    missed = status.old.path is None and (_under_way(status) or status.new.made_from is not None)
    if status.old.path is not None or missed:
        yield "old database", _old(status)
    if status.new.path is not None or _under_way(status):
        yield ("new database" if status.old.path is not None or missed else "database"), _new(status)
    if _schema(status) is not None or _under_way(status):
        yield "schema", _schema(status) or NOT_AVAILABLE
    if status.schema_problem:
        yield "schema module", f"not usable: {status.schema_problem}"
    if status.age is not None:
        yield "migration", f"began {duration(status.age)} ago{_at(status.started_utc)}"
    if _under_way(status):
        yield "copy", _copy(status)
    if missed:
        yield from ((label, NOT_AVAILABLE) for label in ("marker", "log", "fence"))
    elif status.old.path is not None:
        yield from _recording(status)
    yield from _bookkeeping(status)
    if status.data_migrations or status.data_failed:
        yield "data migrations", "; ".join(_data(status))
    yield from _last_run(status)


def _last_run(status: Status) -> Iterator[tuple[str, str]]:
    run = status.last_run
    if status.read_only:
        yield "read-only", f"nothing is changed here: {status.read_only}"
    if status.at_work:
        yield "at work", status.at_work
    if status.runs_problem:
        yield "last run", f"not known: {status.runs_problem}"
    elif run:
        yield "last run", f"{run.run_id}, {run.state}" + (f": {run.error}" if run.error else "")


def _data(status: Status) -> Iterator[str]:
    for state, waiting in (("failed", status.data_failed), ("pending", status.data_migrations)):
        if waiting:
            yield f"{state}: {', '.join(map(pending, waiting))}"


def _under_way(status: Status) -> bool:
    return status.phase not in IDLE


def _recording(status: Status) -> Iterator[tuple[str, str]]:
    """What the old database says: only where there is, or was, a migration away from it."""
    yield "marker", _marker(status)
    if status.old.log_entries is not None or _under_way(status):
        yield "log", _log(status)
    if status.phase != "none":
        yield "fence", _fence(status)


def _bookkeeping(status: Status) -> Iterator[tuple[str, str]]:
    """What the new database holds while it is built, and cutover removes."""
    mappings = None if status.id_mappings is None else counted(status.id_mappings, "key")
    removed = status.new.status == "ready" and status.new.made_from is not None
    for label, text in (("_id_mapping", mappings), ("_migration_progress", _progress(status))):
        if text is not None or removed or _under_way(status):
            yield label, text or ("removed" if removed else NOT_AVAILABLE)


def _old(status: Status) -> str:
    old = status.old
    if old.path is None or old.size is None:
        return NOT_AVAILABLE
    if old.problem is not None:
        return f"{old.path}  ({old.problem})"
    return f"{old.path}  ({_use_of_old(status)}, {_size(old)})"


def _use_of_old(status: Status) -> str:
    if status.old.status == "retired":
        return "retired"
    return "replaced, and accepts writes" if status.phase == "ready" else "in service"


def _size(side: OldSide | NewSide) -> str:
    whole = side.size or 0
    log = f", plus {size(side.wal_size)} in its -wal" if side.wal_size else ""
    return f"{size(whole - side.wal_size)}{log}"


def _new(status: Status) -> str:
    new = status.new
    if new.path is None:
        return NOT_AVAILABLE
    if new.problem:
        return f"{new.path}  ({new.problem})"
    if new.size is None:
        return f"{new.path}  ({'not made yet' if status.phase == 'none' else 'not there'})"
    use = "being built" if new.status == "migrating" else "in service"
    if status.phase == "none" and new.status != "migrating":
        use = "replaced, and its name is taken"
    return f"{new.path}  ({use}, {_size(new)})"


def _schema(status: Status) -> str | None:
    if status.new.schema_hash is None:
        # An adopted database says nothing of its schema; the module does.
        return status.schema_hash
    commit = f", commit {status.new.schema_commit}" if status.new.schema_commit else ""
    return f"{status.new.schema_hash}{commit}"


def _resting(status: Status) -> str | None:
    """Why the copy rests; a run that was killed left what it said last."""
    return status.new.progress.resting if status.new.progress and status.at_work else None


def _copy(status: Status) -> str:
    new = status.new
    if new.tables is None or new.tables_copied is None or new.rows_copied is None:
        return NOT_AVAILABLE
    rows = counted(new.rows_copied, "row")
    if new.rows_expected is not None and new.tables_copied < new.tables:
        rows = f"{number(new.rows_copied)} of about {counted(new.rows_expected, 'row')}"
    resting = _resting(status)
    return f"{new.tables_copied} of {counted(new.tables, 'table')}, {rows}" + (f"; {resting}" if resting else "")


def _marker(status: Status) -> str:
    if status.old.status == "retired" and status.old.log_entries is None:
        return "removed"  # cleanup-old leaves a fence that needs none
    return status.old.status or "none"


def _log(status: Status) -> str:
    entries = status.old.log_entries
    if entries is None:
        return "none"
    pending = "" if status.pending is None else f", {number(status.pending)} pending"
    return f"{counted(entries, 'row')}{pending}"


def _fence(status: Status) -> str:
    if status.old.writes_fail:
        return "every write fails"
    if status.old.unfenced:
        return f"with gaps: writes get into {counted(len(status.old.unfenced), 'table')}"
    if status.phase == "lapsed":
        ago = "" if status.fence_left is None else f" {duration(-status.fence_left)} ago"
        return f"lapsed{ago}: writes flow again"
    if status.old.status == "retired":
        since = "" if status.fenced_for is None else f", for {duration(status.fenced_for)}"
        return f"up for good{since}"
    if status.phase == "ready":
        return "none: writes to this archive go nowhere else"
    if status.fenced_for is None:
        return "down: writes flow"
    left = "" if status.fence_left is None else f", lapses in {duration(status.fence_left)}"
    return f"up: writes refused for {duration(status.fenced_for)}{left}"


def _progress(status: Status) -> str | None:
    progress = status.new.progress
    if progress is None:
        return None
    upto = f"replayed up to log row {number(progress.last_replayed_log_id)}"
    if not progress.drain_completed:
        return f"{upto}, drain not completed"
    if status.phase in DRAINED:
        return f"{upto}, drain completed"
    later = f"{counted(status.pending, 'write')} came after it" if status.pending else "nothing was written since"
    return f"{upto}; the drain was completed, and {later}"


def _at(utc: str | None) -> str:
    if utc is None:
        return ""
    return f", at {dt.datetime.fromisoformat(utc):%Y-%m-%d %H:%M:%S} UTC"


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _utc(julian_day: float | None) -> str | None:
    if julian_day is None:
        return None
    moment = dt.datetime.fromtimestamp(unix_time(julian_day), dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
