"""What a plan says of rows that become one is found by the very code that will do it, in a temporary database.

The old file is attached; nothing is written but temporary files, which have no name.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hotmig.planning.group_facts import GroupFacts, Unfit
from hotmig.planning.model import CopyPlan
from hotmig.schema.model import Schema
from hotmig.sqlite import connect, execute, file_uri, is_closed_wal, quote, value, waits
from hotmig.transfer.bookkeeping import create_id_mapping
from hotmig.transfer.groups import fates, upkeep
from hotmig.transfer.groups.build import fill_groups, fill_members, walk
from hotmig.transfer.groups.ranks import rank
from hotmig.transfer.groups.samples import facts
from hotmig.transfer.groups.sql import GroupSql, groups_of
from hotmig.transfer.groups.tables import create_group_tables
from hotmig.transfer.judged.court import Court
from hotmig.transfer.judged.equal_rows import equal_rows
from hotmig.transfer.judged.lost_references import lost_references
from hotmig.transfer.judged.made_rows import unfit_made_rows
from hotmig.transfer.judged.set_rows import unfit_set_rows
from hotmig.transfer.ranges import KeyRange
from hotmig.transfer.session import Session, unrecorded
from hotmig.transfer.step_sql import StepSql, steps_with_source
from hotmig.transfer.value_maps import create_value_maps

# Half of a session's: the plan has a connection of its own beside this one, and aliases in either.
CACHE_KIB, OLD_CACHE_KIB = 16 * 1024, 8 * 1024


@dataclass
class Rehearsal:
    """``version`` is what PRAGMA data_version said of the old file before it was read, None where it can't tell.

    ``holds`` is whether the old database was still as it was read when recording began.
    """

    session: Session
    version: int | None
    holds: bool = False

    def compare(self) -> None:
        """Under the write lock of the old database, and before anything is changed in it."""
        self.holds = value(self.session.db, "PRAGMA old.data_version") == self.version


@contextmanager
def rehearsed(
    old: Path, plan: CopyPlan, extensions: tuple[str, ...] = (), *, to_be_kept: bool = False
) -> Iterator[Rehearsal]:
    """A session in which nothing is copied, and every group is found.

    ``to_be_kept``: for whoever may write to the old file, and carries the plan out. It is then opened as an application
    would where nobody has it open, for what is read immutable does not tell whether it was written to.
    """
    db = connect("", "rwc", extensions=extensions, patience=waits.seconds)
    # A reference to no row is for other checks to tell.
    db.create_function("hotmig_orphan", 0, lambda: None, deterministic=True)
    try:
        for sql in _settings(old):
            execute(db, sql)
        execute(db, "PRAGMA temp_store = FILE")
        execute(db, f"PRAGMA cache_size = -{CACHE_KIB}")
        execute(db, "PRAGMA main.journal_mode = OFF")  # nothing is ever rolled back to
        is_closed = is_closed_wal(old)
        mode = "ro" if not is_closed else "rw" if to_be_kept else "ro&immutable=1"
        execute(db, "ATTACH ? AS old", (file_uri(old, f"mode={mode}"),))
        execute(db, f"PRAGMA old.cache_size = -{OLD_CACHE_KIB}")
        create_id_mapping(db, plan)
        create_group_tables(db, plan)
        steps = steps_with_source(plan)
        create_value_maps(db, plan.steps)
        found = groups_of(steps)
        for step in steps:
            for sql in step.create:
                execute(db, sql)
        for group in found:
            for sql in group.create_temporary:
                execute(db, sql)
        wal = is_closed or value(db, "PRAGMA old.journal_mode") == "wal"
        version = value(db, "PRAGMA old.data_version") if to_be_kept else None
        yield Rehearsal(Session(db, plan, steps, wal, waits.seconds, "", unrecorded, groups=found), version)
    finally:
        db.close()


def _settings(old: Path) -> tuple[str, ...]:
    """Databases that are attached to one another have the same encoding; by the rest the new file can be this one's."""
    db = connect(old, "ro", immutable=is_closed_wal(old), patience=waits.seconds)
    try:
        names = ("encoding", "page_size", "auto_vacuum")
        return tuple(f"PRAGMA main.{name} = {quote(str(value(db, f'PRAGMA {name}')))}" for name in names)
    finally:
        db.close()


def rehearse(session: Session, seconds: float | None) -> None:
    """Finds every group and ranks it: in one snapshot, or where readers hold up writers in many short ones.

    What is written between these is not seen as of one moment; nothing is decided by it but what the plan says.
    """
    if seconds is None:
        execute(session.db, "BEGIN")
    for group in session.groups:
        try:
            _join(session, group, seconds)
            execute(session.db, group.index_members)
            _judge(session, group, seconds)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            raise sqlite3.OperationalError(f"{group.step.table.name}: {error}") from error
    if seconds is not None:
        _look_again(session)


def _look_again(session: Session) -> None:
    """At the groups that would stop the migration: in one snapshot, for the rest was read at several moments."""
    with session.snapshot():
        upkeep.begin(session)
        for group in session.groups:
            execute(session.db, f"DELETE FROM {group.sql.latest}")
            stopped = f"SELECT {', '.join(group.keys)}, 0 FROM {fates.table(group.step)} WHERE {fates.STOPPED}"
            execute(session.db, f"INSERT INTO {group.stale} {stopped}")
            upkeep.refresh(session, group)


def _join(session: Session, group: GroupSql, seconds: float | None) -> None:
    step = group.sql
    if seconds is None:
        fill_members(session, group, "1")
    else:
        rows = KeyRange(session.db, step.source, tuple(quote(name) for name in step.source_key.columns))
        key = step.source_key_of("o")
        walk(session, None, rows, lambda bounds: fill_members(session, group, bounds.where(key)))


def _judge(session: Session, group: GroupSql, seconds: float | None) -> None:
    def judge(where: str) -> None:
        fill_groups(session, group, where)
        rank(session, group)
        upkeep.write_down(session, group)

    if seconds is None:
        judge("1")
    else:
        members = KeyRange(session.db, fates.members(group.step), group.group_names)
        walk(session, None, members, lambda bounds: judge(bounds.where(group.group_names)))


def found_facts(session: Session, seconds: float | None, schema: Schema | None) -> tuple[GroupFacts, ...]:
    """What became of the rows of each table that has groups, or that follows one.

    Whether the new tables take that is not asked without ``schema``.
    """
    known = []
    for step in session.steps:
        if not session.plan.is_affected(step.step):
            continue
        group, court = session.group(step), Court(session.db, seconds)
        counted = facts(session, group, seconds).counted if group is not None else ()
        equal = tuple(equal_rows(court, step)) if schema is not None else ()
        unfit = tuple(_unfit(court, session, step, schema)) if schema is not None else ()
        if group is not None or equal or unfit or court.unjudged:
            known.append(GroupFacts(step.step.table.name, counted, equal, unfit, tuple(court.unjudged)))
    return tuple(known)


def _unfit(court: Court, session: Session, step: StepSql, schema: Schema) -> Iterator[Unfit]:
    group = session.group(step)
    if group is not None:
        yield from unfit_made_rows(court, session, group, schema)
    yield from unfit_set_rows(court, step)
    yield from lost_references(court, step)
