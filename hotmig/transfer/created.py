"""Rows that a Merge makes: put in when the first group needs them, taken out when no group does any more."""

from __future__ import annotations

from collections.abc import Sequence

from hotmig.catalog.model import ForeignKey
from hotmig.errors import Refused
from hotmig.sqlite import conjunction, execute, fold, quote, same, value
from hotmig.transfer import fates
from hotmig.transfer.conflicts import HINT, explain_conflict
from hotmig.transfer.group_sql import GROUP, GroupSql
from hotmig.transfer.misfits import SAMPLES
from hotmig.transfer.old_rows import shown
from hotmig.transfer.references import parentless
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql, matches
from hotmig.units import counted

PARENT_HINT = (
    "make that row in the old database, then run the same command again; or name another in create=, and begin anew"
    " with `hotmig reset` and `hotmig migrate`"
)


def plant_created(session: Session, step: StepSql) -> int:
    """Inserts those that are needed and not there; returns how many."""
    group = session.group(step)
    if group is None or group.grouping.create is None:
        return 0
    table = fates.created(step.step)
    with explain_conflict(session, step.step):
        cursor = execute(session.db, insert_made(group, step.target, "n.live AND NOT n.planted"))
    execute(session.db, f"UPDATE {table} SET planted = 1 WHERE live")
    return max(cursor.rowcount, 0)


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
    execute(session.db, f"INSERT INTO {step.doomed} SELECT {key} FROM {table} AS n WHERE n.planted AND NOT n.live")
    execute(session.db, f"UPDATE {table} SET planted = 0 WHERE NOT live")


def is_created(session: Session, step: StepSql, key: tuple[str, ...]) -> str:
    """Whether the row with that new key is one that was made."""
    group = session.group(step)
    if group is None or group.grouping.create is None:
        return "0"
    found = matches(made_key(group), [f"+{name}" for name in key])
    return f"EXISTS (SELECT 1 FROM {fates.created(step.step)} AS n WHERE n.planted AND {found})"


def prove_created(session: Session, step: StepSql) -> None:
    """Raises Refused where one that is needed is not there as it was made, or one that is not needed is.

    Where a logged group is yet to be replayed its rows are not looked at.
    """
    group = session.group(step)
    if group is None or group.grouping.create is None:
        return
    table = fates.created(step.step)
    found = matches(step.target_key_of("t"), made_key(group), step.target_collations)
    alike = conjunction(same(f"t.{quote(name)}", f"n.{own}") for name, own in made_columns(group))
    wrong = value(
        session.db,
        f"SELECT count(*) FROM {table} AS n WHERE n.live AND n.planted"
        f" AND NOT EXISTS (SELECT 1 FROM {step.target} AS t WHERE {found} AND {alike})",
    )
    if wrong:
        what = f'table "{step.step.table.name}" lacks {counted(wrong, "row")} that Merge made'
        raise Refused(f"the proof failed: {what}", HINT)


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
    referred = f"SELECT DISTINCT {listed} FROM {fates.created(group.step)} AS n WHERE n.planted"
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


def made_key(group: GroupSql) -> tuple[str, ...]:
    """The new key of the made row ``n``."""
    names = {fold(name): own for name, own in made_columns(group)}
    return tuple(f"n.{names[fold(name)]}" for name in group.step.new_key)
