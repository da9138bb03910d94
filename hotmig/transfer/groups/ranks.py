"""Ranks the rows of the groups that are looked at now, and says what becomes of each.

One sort puts the rows of all groups into their order, and PLACE numbers them: the best of a group has the least.
A window function for each question would sort them again, at several times the cost of all else here.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotmig.catalog.lexer import tokens
from hotmig.planning.grouping import with_canonical
from hotmig.sqlite import conjunction, execute, fold, quote, same, text
from hotmig.transfer.groups import fates
from hotmig.transfer.groups.fates import COLLIDES, DROPPED, HOMELESS, KEPT, LEVEL, LIVE, MERGED, PLANTED
from hotmig.transfer.groups.sql import AGAINST, ALIAS, COLLIDES_TOO, GROUP, NUMBER, PLACE, GroupSql
from hotmig.transfer.session import Session

BEST = "_migration_best"


def rank(session: Session, group: GroupSql) -> None:
    """Ranks the rows of ``groups`` and finds what becomes of each; makes the rows that are missing."""
    names = ", ".join([NUMBER, *group.keys, LEVEL, COLLIDES_TOO, *group.compared_names])
    for table, into, select in (
        (group.ranked, f"({names})", _select_ranked(group)),
        (group.stopped, "", _select_stopped(group)),
    ):
        execute(session.db, f"DELETE FROM {table}")
        execute(session.db, f"INSERT INTO {table}{into} {select}")
    _make_missing(session, group)
    execute(session.db, f"DELETE FROM {group.verdicts}")
    execute(session.db, f"INSERT INTO {group.verdicts} {_select_verdicts(group)}")


def _make_missing(session: Session, group: GroupSql) -> None:
    create = group.grouping.create
    if create is None:
        return
    names = "".join(f", {quote(name)}" for name, _ in create)
    values = "".join(f", ({sql}\n)" for _, sql in create)
    execute(
        session.db,
        f"INSERT OR IGNORE INTO {fates.created(group.step)}({GROUP.format(1)}, {LIVE}, {PLANTED}{names})"
        f" SELECT {GROUP.format(1)}, 0, 0{values} FROM ({select_homeless(group)})",
    )


def select_homeless(group: GroupSql) -> str:
    """Of the ranked groups of a Merge the canonical values of those that have aliases only."""
    return (
        f"SELECT a.{GROUP.format(1)} FROM {group.ranked} AS w CROSS JOIN {group.groups} AS a ON a.{NUMBER} = w.{NUMBER}"
        f" WHERE w.{LEVEL} = {ALIAS}"
    )


def _select_ranked(group: GroupSql) -> str:
    """The rows of ``groups`` in their order; of a Merge the winners alone."""
    keys = ", ".join(f"m.{name}" for name in group.keys)
    if group.grouping.merges_by is not None:
        # With min() SQLite takes the other columns from the row that it is found in.
        return f"SELECT a.{NUMBER}, {keys}, min(m.{LEVEL}), 0 FROM {group.members_of_groups()} GROUP BY a.{NUMBER}"
    collide, is_canonical = group.grouping.collide, f"m.{LEVEL} = 0"
    collides = "0" if collide is None else f"(({with_canonical(collide, is_canonical)}\n) IS TRUE)"
    order = "".join(f", {sql} {direction}" for sql, direction in _order(group))
    compared = "".join(f", {value}" for value in group.compared)
    return (
        f"SELECT a.{NUMBER}, {keys}, m.{LEVEL}, {collides}{compared} FROM {group.members_of_groups()}"
        f" CROSS JOIN {group.sql.source} AS o ON {group.is_old_row()}{group.sql.with_fates}"
        f" ORDER BY a.{NUMBER}{order}, {keys}"
    )


def _order(group: GroupSql) -> list[tuple[str, str]]:
    """(SQL over the old row ``o`` of the member ``m``, direction) for each term of ``prefer``.

    A number ranks nobody, and SQLite would take it for the position of a column of ours.
    """
    is_canonical = f"m.{LEVEL} = 0"
    return [
        (f"({with_canonical(term.expression, is_canonical)}\n)", term.direction)
        for term in group.grouping.prefer
        if not _is_number(term.expression)
    ]


def _is_number(expression: str) -> bool:
    found = [token for token in tokens(expression) if token.text not in ("(", ")", "+", "-")]
    return found[0].kind == "number" and (len(found) == 1 or found[1].keyword == "COLLATE")


def _best(group: GroupSql, where: str = "1", having: str = "1") -> str:
    """The number of each ranked group with the place of its best row."""
    return (
        f"SELECT {NUMBER}, min({PLACE}) AS {BEST} FROM {group.ranked} WHERE {where} GROUP BY {NUMBER} HAVING {having}"
    )


# --- groups that stop the migration


def _select_stopped(group: GroupSql) -> str:
    """Two best rows; or two that collide and are not the same: AGAINST is then the place of the best that collides."""
    if group.grouping.merges_by is not None:
        return _select_claimed(group)
    found = [] if _is_total(group) else [_select_tied(group)]
    if group.grouping.collide is not None:
        found.append(
            f"SELECT c.{NUMBER}, c.{BEST} AS {AGAINST} FROM ({_best(group, COLLIDES_TOO, 'count(*) > 1')}) AS c"
            f" CROSS JOIN {group.ranked} AS t ON t.{PLACE} = c.{BEST}"
            f" CROSS JOIN {group.ranked} AS d ON d.{NUMBER} = c.{NUMBER}"
            f" WHERE d.{COLLIDES_TOO} AND NOT {_is_same(group, 't', 'd')}"
        )
    if not found:
        return "SELECT 0, NULL WHERE 0"
    # Where nothing says which is best, that comes first.
    best = f"CASE WHEN count(*) = count({AGAINST}) THEN min({AGAINST}) END"
    return f"SELECT {NUMBER}, {best} FROM ({' UNION ALL '.join(found)}) GROUP BY {NUMBER}"


def _select_tied(group: GroupSql) -> str:
    """Whether the first two are peers: grouping compares by the collations that the order went by."""
    terms = ", ".join([f"b.{NUMBER}", *(sql for sql, _ in _order(group))])
    return (
        f"SELECT b.{NUMBER}, NULL AS {AGAINST} FROM ({_best(group)}) AS b CROSS JOIN {group.ranked} AS m"
        f" ON m.{NUMBER} = b.{NUMBER} AND m.{PLACE} <= b.{BEST} + 1 CROSS JOIN {group.sql.source} AS o"
        f" ON {group.is_old_row()} GROUP BY {terms} HAVING count(*) > 1"
    )


def _is_total(group: GroupSql) -> bool:
    """Whether ``prefer`` goes by the old key in the end, so that no two rows are peers."""
    source, key = group.step.source, group.sql.source_key
    terms = {fold(term.expression.strip()) for term in group.grouping.prefer}
    for name, collation in zip(key.columns, key.collations, strict=True):
        column = source.column(name) if source is not None else None
        # Under another collation than the key's two keys can be peers.
        if column is None or (key.kind != "integer" and fold(column.collation) != fold(collation)):
            return False
        if terms.isdisjoint({fold(name), fold(quote(name))}):
            return False
    return True


def _select_claimed(group: GroupSql) -> str:
    """Of a Merge: two rows as near to the canonical one as the winner, which is no alias."""
    other = (
        f"SELECT 1 FROM {fates.members(group.step)} AS m WHERE {group.same_group('m', 'a')}"
        f" AND m.{LEVEL} = w.{LEVEL} AND NOT {group.same_key('m', 'w')}"
    )
    return (
        f"SELECT w.{NUMBER}, NULL FROM {group.ranked} AS w CROSS JOIN {group.groups} AS a ON a.{NUMBER} = w.{NUMBER}"
        f" WHERE w.{LEVEL} < {ALIAS} AND EXISTS ({other})"
    )


# --- verdicts


def _select_verdicts(group: GroupSql) -> str:
    """What becomes of each ranked row that does not simply stay."""
    own = ", ".join(f"r.{name}" for name in group.keys)
    if group.grouping.merges_by is not None:
        rows = f"{group.members_of_groups('r')} CROSS JOIN {group.ranked} AS w ON w.{NUMBER} = a.{NUMBER}"
        stopped = _is_stopped(group, "a")
        is_merged = f"(r.{LEVEL} = {ALIAS} OR NOT {group.same_key('r', 'w')} OR {stopped})"
        return f"SELECT {own}, {_merge_fate(group, stopped)}, {_winners(group)} FROM {rows} WHERE {is_merged}"
    in_the_way = (
        f"(s.{NUMBER} IS NOT NULL AND (s.{AGAINST} IS NULL OR r.{PLACE} = s.{AGAINST}"
        f" OR r.{COLLIDES_TOO} AND NOT {_is_same(group, 'r', 't')}))"
    )
    fate = f"CASE WHEN {in_the_way} THEN {text(COLLIDES)} {_loses(group)} END"
    # What collides is told beside the row that it collides with, which need not be the best of all.
    is_told = f"{in_the_way} AND t.{PLACE} IS NOT NULL"
    winner = ", ".join(f"CASE WHEN {is_told} THEN t.{name} ELSE w.{name} END" for name in group.keys)
    rows = (
        f"({_best(group)}) AS b CROSS JOIN {group.ranked} AS w ON w.{PLACE} = b.{BEST}"
        f" CROSS JOIN {group.ranked} AS r ON r.{NUMBER} = b.{NUMBER}"
        f" LEFT JOIN {group.stopped} AS s ON s.{NUMBER} = b.{NUMBER}"
        f" LEFT JOIN {group.ranked} AS t ON t.{PLACE} = s.{AGAINST}"
    )
    return f"SELECT {own}, {fate}, 0, {winner} FROM {rows} WHERE r.{PLACE} > b.{BEST} OR {in_the_way}"


def _is_stopped(group: GroupSql, alias: str) -> str:
    return f"EXISTS (SELECT 1 FROM {group.stopped} AS s WHERE s.{NUMBER} = {alias}.{NUMBER})"


def _loses(group: GroupSql) -> str:
    stays = KEPT if group.grouping.losers is not None else DROPPED
    if group.grouping.keeps_equal:
        return f"ELSE {text(stays)}"
    return f"WHEN {_is_same(group, 'r', 'w')} THEN {text(MERGED)} ELSE {text(stays)}"


def _is_same(group: GroupSql, left: str, right: str) -> str:
    names = group.compared_names
    return conjunction(same(f"{left}.{name}", f"{right}.{name}", signed_zero=True) for name in names)


def _merge_fate(group: GroupSql, stopped: str) -> str:
    homeless = MERGED if group.grouping.create is not None else HOMELESS
    return (
        f"CASE WHEN {stopped} THEN {text(COLLIDES)} WHEN w.{LEVEL} = {ALIAS} THEN {text(homeless)}"
        f" ELSE {text(MERGED)} END"
    )


def _winners(group: GroupSql) -> str:
    """Whether the winner is made, and the old key of the winner; of one that is made, the key that it has."""
    is_made = f"w.{LEVEL} = {ALIAS}"
    pairs = zip(group.keys, _made_key(group), strict=True)
    return ", ".join([is_made, *(f"CASE WHEN {is_made} THEN {key} ELSE w.{name} END" for name, key in pairs)])


def _made_key(group: GroupSql) -> Sequence[str]:
    """Where keys are kept these are its columns; where they are not, the canonical value tells it apart."""
    value = f"a.{GROUP.format(1)}"
    if group.grouping.create is None:
        return [f"w.{name}" for name in group.keys]
    if group.step.keys != "kept":
        return [value, *("''" for _ in group.keys[1:])]
    return [group.made_value(name, value) for name in group.step.new_key]
