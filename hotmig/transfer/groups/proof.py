"""The proof of members and fates: recomputed for what is not logged, and compared with what is written down."""

from __future__ import annotations

from hotmig.errors import Refused
from hotmig.sqlite import conjunction, execute, fold, quote, same, value
from hotmig.transfer.conflicts import PROOF_HINT
from hotmig.transfer.groups import fates
from hotmig.transfer.groups.build import fill_groups, walk
from hotmig.transfer.groups.fates import FATE, LEVEL, MADE
from hotmig.transfer.groups.ranks import rank
from hotmig.transfer.groups.sql import GroupSql
from hotmig.transfer.key_sql import matches, row_value
from hotmig.transfer.keys import LoggedKeys
from hotmig.transfer.misfits import SAMPLES
from hotmig.transfer.old_rows import shown
from hotmig.transfer.ranges import KeyRange
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql

FOUND_ANEW = "rows that would not become what was found for them"


def prove_groups(session: Session, keys: LoggedKeys) -> None:
    """Raises Refused, with table and keys, where a group is not what the old rows say."""
    for group in session.groups:
        _prove_members(session, keys, group)
        _prove_fates(session, keys, group)


def _prove_members(session: Session, keys: LoggedKeys, group: GroupSql) -> None:
    """Every old row is a member of the group that its values say, or of none; and no other member is there.

    Where a range of keys holds the same rows on either side, as many members as old rows that have one are no others.
    """
    step = group.sql
    source_key = tuple(quote(name) for name in step.source_key.columns)
    member = fates.key_names(group.step, "m")
    has_one_order = _has_one_order(step)

    def compare(bounds: KeyRange) -> None:
        found = _compare_members(session, keys, group, bounds.where(step.source_key_of("o")))
        if has_one_order:
            where = f"{bounds.where(member)} AND {keys.unlogged(step, member)}"
            if value(session.db, f"SELECT count(*) FROM {fates.members(group.step)} AS m WHERE {where}") != found:
                _require_old_rows(session, keys, group, where)

    bounds = KeyRange(session.db, step.source, source_key)
    walk(session, keys, bounds, compare)
    if has_one_order:
        with session.snapshot():
            keys.load()
            _require_old_rows(session, keys, group, bounds.behind(member))
    else:
        others = KeyRange(session.db, fates.members(group.step), group.keys)
        walk(session, keys, others, lambda part: _require_old_rows(session, keys, group, part.where(member)))


def _has_one_order(step: StepSql) -> bool:
    """Whether ranges of old keys, which go by their columns' own collations, are those of the members: BINARY."""
    source = step.step.source
    columns = [source.column(name) for name in step.source_key.columns] if source is not None else []
    own = [column.collation for column in columns if column is not None]
    return all(fold(collation) in ("", "binary") for collation in (*own, *step.source_collations))


def _compare_members(session: Session, keys: LoggedKeys, group: GroupSql, where: str) -> int:
    """Returns how many of these old rows have a member, each the right one."""
    own = [f"c.{name}" for name in group.keys]
    given = conjunction(f"c.{name} IS NOT NULL" for name in group.group_names)
    alike = conjunction(same(f"m.{name}", f"c.{name}", signed_zero=True) for name in (*group.group_names, LEVEL))
    wrong = f"NOT CASE WHEN {given} THEN {alike} ELSE m.{group.keys[0]} IS NULL END"
    joined = (
        f"FROM computed AS c LEFT JOIN {fates.members(group.step)} AS m ON {fates.is_row(group.step, 'm', own)}"
        f" WHERE {keys.unlogged(group.sql, own)}"
    )
    computed = group.computed_members(f"{group.sql.old_rows} WHERE {where}")
    counted = f"SELECT count(m.{group.keys[0]}), count(CASE WHEN {wrong} THEN 1 END) {joined}"
    found: int
    found, differ = execute(session.db, f"{computed} {counted}").fetchone()
    if differ:
        sample = f"{computed} SELECT {', '.join(own)} {joined} AND {wrong} LIMIT {SAMPLES}"
        _refuse(group, "rows in another group than their values say", execute(session.db, sample).fetchall())
    return found


