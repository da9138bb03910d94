"""Members and fates of all old rows, before a row is copied: parents first, in short reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from hotmig.errors import Refused
from hotmig.planning.model import TableStep
from hotmig.sqlite import conjunction, execute, quote, text, value
from hotmig.transfer.bookkeeping import columns
from hotmig.transfer.conflicts import COPY_HINT, HINT
from hotmig.transfer.groups import fates, upkeep
from hotmig.transfer.groups.fates import FATE, HOMELESS, LIVE
from hotmig.transfer.groups.listing import claims
from hotmig.transfer.groups.ranks import rank
from hotmig.transfer.groups.sql import GroupSql
from hotmig.transfer.key_sql import matches
from hotmig.transfer.keys import LoggedKeys
from hotmig.transfer.misfits import SAMPLES
from hotmig.transfer.old_rows import Misfit, Named, cut, told
from hotmig.transfer.ranges import ChunkSize, KeyRange, Stopwatch
from hotmig.transfer.session import Session


def build_groups(session: Session, keys: LoggedKeys) -> None:
    """Makes what an earlier run did not come to the end of. Raises Refused where rows collide that are not logged."""
    for group in session.groups:
        if (
            value(session.db, "SELECT state FROM main._migration_grouped WHERE number = ?", (group.step.number,))
            != "built"
        ):
            with session.step("group rows", group.step.table.name):
                _build(session, keys, group)
    if session.groups:
        with session.snapshot():
            keys.load()  # what was mended since
            require_no_collision(session, COPY_HINT)


def _build(session: Session, keys: LoggedKeys, group: GroupSql) -> None:
    members, step = fates.members(group.step), group.sql
    with session.building():
        execute(session.db, f"DELETE FROM {members}")
        execute(session.db, f"DELETE FROM {fates.table(group.step)}")
        execute(session.db, f"DELETE FROM {fates.lent(group.step)}")
        # The rows that an earlier run made keep their values, but the groups that needed them may be gone.
        execute(session.db, f"UPDATE {fates.created(group.step)} SET {LIVE} = 0")
        execute(session.db, f"DELETE FROM main._id_mapping WHERE table_name = {step.label}")
    source_key = tuple(quote(name) for name in step.source_key.columns)

    def join(bounds: KeyRange) -> None:
        fill_members(session, group, bounds.where(step.source_key_of("o")))

    walk(session, keys, KeyRange(session.db, step.source, source_key), join)
    with session.building():
        execute(session.db, group.index_members)

    def judge(bounds: KeyRange) -> None:
        fill_groups(session, group, bounds.where(group.group_names))
        rank(session, group)
        if keys.upto == 0:  # nothing was logged: no group was looked at before
            upkeep.write_down(session, group)
        else:
            upkeep.adopt(session, group, group.affected)

    walk(session, keys, KeyRange(session.db, members, group.group_names), judge)
    with session.building():
        sql = "UPDATE main._migration_grouped SET state = 'built' WHERE number = ?"
        execute(session.db, sql, (group.step.number,))


def fill_members(session: Session, group: GroupSql, where: str) -> None:
    """Writes down which group each of these old rows ``o`` is in."""
    rows = f"{group.sql.old_rows} WHERE {where}"
    execute(session.db, f"INSERT OR REPLACE INTO {fates.members(group.step)} {group.select_members(rows)}")


def fill_groups(session: Session, group: GroupSql, where: str) -> None:
    """Takes the groups of these members that have to be ranked: of a Merge all, else those of several rows."""
    names = ", ".join(group.group_names)
    several = "" if group.grouping.merges_by is not None else " HAVING count(*) > 1"
    execute(session.db, f"DELETE FROM {group.groups}")
    execute(
        session.db,
        f"INSERT INTO {group.groups}({names}) SELECT {names} FROM {fates.members(group.step)}"
        f" WHERE {where} GROUP BY {names}{several}",
    )


def walk(session: Session, keys: LoggedKeys | None, bounds: KeyRange, chunk: Callable[[KeyRange], None]) -> None:
    """Runs ``chunk`` in ranges, each in one snapshot, to which the ``keys`` are brought up first if there are any."""
    bounds.begin()
    size, more = ChunkSize.for_session(session), True
    while more:
        with session.snapshot():
            if keys is not None:
                keys.load()
            watch = Stopwatch()
            more = bounds.extend(size.rows)
            chunk(bounds)
            if more:
                bounds.advance()
            seconds = watch.seconds()
        size.took(seconds)
        session.let_writers_in()


def map_losers(session: Session, group: GroupSql, where: str) -> None:
    """Where keys are new: gives the rows that are gone, of these ``f``, the new key of their winner."""
    step = group.sql
    if step.step.keys != "mapped":
        return
    old, new = columns("old_id", len(group.keys)), columns("new_id", len(step.step.new_key))
    listed = ", ".join(f"f.{name}" for name in group.keys)
    winner = conjunction(
        f"m.{name} = +{own}" for name, own in zip(old, fates.winner_names(step.step, "f"), strict=True)
    )
    into = f"INSERT OR REPLACE INTO main._id_mapping(table_name, {', '.join(old)}, {', '.join(new)})"
    table = fates.table(step.step)
    execute(
        session.db,
        f"{into} SELECT {step.label}, {listed}, {', '.join(f'm.{name}' for name in new)} FROM {table} AS f"
        f" CROSS JOIN main._id_mapping AS m ON m.table_name = {step.label} AND {winner}"
        f" WHERE f.{fates.GONE} AND NOT f.{fates.MADE} AND ({where})",
    )
    if group.grouping.create is not None:
        made = ", ".join(group.made_value(name, f"f.{fates.WINNER.format(1)}") for name in step.step.new_key)
        execute(
            session.db,
            f"{into} SELECT {step.label}, {listed}, {made} FROM {table} AS f"
            f" WHERE f.{fates.GONE} AND f.{fates.MADE} AND ({where})",
        )
    gone = f"SELECT {listed} FROM {table} AS f WHERE f.{fates.GONE} AND ({where})"
    execute(session.db, f"INSERT OR IGNORE INTO {fates.lent(step.step)} {gone}")


def forget_lent(session: Session, group: GroupSql) -> None:
    """Takes the new key of their winner away from the logged rows that had it; map_losers gives it to those that are
    still to have it."""
    step = group.sql
    if step.step.keys != "mapped":
        return
    old = columns("old_id", len(group.keys))
    own = matches(step.key_of("k"), [f"+{name}" for name in fates.key_names(step.step, "t")])
    logged = f"EXISTS (SELECT 1 FROM {step.keys} AS k WHERE {own})"
    lent = f"SELECT {step.label}, {', '.join(f't.{name}' for name in group.keys)} FROM {fates.lent(step.step)} AS t"
    execute(
        session.db,
        f"DELETE FROM main._id_mapping WHERE (table_name, {', '.join(old)}) IN ({lent} WHERE {logged})",
    )
    execute(session.db, f"DELETE FROM {fates.lent(step.step)} AS t WHERE {logged}")


def require_no_collision(session: Session, hint: str = HINT) -> None:
    """Raises Refused with the old keys where nothing says which row of a group is to stay."""
    for group in session.groups:
        fate = value(session.db, f"SELECT {FATE} FROM {fates.table(group.step)} WHERE {fates.STOPPED} LIMIT 1")
        if fate is None:
            continue
        rows = told(group.step, _collided(session, group))
        raise Refused(_message(group.step, fate), hint, rows=rows)


def _message(step: TableStep, fate: str) -> str:
    name = f'table "{step.table.name}"'
    grouping = step.grouping
    key = ", ".join(column for column, _ in grouping.key) if grouping is not None else ""
    if fate == HOMELESS:
        return f"{name}: aliases of a value of {key} whose canonical row does not exist, and Merge says no create="
    if grouping is not None and grouping.merges_by is not None:
        return f"{name}: two rows claim to be the canonical row of one {key}"
    return f"{name}: rows with the same {key} collide, and Duplicates does not say which of them stays"


def _collided(session: Session, group: GroupSql) -> list[Misfit]:
    """The first rows of the first groups, in pairs."""
    own = [f"f.{name}" for name in group.keys]
    listed = [f"m.{name}" for name in group.group_names]
    number = f"dense_rank() OVER (ORDER BY {', '.join(listed)})"
    rows = execute(
        session.db,
        f"SELECT {', '.join([number, *own, *map(cut, listed)])} FROM {fates.table(group.step)} AS f"
        f" CROSS JOIN {fates.members(group.step)} AS m ON {group.same_key('m', 'f')}"
        f" WHERE f.{fates.STOPPED} AND (f.{FATE} = {text(HOMELESS)} OR {claims(group)})"
        f" ORDER BY 1, {', '.join(own)} LIMIT {2 * SAMPLES}",
    ).fetchall()
    names = group.told_titles
    found: list[Misfit] = []
    for _, pair in groupby(rows, lambda row: row[0]):
        first, *others = (_named(row[1:], len(own), bool(names)) for row in pair)
        found.append(Misfit(first, others[0] if others else None, names))
    return found[:SAMPLES]


def _named(row: Sequence[object], width: int, has_values: bool) -> Named:
    return Named(tuple(row[:width]), (), tuple(row[width:]) if has_values else ())
