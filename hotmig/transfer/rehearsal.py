"""What a plan says of rows that become one is found by the very code that will do it, in a temporary database.

The old file is attached; nothing is written but temporary files, which have no name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hotmig.planning.group_facts import Equal, GroupFacts
from hotmig.planning.held import UniqueKey, is_unique_already, unique_keys
from hotmig.planning.model import CopyPlan
from hotmig.sqlite import TookTooLong, at_most, connect, execute, file_uri, fold, is_closed_wal, quote, value, waits
from hotmig.transfer import fates, groups
from hotmig.transfer.bookkeeping import create_id_mapping
from hotmig.transfer.group_build import fill_groups
from hotmig.transfer.group_ranks import rank
from hotmig.transfer.group_samples import SAMPLES, facts
from hotmig.transfer.group_sql import GroupSql, groups_of
from hotmig.transfer.group_tables import create_group_tables
from hotmig.transfer.old_rows import shown
from hotmig.transfer.ranges import ChunkSize, KeyRange, Stopwatch
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
    try:
        encoding = _encoding(old)
        execute(db, f"PRAGMA encoding = '{encoding}'")
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


def _encoding(old: Path) -> str:
    """Databases that are attached to one another have the same."""
    db = connect(old, "ro", immutable=is_closed_wal(old), patience=waits.seconds)
    try:
        found: str = value(db, "PRAGMA encoding")
        return found
    finally:
        db.close()


def rehearse(session: Session, seconds: float | None) -> None:
    """Finds every group and ranks it: in one snapshot, or where readers hold up writers in many short ones.

    What is written between these is not seen as of one moment; nothing is decided by it but what the plan says.
    """
    if seconds is None:
        execute(session.db, "BEGIN")
    for group in session.groups:
        _join(session, group, seconds)
        execute(session.db, group.index_members())
        _judge(session, group, seconds)
    if seconds is not None:
        _look_again(session)


def _look_again(session: Session) -> None:
    """At the groups that would stop the migration: in one snapshot, for the rest was read at several moments."""
    with session.snapshot():
        groups.begin(session)
        for group in session.groups:
            execute(session.db, f"DELETE FROM {group.sql.latest}")
            stopped = f"SELECT {', '.join(group.keys)}, 0 FROM {fates.table(group.step)} WHERE {fates.STOPPED}"
            execute(session.db, f"INSERT INTO {group.stale} {stopped}")
            groups.refresh(session, group)


def _join(session: Session, group: GroupSql, seconds: float | None) -> None:
    members, step = fates.members(group.step), group.sql

    def join(where: str) -> None:
        rows = f"{step.old_rows} WHERE {where}"
        execute(session.db, f"INSERT OR REPLACE INTO {members} {group.select_members(rows)}")

    if seconds is None:
        join("1")
    else:
        key = tuple(quote(name) for name in step.source_key.columns)
        _in_portions(session, KeyRange(session.db, step.source, key), step.source_key_of("o"), join)


def _judge(session: Session, group: GroupSql, seconds: float | None) -> None:
    def judge(where: str) -> None:
        fill_groups(session, group, where)
        rank(session, group)
        groups.write_down(session, group)

    if seconds is None:
        judge("1")
    else:
        walked = KeyRange(session.db, fates.members(group.step), group.group_names)
        _in_portions(session, walked, group.group_names, judge)


def _in_portions(session: Session, bounds: KeyRange, key: Sequence[str], work: Callable[[str], None]) -> None:
    bounds.begin()
    size, more = ChunkSize.for_session(session), True
    while more:
        with session.snapshot():
            watch = Stopwatch()
            more = bounds.extend(size.rows)
            work(bounds.where(key))
            if more:
                bounds.advance()
        size.took(watch.seconds())
        session.let_writers_in()


def found_facts(session: Session, seconds: float | None) -> tuple[GroupFacts, ...]:
    """What became of the rows of each table that has groups, or that follows one."""
    known = []
    for step in session.steps:
        group = session.group(step)
        equal: tuple[Equal, ...] = ()
        with suppress(TookTooLong), at_most(session.db, seconds):
            equal = tuple(_equal(session, step, certain=seconds is None))  # else the new table's own keys find them
        if group is not None:
            known.append(GroupFacts(step.step.table.name, facts(session, group, seconds).counted, equal))
        elif equal:
            known.append(GroupFacts(step.step.table.name, (), equal))
    return tuple(known)


def is_affected(plan: CopyPlan, step: StepSql) -> bool:
    """Whether the rows of a table are fewer, or lead elsewhere, once others have become one."""
    parents = (plan.step(one.parent) for one in step.step.translations)
    return step.step.grouping is not None or any(parent is not None and parent.loses_rows for parent in parents)


def _equal(session: Session, step: StepSql, *, certain: bool) -> Iterator[Equal]:
    if not is_affected(session.plan, step):
        return
    for key in unique_keys(step.step.table):
        parts = _parts(step, key)
        if parts is None or is_unique_already(step.step, key) or _is_made_distinct(step, key):
            continue
        named = [f"u{number}" for number in range(1, len(parts) + 1)]
        values = ", ".join(f"{sql} AS {name}" for (sql, _), name in zip(parts, named, strict=True))
        terms = ", ".join(
            f"{name} COLLATE {quote(collation)}" for name, (_, collation) in zip(named, parts, strict=True)
        )
        given = " AND ".join(f"{name} IS NOT NULL" for name in named)
        same = (
            f"SELECT count(*) AS n, {', '.join(named)} FROM (SELECT {values} FROM {step.old_rows} WHERE {step.stays})"
            f" WHERE {given} GROUP BY {terms} HAVING count(*) > 1"
        )
        rows = value(session.db, f"SELECT sum(n) FROM ({same})")
        if rows:
            samples = execute(session.db, f"SELECT {', '.join(named)} FROM ({same}) LIMIT {SAMPLES}").fetchall()
            yield Equal(key.title, rows, tuple(map(shown, samples)), certain)


def _is_made_distinct(step: StepSql, key: UniqueKey) -> bool:
    """Whether it is the very key of the groups, and only one row of each stays."""
    grouping = step.step.grouping
    if grouping is None or grouping.losers is not None:
        return False
    own = {fold(part.name or "") for part in key.columns}
    if grouping.merges_by is not None:
        # A Merge goes by its column letter by letter: what a wider collation takes for the same stays apart.
        return own == {fold(grouping.merges_by)} and all(part.collation == "BINARY" for part in key.columns)
    return {fold(name) for name, _ in grouping.key} == own


def _parts(step: StepSql, key: UniqueKey) -> list[tuple[str, str]] | None:
    """What tells the values of each column apart, with its collation; None where only the copy can tell."""
    if key.where is not None or any(part.name is None for part in key.columns):
        return None
    found = []
    for part in key.columns:
        column = step.step.column(part.name or "")
        translation = next((t for t in step.step.translations if fold(part.name or "") in map(fold, t.targets)), None)
        if translation is not None:
            found += [(sql, "BINARY") for sql in step.survivor(translation)]
        elif column is None or column.expression is None:
            return None
        else:
            found.append((f"({step.value(column)})", part.collation))
    return found
