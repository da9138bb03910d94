"""Where a migration stands, read from the files alone and in short reads: no writer ever waits for it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hotmig import project
from hotmig.capture.marker import Marker
from hotmig.phases.locate import ambiguous, guess_name, try_schema
from hotmig.phases.survey import CUT_SHORT, EMPTY, DatabaseFile, Survey, survey
from hotmig.transfer.identity import Progress

Phase = Literal["none", "ready", "copying", "recording", "draining", "lapsed", "drained", "half-cut", "retired"]

JULIAN_DAY_OF_1970 = 2440587.5
SECONDS_A_DAY = 86400

BUILDING: tuple[Phase, ...] = ("copying", "recording", "drained")
UNFINISHED = (EMPTY, CUT_SHORT)  # what a killed process can leave, and the next command mends
NEXT: dict[Phase, str | None] = {
    "none": "hotmig plan",
    "ready": None,
    "copying": "hotmig migrate",
    "recording": "hotmig drain",
    "draining": "hotmig drain",
    "lapsed": "hotmig drain",
    "drained": "hotmig cutover",
    "half-cut": "hotmig cutover",
    "retired": "hotmig cleanup-old",
}


@dataclass(frozen=True)
class OldSide:
    """The old database. ``path`` is None when there is none; the rest is None as far as it is unknown.

    ``size`` is in bytes, ``wal_size`` the part of it that is in the write-ahead log.
    """

    path: Path | None = None
    size: int | None = None
    wal_size: int = 0
    problem: str | None = None  # why it could not be read
    status: str | None = None  # of the marker; "retired" too when only that was left
    log_entries: int | None = None
    fence_until: float | None = None  # a Julian day


@dataclass(frozen=True)
class NewSide:
    """The new database, or the one in service when no migration is under way."""

    path: Path | None = None
    size: int | None = None  # None without the file; as in OldSide
    wal_size: int = 0
    problem: str | None = None  # why it could not be read
    broken: bool = False  # the problem is what the file holds
    status: str | None = None
    schema_hash: str | None = None
    schema_commit: str | None = None
    made_from: str | None = None  # file name of the database that it came from
    progress: Progress | None = None
    tables_copied: int | None = None
    tables: int | None = None
    rows_copied: int | None = None


@dataclass(frozen=True)
class Status:
    """What ``hotmig status`` tells. Times are in seconds; ``fence_left`` is negative once the fence lapsed."""

    directory: Path
    schema_file: Path
    schema_problem: str | None  # why the module says nothing; None too where it was not asked
    schema_hash: str | None  # of the module, where it was asked
    name: str
    phase: Phase
    old: OldSide
    new: NewSide
    pending: int | None
    id_mappings: int | None
    fenced_for: float | None
    fence_left: float | None
    started_utc: str | None
    age: float | None
    attention: tuple[str, ...]
    next: str | None
    schema_edited: bool = False  # the module asks for something else than the migration under way

    @property
    def needs_attention(self) -> bool:
        """Whether someone should look."""
        return bool(self.attention)


@dataclass(frozen=True)
class _Pair:
    """The two files that the answer is about. ``new_path`` may not exist; ``in_service``: the application has new."""

    old: DatabaseFile | None
    new: DatabaseFile | None
    new_path: Path | None
    in_service: bool = False
    schema_problem: str | None = None
    schema_hash: str | None = None
    changed_by_hand: bool = False  # the database in service
    earlier: str | None = None  # the name of a replaced file that the module asks for
    edited: tuple[str, ...] = ()  # what the module says by now that the migration does not do

    @property
    def marker(self) -> Marker | None:
        return self.old.marker if self.old else None


def status(directory: Path, schema_file: Path | None = None, name: str | None = None) -> Status:
    """Reads where things stand. Raises HotmigError without the directory, Refused when several files are live."""
    file = project.schema_file(directory, schema_file)
    name = name or guess_name(directory, file)
    seen = survey(directory, name, count_mappings=True)
    if seen.half_cut or _recording_ancestors(seen):
        # A cutover between two of our reads looks like one that was killed half-way.
        seen = survey(directory, name, count_mappings=True)
    pair = _pair(seen, file)
    now = time.time()
    phase = _phase(pair, _julian_day(now))
    return _status(seen, file, pair, phase, now)


def _pair(seen: Survey, schema_file: Path) -> _Pair:
    """The migration that is under way, else the half-done one, else the live database and what it came from."""
    live = seen.live
    recording = [file for file in live if file.recording]
    if len(recording) > 1 or (not recording and len(live) > 1):
        raise ambiguous(seen, live)
    going = recording[0] if recording else seen.half_cut
    if going and going.marker:
        return _under_way(seen, going, going.marker, schema_file)
    if live:
        return _at_rest(seen, live[0], schema_file)
    archive = next((file for file in seen.files if file.retired), None)
    if archive and archive.replaced_by:
        return _Pair(archive, None, seen.directory / archive.replaced_by)
    return _without_old(seen, schema_file)


def _under_way(seen: Survey, old: DatabaseFile, marker: Marker, schema_file: Path) -> _Pair:
    new = seen.file(marker.target)
    pair = _Pair(old, new, seen.directory / marker.target, schema_problem=_absent(schema_file))
    if not old.recording or not _written_since(schema_file, _began(marker)):
        return pair
    # Rare, and dear, as it is for what changed in the old database.
    from hotmig.phases.edited import edited

    schema, problem = try_schema(schema_file)
    told = tuple(edited(old, marker, new, schema, seen.name)) if schema else ()
    return replace(pair, schema_problem=problem, edited=told)


def _written_since(schema_file: Path, began: float) -> bool:
    """Whether the module, or one that it may import, is younger than the migration. Cheap: only their times are read.

    A file that comes with an older time (``cp -p``, ``tar``) is missed; the next command compiles it and refuses.
    """
    beside = schema_file.parent
    for path in (schema_file, *beside.glob("*.py"), *beside.glob("*/*.py")):
        with suppress(OSError):
            # The marker has whole seconds: within the same one, compiling tells.
            if path.stat().st_mtime >= began:
                return True
    return False


def _at_rest(seen: Survey, live: DatabaseFile, schema_file: Path) -> _Pair:
    """Here the module always matters: it tells whether the live database is what is asked for."""
    # Imported here: with a migration under way, status waits for neither compiler nor planner.
    from hotmig.phases.settled import has_catalog, has_schema

    parent = seen.file(live.identity.parent) if live.identity else None
    schema, problem = try_schema(schema_file)
    wanted = project.target(seen.directory, seen.name, schema.hash) if schema else None
    earlier = wanted.name if wanted and wanted != live.path and seen.is_replaced(wanted.name) else None
    if parent and parent.marker and parent.retired:
        return _Pair(parent, live, live.path, True, problem, schema.hash if schema else None, earlier=earlier)
    if schema and wanted and wanted.name != live.path.name and not has_schema(live.path, schema):
        return _Pair(live, seen.file(wanted.name), wanted, schema_hash=schema.hash, earlier=earlier)
    if live.status is None and seen.orphan:
        return _Pair(live, seen.orphan, seen.orphan.path, schema_problem=problem)
    if live.status is None and schema is None:
        return _Pair(live, None, None, schema_problem=problem)
    drifted = schema is not None and wanted == live.path and not has_catalog(live.path, schema)
    return _Pair(parent, live, live.path, True, problem, schema.hash if schema else None, drifted, earlier)


def _absent(schema_file: Path) -> str | None:
    """Compiling the module takes longer than all the rest: where its hash is not needed, only whether it is there."""
    return None if schema_file.exists() else f"there is no {schema_file}"


def _without_old(seen: Survey, schema_file: Path) -> _Pair:
    if seen.orphan:
        return _Pair(None, seen.orphan, seen.orphan.path)
    schema, problem = try_schema(schema_file)
    if schema is None:
        return _Pair(None, None, None, schema_problem=problem)
    return _Pair(None, None, project.target(seen.directory, seen.name, schema.hash), schema_hash=schema.hash)


def _phase(pair: _Pair, now: float) -> Phase:
    old, new, marker = pair.old, pair.new, pair.marker
    if pair.in_service:
        return "retired" if marker and marker.status == "retired" else "ready"
    if old and old.retired:
        # What can't be read may have been in service for long: then this is no cutover to be finished.
        readable = new is not None and new.problem in (None, CUT_SHORT)
        return "half-cut" if marker and readable else "retired"
    if marker is None:
        return _built(new) if old is None and new else "none"
    if marker.status == "recording":
        return "recording" if _built(new) != "copying" else "copying"
    if not _fence_is_up(marker, now):
        return "lapsed"
    return "drained" if _built(new) == "drained" else "draining"


def _built(new: DatabaseFile | None) -> Phase:
    """How far the new database came, by what it says itself."""
    if new is None or not new.copies or any(copy.state != "copied" for copy in new.copies):
        return "copying"
    return "drained" if new.progress and new.progress.drain_completed else "recording"


def _fence_is_up(marker: Marker, now: float) -> bool:
    # The fence's own condition: a clock that was set back must not keep it up.
    if marker.fence_from is None or marker.fence_until is None:
        return False
    return marker.fence_from <= now <= marker.fence_until


def _status(seen: Survey, schema_file: Path, pair: _Pair, phase: Phase, now: float) -> Status:
    marker, broken = pair.marker, tuple(_broken(pair, schema_file))
    attention = (*_attention(seen, pair, phase), *broken)
    fenced_for, fence_left = _fence_times(marker, phase, _julian_day(now))
    return Status(
        directory=seen.directory,
        schema_file=schema_file,
        schema_problem=pair.schema_problem,
        schema_hash=pair.schema_hash,
        name=seen.name,
        phase=phase,
        old=_old_side(pair.old),
        new=_new_side(pair),
        pending=_pending(pair),
        id_mappings=pair.new.id_mappings if pair.new else None,
        fenced_for=fenced_for,
        fence_left=fence_left,
        started_utc=marker.started_utc if marker else None,
        age=_age(marker, now),
        attention=attention,
        next="hotmig reset" if broken else _next(seen, pair, phase),
        schema_edited=bool(pair.edited),
    )


def _old_side(old: DatabaseFile | None) -> OldSide:
    if old is None:
        return OldSide()
    marker = old.marker
    return OldSide(
        path=old.path,
        size=old.size,
        wal_size=old.wal_size,
        problem=old.problem,
        status=marker.status if marker else ("retired" if old.retired else None),
        log_entries=old.log_entries,
        fence_until=marker.fence_until if marker else None,
    )


def _new_side(pair: _Pair) -> NewSide:
    new = pair.new
    if new is None or new.problem:
        found = NewSide(path=pair.new_path, schema_hash=pair.schema_hash or _hash_in_name(pair.new_path))
        return replace(found, problem=new.problem, broken=new.broken) if new else found
    copies = new.copies
    return NewSide(
        path=new.path,
        size=new.size,
        wal_size=new.wal_size,
        status=new.status,
        schema_hash=new.identity.schema_hash if new.identity else None,
        schema_commit=new.identity.schema_commit if new.identity else None,
        made_from=new.identity.parent if new.identity else None,
        progress=new.progress,
        tables=None if copies is None else len(copies),
        tables_copied=None if copies is None else sum(copy.state in ("indexed", "copied") for copy in copies),
        rows_copied=None if copies is None else sum(copy.rows for copy in copies),
    )


def _hash_in_name(path: Path | None) -> str | None:
    parts = project.split(path) if path else None
    return parts[1] if parts else None


def _pending(pair: _Pair) -> int | None:
    """Log rows that were not replayed yet; None where nothing is recorded or all was handed over."""
    if pair.old is None or pair.old.log_entries is None or pair.in_service:
        return None
    progress = pair.new.progress if pair.new else None
    if pair.old.retired and progress is None:
        return None
    return pair.old.log_entries - (progress.last_replayed_log_id if progress else 0)


def _fence_times(marker: Marker | None, phase: Phase, now: float) -> tuple[float | None, float | None]:
    """For how long writes have been refused, and in how long the fence lapses, in seconds."""
    if marker is None or marker.fence_from is None or marker.status == "recording":
        return None, None
    since = (now - marker.fence_from) * SECONDS_A_DAY
    if marker.status == "retired":
        return since, None
    left = None if marker.fence_until is None else (marker.fence_until - now) * SECONDS_A_DAY
    return (None if phase == "lapsed" else since), left


def _age(marker: Marker | None, now: float) -> float | None:
    return None if marker is None else now - _began(marker)


def _began(marker: Marker) -> float:
    started = dt.datetime.fromisoformat(marker.started_utc)
    if started.tzinfo is None:
        started = started.replace(tzinfo=dt.UTC)
    return started.timestamp()


def _next(seen: Survey, pair: _Pair, phase: Phase) -> str | None:
    if pair.old is None and _old_cut_short(seen, pair):
        return NEXT[phase]  # whatever works on the old database rolls it back first
    if pair.old is None and phase in BUILDING:
        return None  # nothing can go on without the old database
    if phase == "none" and pair.old is None:
        return f"hotmig init {seen.strangers[0].name}" if len(seen.strangers) == 1 else "hotmig init"
    if phase == "none" and seen.orphan:
        return "hotmig reset"
    if phase == "retired" and not pair.in_service:
        return None
    if pair.changed_by_hand:
        return "hotmig plan"
    if phase in ("draining", "lapsed") and _built(pair.new) == "copying":
        return NEXT["copying"]  # migrate --offline was killed, or the new file is gone
    return NEXT[phase]


def _attention(seen: Survey, pair: _Pair, phase: Phase) -> Iterator[str]:
    """What someone should look at, one sentence each."""
    if phase in ("draining", "drained"):
        yield "the fence is up: the application's writes are refused"
    if phase == "lapsed":
        yield "the fence lapsed before the cutover: writes flow again, and are recorded"
    if phase == "half-cut":
        yield "a cutover was cut in two: neither database accepts writes"
    if phase == "retired" and not pair.in_service:
        yield f"{pair.new_path} replaced the old database and {_why_gone(pair.new)}"
    if pair.old is None and phase in BUILDING and not _old_cut_short(seen, pair):
        yield "the old database is not there: nothing can go on until it is put back"
    if pair.marker and pair.old and pair.old.recording and not pair.in_service and pair.new is None:
        yield f"the new database {pair.marker.target} is not there"
    yield from pair.edited
    if pair.earlier:
        yield (
            f"the schema module asks for {pair.earlier}, which was replaced: the schema went back to an earlier one,"
            " and `hotmig plan` and `hotmig migrate` refuse that"
        )
    yield from _odd_files(seen, pair, phase)


def _odd_files(seen: Survey, pair: _Pair, phase: Phase) -> Iterator[str]:
    """Files that are not what they should be, or should not be there."""
    if pair.changed_by_hand and pair.new:
        yield f"{pair.new.path.name} has another schema than its name and the module say: it was changed by hand"
    if seen.orphan and pair.old:
        yield f"{seen.orphan.path.name} is unfinished, and no database here is recorded for it"
    for file in _recording_ancestors(seen):
        yield f"{file.path.name} was replaced, but accepts writes"
    others = [file.path.name for file in seen.live if file not in (pair.old, pair.new)]
    if others:
        yield f"more than one file could be the live database: {', '.join(others)} too"
    if pair.marker and _is_to_be_built_again(pair):
        yield f"{pair.marker.target} is no database any more: move it away, and `hotmig migrate` builds it again"
    told = _is_to_be_built_again(pair) or (phase == "copying" and pair.new and pair.new.problem in UNFINISHED)
    for file in seen.files:
        if file.problem and not (told and file is pair.new):
            yield f"{file.path.name}: {file.problem}"


def _why_gone(new: DatabaseFile | None) -> str:
    if new is None:
        return "is not there"
    is_lost = new.broken or new.problem == EMPTY
    return "is no database any more: put it back from a backup" if is_lost else "can't be looked at"


def _is_to_be_built_again(pair: _Pair) -> bool:
    """Whether the file that is being built was damaged or overwritten: nothing of the application's is in it."""
    return pair.new is not None and pair.new.broken and pair.old is not None and pair.old.recording


def _old_cut_short(seen: Survey, pair: _Pair) -> bool:
    """Whether a file that may be the old database can't be read, because a killed process was committing to it."""
    return any(file.problem == CUT_SHORT and file is not pair.new for file in seen.files)


def _broken(pair: _Pair, schema_file: Path) -> Iterator[str]:
    """What a migration can't go on after, one sentence each: only a reset helps."""
    old, marker, new = pair.old, pair.marker, pair.new
    if old is not None and old.leftovers:
        yield f"{old.path.name} has triggers of hotmig without their marker: every write to it fails"
    if old is None or marker is None or not old.recording or pair.in_service or new is None or new.problem:
        return
    if old.schema_version != marker.schema_version:
        # Rare, and dear: the module and the planner are loaded for this alone.
        from hotmig.phases.drifted import drifted

        yield from drifted(old.path, new.path, marker, schema_file)


def _recording_ancestors(seen: Survey) -> list[DatabaseFile]:
    ancestors = seen.ancestors
    return [file for file in seen.files if file.recording and file.path.name in ancestors]


def _julian_day(unix_time: float) -> float:
    return unix_time / SECONDS_A_DAY + JULIAN_DAY_OF_1970
