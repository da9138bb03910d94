"""The proof of members and fates: recomputed for what is not logged, and compared with what is written down."""

from __future__ import annotations

from hotmig.errors import Refused
from hotmig.sqlite import conjunction, execute, quote, same
from hotmig.transfer.conflicts import PROOF_HINT
from hotmig.transfer.groups import fates
from hotmig.transfer.groups.build import fill_groups, walk
from hotmig.transfer.groups.fates import FATE, LEVEL, MADE
from hotmig.transfer.groups.ranks import rank
from hotmig.transfer.groups.sql import GroupSql
from hotmig.transfer.keys import LoggedKeys
from hotmig.transfer.misfits import SAMPLES
from hotmig.transfer.old_rows import shown
from hotmig.transfer.ranges import KeyRange
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import matches


def prove_groups(session: Session, keys: LoggedKeys) -> None:
    """Raises Refused, with table and keys, where a group is not what the old rows say."""
    for group in session.groups:
        _prove_members(session, keys, group)
        _prove_fates(session, keys, group)


def _prove_members(session: Session, keys: LoggedKeys, group: GroupSql) -> None:
    """Every old row is a member of the group that its values say, or of none."""
    step = group.sql
    source_key = tuple(quote(name) for name in step.source_key.columns)
    given = conjunction(f"c.{name} IS NOT NULL" for name in group.group_names)
    alike = conjunction(same(f"m.{name}", f"c.{name}", signed_zero=True) for name in (*group.group_names, LEVEL))
    right = f"CASE WHEN {given} THEN {alike} ELSE m.{group.keys[0]} IS NULL END"

    def compare(bounds: KeyRange) -> None:
        rows = f"{step.old_rows} WHERE {bounds.where(step.source_key_of('o'))}"
        own = [f"c.{name}" for name in group.keys]
        wrong = execute(
            session.db,
            f"{group.computed_members(rows)} SELECT {', '.join(own)} FROM computed AS c"
            f" LEFT JOIN {fates.members(group.step)} AS m ON {fates.is_row(group.step, 'm', own)}"
            f" WHERE NOT ({right}) AND {keys.unlogged(step, own)} LIMIT {SAMPLES}",
        ).fetchall()
        _refuse(group, "rows in another group than their values say", wrong)

    walk(session, keys, KeyRange(session.db, step.source, source_key), compare)


def _prove_fates(session: Session, keys: LoggedKeys, group: GroupSql) -> None:
    """Every member has its old row, and the fate that ranking its group again gives."""
    step, members, table = group.sql, fates.members(group.step), fates.table(group.step)
    own = fates.key_names(group.step, "m")
    held = matches(step.source_key_of("o"), [f"+{name}" for name in own], step.source_collations)
    names = (FATE, MADE, *fates.winner_names(group.step))
    alike = f"{group.same_key('v', 'f')} AND {conjunction(f'v.{name} IS f.{name}' for name in names)}"

    def compare(bounds: KeyRange) -> None:
        gone = execute(
            session.db,
            f"SELECT {', '.join(own)} FROM {members} AS m WHERE {bounds.where([f'm.{n}' for n in group.group_names])}"
            f" AND NOT EXISTS (SELECT 1 FROM {step.source} AS o WHERE {held}) AND {keys.unlogged(step, own)}"
            f" LIMIT {SAMPLES}",
        ).fetchall()
        _refuse(group, "groups with rows that the old database does not have", gone)
        fill_groups(session, group, bounds.where(group.group_names))
        rank(session, group)
        for one, other in (("v", "f"), ("f", "v")):
            tables = {"v": group.verdicts, "f": table}
            listed = [f"{one}.{name}" for name in group.keys]
            wrong = execute(
                session.db,
                f"SELECT {', '.join(listed)} FROM {tables[one]} AS {one}"
                f" WHERE ({', '.join(listed)}) IN ({group.affected}) AND {keys.unlogged(step, listed)}"
                f" AND NOT EXISTS (SELECT 1 FROM {tables[other]} AS {other} WHERE {alike}) LIMIT {SAMPLES}",
            ).fetchall()
            _refuse(group, "rows that would not become what was found for them", wrong)

    walk(session, keys, KeyRange(session.db, members, group.group_names), compare)


def _refuse(group: GroupSql, what: str, keys: list[tuple[object, ...]]) -> None:
    if keys:
        shown_keys = ", ".join(shown(key) for key in keys[:SAMPLES])
        raise Refused(
            f'the proof failed: table "{group.step.table.name}" has {what}', PROOF_HINT, rows=f": {shown_keys}"
        )
