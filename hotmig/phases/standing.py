"""Which two files a directory is about, and how far they are: read from the files alone."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hotmig import project
from hotmig.capture.fence import fence_state
from hotmig.capture.marker import Marker
from hotmig.phases.locate import ambiguous, try_schema
from hotmig.phases.survey import CUT_SHORT, DatabaseFile, Survey
from hotmig.planning.data_marks import Known, pending, still_pending

if TYPE_CHECKING:
    # `status` is often run, and mostly without the compiler.
    from hotmig.schema.model import Schema

Phase = Literal["none", "ready", "copying", "recording", "draining", "lapsed", "drained", "half-cut", "retired"]

IDLE: tuple[Phase, ...] = ("none", "ready", "retired")  # no migration was left half-way
BUILDING: tuple[Phase, ...] = ("copying", "recording", "drained")


@dataclass(frozen=True)
class Pair:
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
    data: tuple[Known, ...] = ()  # the data migrations that are pending
    data_runs: bool = False  # whether `data run` would run one of them
    newer: str | None = None  # why the module is too old for the database in service

    @property
    def marker(self) -> Marker | None:
        return self.old.marker if self.old else None


def elsewhere(migrated_in: str | None, old: Path | None, directory: Path) -> Path | None:
    """The directory in which the migration of ``old`` is, or was, run, where that is another one with the same file.

    A copy of the directory whose link leads to the same file, or a second directory that adopted it: each would make
    a new database of its own, and both would come into service.
    """
    if old is None or not migrated_in:
        return None
    there = Path(migrated_in)
    return there if _is_same(there / old.name, old) and not _is_same(there, directory) else None


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False  # it is not there, or nobody may look at it


def find_pair(seen: Survey, schema_file: Path) -> Pair:
    """The migration that is under way, else the half-done one, else the live database and what it came from."""
    pair = _find_pair(seen, schema_file)
    if pair.data or pair.new is None:
        return pair
    return replace(pair, data=still_pending(pair.new.known, pair.new.marks))


def _find_pair(seen: Survey, schema_file: Path) -> Pair:
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
        return Pair(archive, None, seen.directory / archive.replaced_by)
    return _without_old(seen, schema_file)


def _under_way(seen: Survey, old: DatabaseFile, marker: Marker, schema_file: Path) -> Pair:
    new = seen.file(marker.target)
    pair = Pair(old, new, seen.directory / marker.target, schema_problem=_absent(schema_file))
    if not _written_since(schema_file, began(marker)):
        return pair
    # Rare, and dear, as it is for what changed in the old database.
    from hotmig.phases.edited import edited

    schema, problem = try_schema(schema_file)
    told = tuple(edited(old, marker, new, schema, seen.name)) if schema else ()
    return replace(pair, schema_problem=problem, edited=told)


def _written_since(schema_file: Path, began: float) -> bool:
    """Whether the module, or what it may import or take a mapping from, is younger than the migration.

    Cheap: only their times are read. A file that comes with an older time (``cp -p``, ``tar``) is missed, and so is a
    mapping elsewhere that a module beside it names; the next command compiles all that, and refuses.
    """
    beside = schema_file.parent
    modules = (schema_file, *beside.glob("*.py"), *beside.glob("*/*.py"))
    for path in (*modules, *beside.glob("*.json"), *project.mappings_in_module(schema_file)):
        with suppress(OSError):
            if path.stat().st_mtime >= began:
                return True
    return False


def _at_rest(seen: Survey, live: DatabaseFile, schema_file: Path) -> Pair:
    """Here the module always matters: it tells whether the live database is what is asked for."""
    schema, problem = try_schema(schema_file)
    pair = _resting(seen, live, schema, problem)
    if schema is None:
        return pair
    # Imported here: with a migration under way, status waits for neither compiler nor planner.
    from hotmig.phases.data_walk import marks_of
    from hotmig.phases.downgrade import newer

    marks = marks_of(schema, live.path, None) if schema.data_migrations else live.marks
    waiting = tuple(Known(each.name, each.when) for each in pending(schema.data_migrations, marks))
    pair = replace(pair, data=waiting, newer=newer(live.path, live.marks, schema))
    return replace(pair, data_runs=_runs_now(seen, pair, live, schema))


def _runs_now(seen: Survey, pair: Pair, live: DatabaseFile, schema: Schema) -> bool:
    """Whether one waits for the database in service, and not for a migration that comes first."""
    if not pair.in_service or not any(each.when == "after" for each in pair.data):
        return False
    from hotmig.phases.settled import has_schema

    return project.target(seen.directory, seen.name, schema.hash) == live.path or has_schema(live.path, schema)


def _resting(seen: Survey, live: DatabaseFile, schema: Schema | None, problem: str | None) -> Pair:
    from hotmig.phases.settled import has_catalog, has_schema

    parent = seen.file(live.identity.parent) if live.identity else None
    wanted = project.target(seen.directory, seen.name, schema.hash) if schema else None
    earlier = wanted.name if wanted and wanted != live.path and seen.is_replaced(wanted.name) else None
    if parent and parent.marker and parent.retired:
        return Pair(parent, live, live.path, True, problem, schema.hash if schema else None, earlier=earlier)
    if schema and wanted and wanted.name != live.path.name and not has_schema(live.path, schema):
        return Pair(live, seen.file(wanted.name), wanted, schema_hash=schema.hash, earlier=earlier)
    if live.status is None and seen.orphan:
        return Pair(live, seen.orphan, seen.orphan.path, schema_problem=problem)
    if live.status is None and schema is None:
        return Pair(live, None, None, schema_problem=problem)
    drifted = schema is not None and wanted == live.path and not has_catalog(live.path, schema)
    return Pair(parent, live, live.path, True, problem, schema.hash if schema else None, drifted, earlier)


def _absent(schema_file: Path) -> str | None:
    """Compiling the module takes longer than all the rest: where its hash is not needed, only whether it is there."""
    return None if schema_file.exists() else f"there is no {schema_file}"


def _without_old(seen: Survey, schema_file: Path) -> Pair:
    if seen.orphan:
        return Pair(None, seen.orphan, seen.orphan.path)
    schema, problem = try_schema(schema_file)
    if schema is None:
        return Pair(None, None, None, schema_problem=problem)
    return Pair(None, None, project.target(seen.directory, seen.name, schema.hash), schema_hash=schema.hash)


def phase_of(pair: Pair, now: float) -> Phase:
    """Where the migration stands at ``now``, in seconds since 1970."""
    old, new, marker = pair.old, pair.new, pair.marker
    if pair.in_service:
        return "retired" if marker and marker.status == "retired" else "ready"
    if old and old.retired:
        # What can't be read may have been in service for long: then this is no cutover to be finished.
        readable = new is not None and new.problem in (None, CUT_SHORT)
        return "half-cut" if marker and readable else "retired"
    if marker is None:
        return built(new) if old is None and new else "none"
    if marker.status == "recording":
        return "recording" if built(new) != "copying" else "copying"
    if not fence_state(marker, now).is_up:
        return "lapsed"
    return "drained" if built(new) == "drained" else "draining"


def built(new: DatabaseFile | None) -> Phase:
    """How far the new database came, by what it says itself."""
    if new is None or not new.copies or any(copy.state != "copied" for copy in new.copies):
        return "copying"
    return "drained" if new.progress and new.progress.drain_completed else "recording"


def began(marker: Marker) -> float:
    """When the migration began, in seconds since 1970."""
    started = dt.datetime.fromisoformat(marker.started_utc)
    if started.tzinfo is None:
        started = started.replace(tzinfo=dt.UTC)
    return started.timestamp()


def recording_ancestors(seen: Survey) -> list[DatabaseFile]:
    """Files that a ready database names as its ancestors, and that accept writes all the same."""
    ancestors = seen.ancestors
    return [file for file in seen.files if file.recording and file.path.name in ancestors]
