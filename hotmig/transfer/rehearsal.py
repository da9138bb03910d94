"""What a plan says of rows that become one is found by the very code that will do it, in a temporary database.

The old file is attached and read in one snapshot; nothing is written but temporary files, which have no name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotmig.planning.group_facts import Equal, GroupFacts
from hotmig.planning.held import UniqueKey, unique_keys
from hotmig.planning.model import CopyPlan
from hotmig.sqlite import connect, execute, file_uri, fold, is_closed_wal, quote, value, waits
from hotmig.transfer import fates, groups
from hotmig.transfer.bookkeeping import create_id_mapping
from hotmig.transfer.group_build import fill_groups
from hotmig.transfer.group_report import SAMPLES, facts
from hotmig.transfer.group_sql import groups_of
from hotmig.transfer.group_tables import create_group_tables
from hotmig.transfer.old_rows import shown
from hotmig.transfer.session import Session, unrecorded
from hotmig.transfer.step_sql import StepSql, steps_with_source
from hotmig.transfer.value_maps import create_value_maps


@contextmanager
def rehearsed(old: Path, plan: CopyPlan, extensions: tuple[str, ...] = ()) -> Iterator[Session]:
    """A session in which nothing is copied, and every group is found."""
    db = connect("", "rwc", extensions=extensions, patience=waits.seconds)
    try:
        encoding = _encoding(old)
        execute(db, f"PRAGMA encoding = '{encoding}'")
        execute(db, "PRAGMA temp_store = FILE")
        immutable = "&immutable=1" if is_closed_wal(old) else ""
        execute(db, "ATTACH ? AS old", (file_uri(old, f"mode=ro{immutable}"),))
        create_id_mapping(db, plan)
        create_group_tables(db, plan)
        steps = steps_with_source(plan)
        create_value_maps(db, plan.steps)
        found = groups_of(steps)
        for sql in (*(sql for group in found for sql in group.create_temporary),):
            execute(db, sql)
        yield Session(db, plan, steps, True, waits.seconds, "", unrecorded, groups=found)
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


def rehearse(session: Session) -> None:
    """Finds every group and ranks it, inside one transaction."""
    for group in session.groups:
        rows = f"{group.sql.source} AS o"
        execute(session.db, f"INSERT INTO {fates.members(group.step)} {group.select_members(rows)}")
        execute(session.db, group.index_members)
        fill_groups(session, group, "1")
        groups.rank(session, group)
        groups.write_down(session, group)


def found_facts(session: Session) -> tuple[GroupFacts, ...]:
    """What became of the rows of each table that has groups, or that follows one."""
    known = []
    for step in session.steps:
        group = session.group(step)
        equal = tuple(_equal(session, step))
        if group is not None:
            known.append(GroupFacts(step.step.table.name, facts(session, group).counted, equal))
        elif equal:
            known.append(GroupFacts(step.step.table.name, (), equal))
    return tuple(known)


def is_affected(plan: CopyPlan, step: StepSql) -> bool:
    """Whether the rows of a table are fewer, or lead elsewhere, once others have become one."""
    parents = (plan.step(one.parent) for one in step.step.translations)
    return step.step.grouping is not None or any(parent is not None and parent.loses_rows for parent in parents)


def _equal(session: Session, step: StepSql) -> Iterator[Equal]:
    if not is_affected(session.plan, step):
        return
    for key in unique_keys(step.step.table):
        parts = _parts(step, key)
        if parts is None:
            continue
        named = [f"u{number}" for number in range(1, len(parts) + 1)]
        values = ", ".join(f"{sql} AS {name}" for (sql, _), name in zip(parts, named, strict=True))
        alive = f"NOT {fates.is_gone(step.step, step.source_key_of('o'))}" if step.step.loses_rows else "1"
        terms = ", ".join(
            f"{name} COLLATE {quote(collation)}" for name, (_, collation) in zip(named, parts, strict=True)
        )
        given = " AND ".join(f"{name} IS NOT NULL" for name in named)
        same = (
            f"SELECT count(*) AS n, {', '.join(named)} FROM (SELECT {values} FROM {step.source} AS o WHERE {alive})"
            f" WHERE {given} GROUP BY {terms} HAVING count(*) > 1"
        )
        rows = value(session.db, f"SELECT sum(n) FROM ({same})")
        if rows:
            samples = execute(session.db, f"SELECT {', '.join(named)} FROM ({same}) LIMIT {SAMPLES}").fetchall()
            yield Equal(key.title, rows, tuple(map(shown, samples)))


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
