"""``plan``: everything that ``migrate`` will do, and what stands in its way; nothing is changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from hotmig import project, units
from hotmig.capture.log import log_problem
from hotmig.capture.marker import Marker, has_triggers
from hotmig.capture.names import LOG
from hotmig.catalog.fingerprint import canonical, digest, equal
from hotmig.catalog.own import has_own_table
from hotmig.catalog.read import read_catalog, reserved_strangers
from hotmig.errors import HotmigError
from hotmig.phases.data_walk import marks_of
from hotmig.phases.last_run import other_module
from hotmig.phases.locate import Location
from hotmig.phases.migration import cut_in_two, file_size
from hotmig.phases.rehearsal import find_groups
from hotmig.phases.settled import has_data_migrations
from hotmig.planning import checks
from hotmig.planning.checking import LIVE, UNFINISHED, Context, Facts
from hotmig.planning.checks.disk_space import NEEDED
from hotmig.planning.copy_plan import build_plan
from hotmig.planning.data_marks import Known, pending
from hotmig.planning.diff import supported
from hotmig.planning.group_facts import GroupFacts
from hotmig.planning.model import Answer, CopyPlan, Finding, Probe
from hotmig.planning.pages import goes_by_pages
from hotmig.planning.sameness import nothing_to_do, same_schema
from hotmig.schema.model import DataMigration, Schema
from hotmig.sqlite import SHORT_READ_SECONDS, TookTooLong, at_most, execute, is_closed_wal, quote, reading, value
from hotmig.transfer.bookkeeping import built_catalog, read_hints
from hotmig.transfer.groups.rehearsal import Rehearsal
from hotmig.transfer.marks import read_known, read_marks
from hotmig.transfer.value_maps import create_value_maps

CHANGED = "whose schema was changed by hand since it was made"


@dataclass(frozen=True)
class PlanResult:
    """``rows`` are those of each new table's source, without the ones written since; ``prerequisites`` are
    (name, what it is, whether it is fine)."""

    runnable: bool
    nothing_to_do: bool
    directory: Path
    schema: Path
    old: Path | None
    new: Path
    schema_hash: str
    schema_commit: str | None
    plan: CopyPlan | None
    rows: dict[str, int]
    findings: tuple[Finding, ...]
    differences: tuple[str, ...]
    prerequisites: tuple[tuple[str, str, bool], ...]
    data_migrations: tuple[Known, ...] = ()  # that are pending, in their order
    groups: tuple[GroupFacts, ...] = ()  # what becomes of rows of which several become one
    report: Path | None = None  # where they are written down one by one
    rehearsal: Rehearsal | None = None  # that found this out, for whoever carries the plan out
    wal: bool = True  # whether the old database is in that mode
    by_pages: bool = False  # whether it is copied as a whole, where it is

    @property
    def copies_pages(self) -> bool:
        """Whether ``migrate`` copies the whole file, unless it is throttled."""
        return self.by_pages and self.wal


def plan(
    location: Location,
    *,
    long_reads: bool = False,
    extensions: tuple[str, ...] = (),
    report: Path | None = None,
    keep: ExitStack | None = None,
    only_blocking: bool = False,
) -> PlanResult:
    """Plans the migration from the live database to the schema module's.

    In rollback-journal mode a question to the data that takes longer than 0.08 s is given up, unless ``long_reads``.
    ``report`` is a file for what becomes of rows that become one, row by row; ``keep`` is how long
    the rehearsal of these stays open; ``only_blocking`` spares the questions whose answers are only told.
    Raises Refused between the two commits of a cutover.
    """
    schema, old = location.schema, location.old
    if schema is None or old is None:
        raise HotmigError("there is nothing to plan from", "`hotmig status` says what is there")
    if location.marker is not None and location.marker.status == "retired":
        raise cut_in_two()
    result = PlanResult(
        runnable=True,
        nothing_to_do=True,
        directory=location.directory,
        schema=location.schema_file,
        old=old,
        new=location.new,
        schema_hash=schema.hash,
        schema_commit=project.commit_of(location.schema_file),
        plan=None,
        rows={},
        findings=(),
        differences=(),
        prerequisites=(),
    )
    with reading(old, extensions=extensions) as db:
        return _planned(result, location, schema, db, long_reads, extensions, report, keep, only_blocking)


def _planned(
    result: PlanResult,
    location: Location,
    schema: Schema,
    db: sqlite3.Connection,
    long_reads: bool,
    extensions: tuple[str, ...],
    report: Path | None,
    keep: ExitStack | None,
    only_blocking: bool,
) -> PlanResult:
    used = read_hints(db)
    wanted = build_plan(read_catalog(db), schema, used)
    context = Context(wanted, schema, _facts(location, db, wanted), (), used)
    seconds = None if long_reads or context.facts.journal_mode == "wal" else SHORT_READ_SECONDS
    create_value_maps(db, wanted.steps)
    questions = [each for each in checks.probes(context) if not (only_blocking and each.only_told)]
    context = replace(context, answers=tuple(_answer(db, question, seconds) for question in questions))
    context, rehearsal = find_groups(context, result.old or location.new, seconds, extensions, report, keep)
    idle = location.marker is None and (nothing_to_do(context) or _was_made_so(location, wanted))
    idle = idle and has_data_migrations(db, schema)
    findings = () if idle else checks.findings(context)
    return replace(
        result,
        runnable=not any(finding.severity == "block" for finding in findings),
        nothing_to_do=idle,
        plan=wanted,
        rows=dict(_rows(db, wanted, seconds)),
        findings=findings,
        differences=supported(wanted),
        prerequisites=tuple(_prerequisites(location, context.facts, db)),
        data_migrations=tuple(Known(each.name, each.when) for each in _pending(location, schema)),
        groups=context.groups or (),
        report=report if context.groups is not None else None,
        rehearsal=rehearsal,
        wal=context.facts.journal_mode == "wal",
        by_pages=goes_by_pages(wanted, size=context.facts.old_size, free=context.facts.old_free),
    )


def _pending(location: Location, schema: Schema) -> tuple[DataMigration, ...]:
    marks = marks_of(schema, location.old, location.new if location.marker is not None else None)
    return pending(schema.data_migrations, marks)


def _was_made_so(location: Location, wanted: CopyPlan) -> bool:
    """Whether the database was made from this very module: what became of its seed rows is the application's affair."""
    return location.nothing_to_do and same_schema(wanted)