def _require_old_rows(session: Session, keys: LoggedKeys, group: GroupSql, where: str) -> None:
    """Raises Refused where one of these members ``m`` has no old row."""
    step, own = group.sql, fates.key_names(group.step, "m")
    held = matches(step.source_key_of("o"), [f"+{name}" for name in own], step.source_collations)
    gone = execute(
        session.db,
        f"SELECT {', '.join(own)} FROM {fates.members(group.step)} AS m WHERE {where}"
        f" AND NOT EXISTS (SELECT 1 FROM {step.source} AS o WHERE {held}) AND {keys.unlogged(step, own)}"
        f" LIMIT {SAMPLES}",
    ).fetchall()
    _refuse(group, "groups with rows that the old database does not have", gone)


def _prove_fates(session: Session, keys: LoggedKeys, group: GroupSql) -> None:
    """Every member has the fate that ranking its group again gives."""
    step, members = group.sql, fates.members(group.step)
    tables = {"v": group.verdicts, "f": fates.table(group.step)}
    names = (FATE, MADE, *fates.winner_names(group.step))
    alike = f"{group.same_key('v', 'f')} AND {conjunction(f'v.{name} IS f.{name}' for name in names)}"

    def compare(bounds: KeyRange) -> None:
        fill_groups(session, group, bounds.where(group.group_names))
        rank(session, group)
        # The verdicts are of these groups alone, the fates are of all.
        mine = f"{row_value(fates.key_names(group.step, 'f'))} IN ({group.affected})"
        for one, other, which in (("v", "f", "1"), ("f", "v", mine)):
            listed = [f"{one}.{name}" for name in group.keys]
            wrong = execute(
                session.db,
                f"SELECT {', '.join(listed)} FROM {tables[one]} AS {one} WHERE {which}"
                f" AND {keys.unlogged(step, listed)}"
                f" AND NOT EXISTS (SELECT 1 FROM {tables[other]} AS {other} WHERE {alike}) LIMIT {SAMPLES}",
            ).fetchall()
            _refuse(group, FOUND_ANEW, wrong)

    walk(session, keys, KeyRange(session.db, members, group.group_names), compare)
    fated = KeyRange(session.db, fates.table(group.step), group.keys)
    own = fates.key_names(group.step, "f")
    walk(session, keys, fated, lambda part: _require_others(session, keys, group, part.where(own)))


def _require_others(session: Session, keys: LoggedKeys, group: GroupSql, where: str) -> None:
    """Raises Refused where one of these fates ``f`` is of a row without a group, or alone in it, which stays as it is.

    The projection would leave such a row out, of the copy and of the proof alike. An alias has a fate alone too.
    """
    members, own = fates.members(group.step), fates.key_names(group.step, "f")
    others = f"SELECT 1 FROM {members} AS x WHERE {group.same_group('x', 'm')}"
    if group.grouping.merges_by is None:
        others += f" AND NOT {group.same_key('x', 'm')}"
    alone = execute(
        session.db,
        f"SELECT {', '.join(own)} FROM {fates.table(group.step)} AS f LEFT JOIN {members} AS m"
        f" ON {group.same_key('m', 'f')} WHERE {where} AND NOT EXISTS ({others}) AND {keys.unlogged(group.sql, own)}"
        f" LIMIT {SAMPLES}",
    ).fetchall()
    _refuse(group, FOUND_ANEW, alone)


def _refuse(group: GroupSql, what: str, keys: list[tuple[object, ...]]) -> None:
    if keys:
        shown_keys = ", ".join(shown(key) for key in keys[:SAMPLES])
        raise Refused(
            f'the proof failed: table "{group.step.table.name}" has {what}', PROOF_HINT, rows=f": {shown_keys}"
        )
