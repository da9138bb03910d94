"""Rows that a Merge makes: put in when the first group needs them, taken out when no group does any more."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from hotmig.catalog.model import ForeignKey
from hotmig.errors import Refused
from hotmig.sqlite import Row, conjunction, execute, fold, quote, same, value
from hotmig.transfer.conflicts import PROOF_HINT, explain_conflict
from hotmig.transfer.groups import fates
from hotmig.transfer.groups.fates import LEVEL, LIVE, PLANTED
from hotmig.transfer.groups.sql import ALIAS, GROUP, GroupSql
from hotmig.transfer.key_sql import matches
from hotmig.transfer.misfits import SAMPLES
from hotmig.transfer.old_rows import shown
from hotmig.transfer.references import parentless
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql
from hotmig.units import counted

PARENT_HINT = (
    "make that row in the old database, then run the same command again; or name another in create=, and begin anew"
    " with `hotmig reset` and `hotmig migrate`"
)

TAKEN_HINT = (
    "give them other keys in the old database, or take them away, then run the same command again; or have create= make"
    " keys that no row gets (lower(hex(randomblob(16)))), and begin anew with `hotmig reset` and `hotmig migrate`"
)


def plant_created(session: Session, step: StepSql) -> int:
    """Inserts those that are needed and not there; returns how many."""
    group = session.group(step)
    if group is None or group.grouping.create is None:
        return 0
    table = fates.created(step.step)
    with explain_conflict(session, step.step):
        try:
            cursor = execute(session.db, insert_made(group, step.target, f"n.{LIVE} AND NOT n.{PLANTED}"))
        except sqlite3.IntegrityError:
            _refuse_taken(session, step, group)
            raise
    execute(session.db, f"UPDATE {table} SET {PLANTED} = 1 WHERE {LIVE}")
    return max(cursor.rowcount, 0)


def _refuse_taken(session: Session, step: StepSql, group: GroupSql) -> None:
    """Raises Refused where a row that is there has the key of one that is to be made now; its own was not logged."""
    key = ", ".join(step.target_key_of("t"))
    same_key = matches(step.target_key_of("t"), [f"+{name}" for name in made_key(group)], step.target_collations)
    taken = execute(
        session.db,
        f"SELECT {key} FROM {fates.created(step.step)} AS n CROSS JOIN {step.target} AS t ON {same_key}"
        f" WHERE n.{LIVE} AND NOT n.{PLANTED} LIMIT {SAMPLES}",
    ).fetchall()
    _refuse(step, "rows stand", taken)


def require_free_keys(session: Session, step: StepSql) -> None:
    """Raises Refused where a logged row has the very key that was given to a row that is made, and is needed."""
    group = session.group(step)
    if group is None or group.grouping.create is None or step.step.keys != "kept":
        return
    same_key = matches(made_key(group), [f"+{name}" for name in step.new_key_of("r")])
    taken = execute(
        session.db,
        f"SELECT {', '.join(step.new_key_of('r'))} FROM {step.rows} AS r CROSS JOIN {fates.created(step.step)} AS n"
        f" ON {same_key} WHERE n.{LIVE} LIMIT {SAMPLES}",
    ).fetchall()
    _refuse(step, "rows were written", taken)


def _refuse(step: StepSql, who: str, taken: Sequence[Row]) -> None:
    if taken:
        what = f'table "{step.step.table.name}": {who} under keys that create= gave to rows that are made'
        raise Refused(what, TAKEN_HINT, rows=f": {', '.join(map(shown, taken))}")


def insert_made(group: GroupSql, target: str, where: str) -> str:
    """The INSERT of those made rows ``n`` for which the condition holds."""
    columns = ", ".join(quote(name) for name, _ in made_columns(group))
    values = ", ".join(f"n.{name}" for _, name in made_columns(group))
    made = f"{fates.created(group.step)} AS n"
    return f"INSERT OR ABORT INTO {target}({columns}) SELECT {values} FROM {made} WHERE {where}"


def doom_created(session: Session, step: StepSql) -> None:
    """Puts the new keys of those that are not needed any more into the table of the doomed."""
    group = session.group(step)
    if group is None or group.grouping.create is None:
        return
    table = fates.created(step.step)
    key = ", ".join(made_key(group))
    execute(session.db, f"INSERT INTO {step.doomed} SELECT {key} FROM {table} AS n WHERE n.{PLANTED} AND NOT n.{LIVE}")
    execute(session.db, f"UPDATE {table} SET {PLANTED} = 0 WHERE NOT {LIVE}")


def is_created(session: Session, step: StepSql, key: tuple[str, ...]) -> str:
    """Whether the row with that new key is one that was made."""
    group = session.group(step)
    if group is None or group.grouping.create is None:
        return "0"
    # A name of its own: under that of the row outside, each row would be compared with itself.
    found = matches(made_key(group, "_made"), [f"+{name}" for name in key])
    return f"EXISTS (SELECT 1 FROM {fates.created(step.step)} AS _made WHERE _made.{PLANTED} AND {found})"


def prove_created(session: Session, step: StepSql) -> None:
    """Raises Refused where one is not as it was made, or is not asked for by a group of aliases.

    Where a logged group is yet to be replayed its row is not looked at; which groups there are is known all the same.
    """
    group = session.group(step)
    if group is None or group.grouping.create is None:
        return
    table = fates.created(step.step)
    found = matches(step.target_key_of("t"), made_key(group), step.target_collations)
    alike = conjunction(same(f"t.{quote(name)}", f"n.{own}") for name, own in made_columns(group))
    is_there = f"EXISTS (SELECT 1 FROM {step.target} AS t WHERE {found} AND {alike})"
    for what, where in (
        ("lacks {} that Merge made", f"n.{LIVE} AND n.{PLANTED} AND NOT {is_there}"),
        ("has {} made by Merge without need, or lacks one", f"n.{LIVE} IS NOT {_is_asked_for(group)}"),
    ):
        wrong = value(session.db, f"SELECT count(*) FROM {table} AS n WHERE {where}")
        if wrong:
            told = what.format(counted(wrong, "row"))
            raise Refused(f'the proof failed: table "{step.step.table.name}" {told}', PROOF_HINT)


def _is_asked_for(group: GroupSql) -> str:
    """Whether the group of ``n`` has aliases only."""
    members = (
        f"SELECT min(m.{LEVEL}) FROM {fates.members(group.step)} AS m WHERE m.{GROUP.format(1)} = n.{GROUP.format(1)}"
    )
    return f"(coalesce(({members}), 0) = {ALIAS})"


def prove_parents(session: Session, touched: Sequence[StepSql] | None = None) -> None:
    """Raises Refused where a row that was made refers to no row: no old row has that reference, and so no log names it.

    ``touched`` are the tables of which a replay changed rows, None for all.
    """
    changed = None if touched is None else {fold(step.step.table.name) for step in touched}
    for group in session.groups:
        given = {fold(name): f"n.{own}" for name, own in made_columns(group)} if group.grouping.create else {}
        for key in group.step.table.foreign_keys:
            values = [given[fold(name)] for name in key.columns if fold(name) in given]
            either = {fold(key.parent), fold(group.step.table.name)}
            if len(values) == len(key.columns) and (changed is None or changed & either):
                _require_parents(session, group, key, values)


def _require_parents(session: Session, group: GroupSql, key: ForeignKey, values: Sequence[str]) -> None:
    """Most of them have the same parent: each is looked for once."""
    named = [f"r{number}" for number in range(1, len(values) + 1)]
    listed = ", ".join(f"{sql} AS {name}" for sql, name in zip(values, named, strict=True))
    referred = f"SELECT DISTINCT {listed} FROM {fates.created(group.step)} AS n WHERE n.{LIVE} AND n.{PLANTED}"
    wrong = execute(
        session.db, f"SELECT * FROM ({referred} LIMIT -1) WHERE {parentless(key, named)} LIMIT {SAMPLES}"
    ).fetchall()
    if wrong:
        what = f'a row that Merge makes for table "{group.step.table.name}" refers by {", ".join(key.columns)}'
        raise Refused(f'{what} to no row of "{key.parent}"', PARENT_HINT, rows=f": {', '.join(map(shown, wrong))}")


def made_columns(group: GroupSql) -> list[tuple[str, str]]:
    """(column of the new table, column of the table of made rows)."""
    create = [(name, quote(name)) for name, _ in group.grouping.create or ()]
    return [(group.grouping.merges_by or "", GROUP.format(1)), *create]


def made_key(group: GroupSql, alias: str = "n") -> tuple[str, ...]:
    """The new key of the made row under the alias."""
    names = {fold(name): own for name, own in made_columns(group)}
    return tuple(f"{alias}.{names[fold(name)]}" for name in group.step.new_key)
