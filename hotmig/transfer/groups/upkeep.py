"""Brings members and fates up to each snapshot that is read: the stale keys leave one group and join another."""

from __future__ import annotations

import sqlite3

from hotmig.errors import Refused
from hotmig.sqlite import conjunction, execute, value
from hotmig.transfer.bookkeeping import columns
from hotmig.transfer.conflicts import HINT
from hotmig.transfer.groups import fates
from hotmig.transfer.groups.fates import FATE, LIVE, MADE
from hotmig.transfer.groups.ranks import rank, select_homeless
from hotmig.transfer.groups.sql import GROUP, SEEN, GroupSql
from hotmig.transfer.key_sql import matches_as_stored, row_value
from hotmig.transfer.session import Session


def begin(session: Session) -> None:
    """Before the latest logged keys are looked at: no group is stale, no fate changed."""
    for group in session.groups:
        execute(session.db, f"DELETE FROM {group.stale}")
        execute(session.db, f"DELETE FROM {group.changed}")


def mark_latest(session: Session) -> None:
    """The group of every latest key has to be looked at again."""
    for group in session.groups:
        execute(session.db, f"INSERT OR IGNORE INTO {group.stale} SELECT *, 0 FROM {group.sql.latest}")


def mark_all(session: Session, group: GroupSql) -> None:
    """So has that of every row: for a table of which any row may have changed."""
    old = f"SELECT {', '.join(group.sql.source_key_of('o'))} FROM {group.sql.source} AS o"
    known = f"SELECT {', '.join(group.keys)} FROM {fates.members(group.step)}"
    for select in (old, known):
        execute(session.db, f"INSERT OR IGNORE INTO {group.sql.latest} {select}")
        execute(session.db, f"INSERT OR IGNORE INTO {group.stale} SELECT *, 0 FROM ({select})")


def refresh(session: Session, group: GroupSql) -> int:
    """Brings the groups of the stale keys up to the snapshot.

    Returns how many rows count as logged by that, and how many fates changed: children of these are to be looked for,
    in this very table too. Raises Refused where a rule's SQL fails on a row (a value that a function does not take).
    """
    try:
        return _refresh(session, group)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        what = f'table "{group.step.table.name}": a rule for rows that become one fails on a row that was written since'
        raise Refused(f"{what}: {error}", HINT) from error


def _refresh(session: Session, group: GroupSql) -> int:
    stale = f"SELECT {', '.join(group.keys)} FROM {group.stale} WHERE {SEEN} = 0"
    if value(session.db, f"SELECT 1 FROM ({stale}) LIMIT 1") is None:
        return 0
    session.regrouped.add(group.step.table.name)
    members = fates.members(group.step)
    execute(session.db, f"DELETE FROM {group.groups}")
    _collect(session, group)
    execute(session.db, f"DELETE FROM {members} WHERE {row_value(group.keys)} IN ({stale})")
    own = [f"+{name}" for name in fates.key_names(group.step, "s")]
    found = matches_as_stored(group.sql.source_key_of("o"), own, group.sql.source_collations)
    rows = f"{group.stale} AS s CROSS JOIN {group.sql.source} AS o ON {found}{group.sql.with_fates} WHERE s.{SEEN} = 0"
    execute(session.db, f"INSERT INTO {members} {group.select_members(rows)}")
    _collect(session, group)
    keys = ", ".join(f"m.{name}" for name in group.keys)
    in_groups = f"{group.groups} AS a CROSS JOIN {members} AS m ON {group.same_group('m', 'a')}"
    widened = execute(session.db, f"INSERT OR IGNORE INTO {group.sql.latest} SELECT {keys} FROM {in_groups}")
    rank(session, group)
    changed = adopt(session, group, f"{stale} UNION ALL {group.affected}")
    execute(session.db, f"UPDATE {group.stale} SET {SEEN} = 1 WHERE {SEEN} = 0")
    return max(widened.rowcount, 0) + changed


def _collect(session: Session, group: GroupSql) -> None:
    """The groups that the stale rows are members of."""
    into, names = (", ".join(f"{alias}{name}" for name in group.group_names) for alias in ("", "m."))
    is_stale = f"s.{SEEN} = 0 AND {group.same_key('m', 's')}"
    execute(
        session.db,
        f"INSERT OR IGNORE INTO {group.groups}({into}) SELECT {names}"
        f" FROM {group.stale} AS s CROSS JOIN {fates.members(group.step)} AS m ON {is_stale}",
    )


def adopt(session: Session, group: GroupSql, keys: str) -> int:
    """Makes the verdicts the fates of these old keys, and remembers which of them changed by that; returns how many."""
    table = fates.table(group.step)
    alike = f"{group.same_key('v', 'f')} AND {_same_fate(group, 'v', 'f')}"
    changed = 0
    for one, other in (("f", "v"), ("v", "f")):
        tables = {"f": table, "v": group.verdicts}
        own = ", ".join(f"{one}.{name}" for name in group.keys)
        cursor = execute(
            session.db,
            f"INSERT OR IGNORE INTO {group.changed} SELECT {own} FROM {tables[one]} AS {one}"
            f" WHERE {row_value([f'{one}.{name}' for name in group.keys])} IN ({keys})"
            f" AND NOT EXISTS (SELECT 1 FROM {tables[other]} AS {other} WHERE {alike})",
        )
        changed += max(cursor.rowcount, 0)
    execute(session.db, f"DELETE FROM {table} WHERE {row_value(group.keys)} IN ({keys})")
    if group.step.keys == "kept" and group.step.loses_rows:
        _unmap_losers(session, group, keys)
    write_down(session, group)
    return changed


def write_down(session: Session, group: GroupSql) -> None:
    """Makes the verdicts fates, where none of these rows has one."""
    execute(session.db, f"INSERT INTO {fates.table(group.step)} SELECT * FROM {group.verdicts}")
    if group.step.keys == "kept" and group.step.loses_rows:
        _map_losers(session, group)
    if group.grouping.create is not None:
        is_needed = select_homeless(group)
        execute(
            session.db,
            f"UPDATE {fates.created(group.step)} SET {LIVE} = {GROUP.format(1)} IN ({is_needed})"
            f" WHERE {GROUP.format(1)} IN (SELECT {GROUP.format(1)} FROM {group.groups})",
        )


def _same_fate(group: GroupSql, left: str, right: str) -> str:
    names = (FATE, MADE, *fates.winner_names(group.step))
    return conjunction(f"{left}.{name} IS {right}.{name}" for name in names)


def _unmap_losers(session: Session, group: GroupSql, keys: str) -> None:
    old, gone = columns("old_id", len(group.keys)), [f"g{number}" for number in range(1, len(group.keys) + 1)]
    listed = ", ".join(f"+{name}" for name in gone)
    execute(
        session.db,
        f"DELETE FROM main._id_mapping WHERE (table_name, {', '.join(old)}) IN"
        f" (WITH gone({', '.join(gone)}) AS ({keys}) SELECT {group.sql.label}, {listed} FROM gone)",
    )


def _map_losers(session: Session, group: GroupSql) -> None:
    """Where keys are kept only a row that is gone has a mapping, to the key of its winner: that of the old row."""
    names = ", ".join([*columns("old_id", len(group.keys)), *columns("new_id", len(group.keys))])
    values = ", ".join([*group.keys, *fates.winner_names(group.step)])
    execute(
        session.db,
        f"INSERT INTO main._id_mapping(table_name, {names})"
        f" SELECT {group.sql.label}, {values} FROM {group.verdicts} WHERE {fates.GONE}",
    )