def _answer(db: sqlite3.Connection, probe: Probe, seconds: float | None) -> Answer:
    try:
        with at_most(db, seconds):
            return Answer(probe, tuple(execute(db, probe.sql, probe.parameters).fetchall()))
    except TookTooLong as late:
        return Answer(probe, (), str(late), cut_short=True)
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise
        return Answer(probe, (), str(error))


def _facts(location: Location, db: sqlite3.Connection, wanted: CopyPlan) -> Facts:
    old = Path(os.path.realpath(location.old or location.new))
    built = built_catalog(db)
    drifted = built is not None and built != digest(canonical(read_catalog(db)))
    under_way = location.marker.target if location.marker and location.building != location.new else None
    begun_with = other_module(location.directory, under_way, location.schema_file) if under_way is not None else None
    return Facts(
        # Nobody has a closed WAL database open; it is read immutable then, and says "delete".
        journal_mode="wal" if is_closed_wal(old) else value(db, "PRAGMA journal_mode"),
        old_file=old.name,
        old_names=old.stat().st_nlink,
        old_size=file_size(old),
        old_free=value(db, "PRAGMA freelist_count") * value(db, "PRAGMA page_size"),
        disk_free=shutil.disk_usage(location.new.parent).free + _built_so_far(location),
        user_id=os.geteuid(),
        owner_id=old.stat().st_uid,
        foreign_group=None if _in_group(old.stat().st_gid) else old.stat().st_gid,
        read_only=tuple(str(path) for path in (location.new.parent, old) if not os.access(path, os.W_OK)),
        target=location.new.name,
        target_taken=_taken(location, wanted),
        under_way=under_way,
        begun_with=str(begun_with) if begun_with is not None else None,
        left_behind=location.marker is None and (has_own_table(db, LOG) or has_triggers(db)),
        log_problem=None if location.marker is None else log_problem(db),
        strangers=reserved_strangers(db),
        functions=frozenset(row[0] for row in execute(db, "SELECT DISTINCT name FROM pragma_function_list")),
        collations=frozenset(row[0] for row in execute(db, "SELECT name FROM pragma_collation_list")),
        drifted=("its catalog is not the one that it was built with",) if drifted else (),
        # A skip alone makes the table for marks too.
        has_marks=bool(read_known(db)) or any(mark.applied_utc for mark in read_marks(db)),
    )


def _built_so_far(location: Location) -> int:
    """What the unfinished new file of this migration takes already, in bytes, under whatever name."""
    if location.building != location.new:
        return 0
    files = (location.new, *project.unfinished_files(location.new))
    return sum(file_size(each) for each in files if each.is_file())


def _in_group(group: int) -> bool:
    return group == os.getegid() or group in os.getgroups()


def _taken(location: Location, wanted: CopyPlan) -> str | None:
    """What stands under the new database's name, unless it is this migration's own unfinished file."""
    for path in (location.new, *project.side_files(location.new)):
        if path.is_dir():
            return "a directory" if path == location.new else f"no name to be had while {path.name} is a directory"
    if not os.path.lexists(location.new):
        return None
    if location.new == location.old:
        # The name says that it has this schema.
        what = "which has this very schema" if equal(wanted.old, wanted.new) else CHANGED
        return f"{LIVE}, {what}"
    if location.marker is not None and location.marker.target == location.new.name:
        return None
    found = next((file for file in location.files if file.path == location.new), None)
    if found is None or found.status is None:
        return "a file that is no database of hotmig"
    if found.status == "migrating" and location.marker is None:
        return UNFINISHED
    return f"a database that is {found.status}"


def _rows(db: sqlite3.Connection, wanted: CopyPlan, seconds: float | None) -> Iterator[tuple[str, int]]:
    """The rows of each source; a table that takes too long to count is left out."""
    for step in wanted.steps:
        if step.source is not None:
            with suppress(TookTooLong), at_most(db, seconds):
                yield step.table.name, value(db, f"SELECT count(*) FROM {quote(step.source.name)}")


def _prerequisites(location: Location, facts: Facts, db: sqlite3.Connection) -> Iterator[tuple[str, str, bool]]:
    marker = location.marker
    yield "marker", _marker(marker) if marker else "none: recording has not begun", True
    yield _log(has_log=has_own_table(db, LOG), has_marker=marker is not None)
    yield "target path", str(location.new) if not facts.target_taken else facts.target_taken, not facts.target_taken
    yield "journal mode", facts.journal_mode, True
    size, free = facts.old_size or 0, facts.disk_free or 0
    yield "disk", f"{units.size(free)} free, the database has {units.size(size)}", free > size * NEEDED


def _log(*, has_log: bool, has_marker: bool) -> tuple[str, str, bool]:
    if has_log != has_marker:
        return "log", "gone" if has_marker else "left without its marker", False
    return "log", "present" if has_log else "none yet", True


def _marker(marker: Marker) -> str:
    """Its time is when recording began, whatever came after."""
    joined = " since " if marker.status == "recording" else "; the migration began "
    return f"{marker.status}{joined}{marker.started_utc}"
