"""Where a migration stands, read from the files alone and in short reads: no writer ever waits for it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hotmig import project
from hotmig.capture.clock import SECONDS_A_DAY, julian_day
from hotmig.capture.marker import Marker
from hotmig.errors import HotmigError
from hotmig.phases.attention import (
    attention,
    broken_by,
    ended_badly,
    next_command,
    stands_still,
    stuck_by,
    unusable_module,
)
from hotmig.phases.locate import guess_name
from hotmig.phases.read_only import read_only_by
from hotmig.phases.standing import (
    IDLE,
    Pair,
    Phase,
    began,
    find_pair,
    phase_of,
    recording_ancestors,
)
from hotmig.phases.survey import DatabaseFile, Survey, survey
from hotmig.planning.data_marks import Known
from hotmig.transfer.identity import Progress, TableCopy

if TYPE_CHECKING:
    from hotmig.phases.last_run import LastRun


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
    writes_fail: bool = False  # for what hotmig left there, or what was taken away from that
    unfenced: tuple[str, ...] = ()  # the tables that its fence lets writes into


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
    rows_expected: int | None = None  # when the copy began; None where not every table was counted


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
    last_run: LastRun | None = None
    runs_problem: str | None = None  # why the ledger could not be read
    at_work: str | None = None  # the command that holds the directory's lock
    read_only: str | None = None  # what marks the directory so that nothing is changed in it
    schema_edited: bool = False  # the module asks for something else than the migration under way
    data_migrations: tuple[Known, ...] = ()  # that are pending
    data_failed: tuple[Known, ...] = ()  # and those that were tried already

    @property
    def needs_attention(self) -> bool:
        """Whether someone should look."""
        return bool(self.attention)

    @property
    def following(self) -> str | None:
        """The command to type next. What comes behind the one at work, the files will say when it has finished."""
        return "hotmig status" if self.at_work else self.next


def status(directory: Path, schema_file: Path | None = None, name: str | None = None) -> Status:
    """Reads where things stand. Raises HotmigError without the directory, Refused when several files are live."""
    default = project.schema_file(directory, schema_file)
    name = name or guess_name(directory, default)
    seen = survey(directory, name, count_mappings=True)
    if seen.half_cut or recording_ancestors(seen):
        # A cutover between two of our reads looks like one that was killed half-way.
        seen = survey(directory, name, count_mappings=True)
    file = schema_file or _module(seen, default)
    pair = find_pair(seen, file)
    now = time.time()
    phase = phase_of(pair, now)
    return _with_runs(_status(seen, file, pair, phase, now))


def _module(seen: Survey, default: Path) -> Path:
    """The module beside the data; where the migration under way, or with none there the last run, had another, that."""
    target = _target(seen)
    if (target is None and default.exists()) or not project.own_folder(seen.directory).is_dir():
        return default
    from hotmig.phases.last_run import schema_given

    return schema_given(seen.directory, target) or default


def _target(seen: Survey) -> str | None:
    """What the migration under way builds, or what the last one brought into service. Older archives tell nothing."""
    live = {file.path.name for file in seen.files if not file.retired}
    under_way = [file.marker.target for file in seen.live if file.marker]
    done = [file.marker.target for file in seen.files if file.marker and file.retired and file.marker.target in live]
    return next(iter((*under_way, *done)), None)


def _with_runs(found: Status) -> Status:
    folder = project.own_folder(found.directory)
    found = replace(found, read_only=read_only_by(found.directory))
    if not folder.is_dir():
        return found
    # Imported here: where nothing was run yet, status waits for neither lock nor ledger.
    from hotmig.lock import read_holder
    from hotmig.phases.last_run import last_run, unsettled

    holder = read_holder(folder)
    found = replace(found, at_work=None if holder is None else str(holder))
    try:
        found = replace(_with_failed(found) if found.data_migrations else found, last_run=last_run(found.directory))
    except HotmigError as error:
        return replace(found, runs_problem=error.message)
    if holder is not None:
        return found
    if found.last_run is None or found.phase in IDLE:
        return found
    badly = ended_badly(unsettled(found.directory))
    return replace(found, attention=(*found.attention, *stands_still(found.phase), *badly))


def _with_failed(found: Status) -> Status:
    """The data migrations that wait, those that were tried already apart, with a sentence for each."""
    from hotmig.phases.data_failures import failures

    failures_by_name = failures(found.directory)
    failed = tuple(each for each in found.data_migrations if each.name in failures_by_name)
    told = (
        f"data migration {each.name} failed: `hotmig runs show {failures_by_name[each.name].run_id}` tells more"
        for each in failed
    )
    waiting = tuple(each for each in found.data_migrations if each not in failed)
    return replace(found, data_migrations=waiting, data_failed=failed, attention=(*found.attention, *told))


def _status(seen: Survey, schema_file: Path, pair: Pair, phase: Phase, now: float) -> Status:
    marker, broken = pair.marker, tuple(broken_by(pair, schema_file))
    stuck = tuple(stuck_by(pair, phase, schema_file))
    fenced_for, fence_left = _fence_times(marker, phase, julian_day(now))
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
        attention=(*attention(seen, pair, phase), *broken, *stuck, *unusable_module(pair, phase, schema_file)),
        next="hotmig reset" if broken else None if stuck else next_command(seen, pair, phase),
        schema_edited=bool(pair.edited),
        data_migrations=pair.data,
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
        writes_fail=old.writes_fail,
        unfenced=old.unfenced,
    )


def _new_side(pair: Pair) -> NewSide:
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
        rows_expected=_expected(copies),
    )


def _expected(copies: tuple[TableCopy, ...] | None) -> int | None:
    counts = [copy.expected for copy in copies or () if copy.expected is not None]
    return sum(counts) if copies and len(counts) == len(copies) else None


def _hash_in_name(path: Path | None) -> str | None:
    parts = project.split(path) if path else None
    return parts[1] if parts else None


def _pending(pair: Pair) -> int | None:
    """Log rows that were not replayed yet; None where nothing is recorded or all was handed over."""
    if pair.old is None or pair.old.log_entries is None or pair.in_service or (pair.new and pair.new.problem):
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
    return None if marker is None else now - began(marker)
