"""Which rows became one with which: counted, and listed, as SQL over members and fates.

What a group is known by stands in the new file. Only the values that rows are compared by are read from the old one,
and for the rows that are asked for alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hotmig.planning.group_facts import KINDS, Kind
from hotmig.sqlite import conjunction, execute, fold, quote, text, value
from hotmig.transfer.groups import fates
from hotmig.transfer.groups.fates import COLLIDES, DROPPED, FATE, HOMELESS, KEPT, LEVEL, LIVE, MADE, MERGED
from hotmig.transfer.groups.sql import ANEW, GROUP, GroupSql
from hotmig.transfer.key_sql import matches
from hotmig.transfer.session import Session

FATES: dict[Kind, str] = {
    "merged": MERGED, "collisions": COLLIDES, "historical_drops": DROPPED, "losers_kept": KEPT, "homeless": HOMELESS,
}  # fmt: skip

PORTION = 1_000
STAGED = "_migration_listed"


@dataclass(frozen=True)
class Listing:
    """The rows of one kind: ``rows`` is a SELECT, and the rest is SQL over its columns, as ``l``.

    ``winner`` is () and ``made`` None where there is no winner; ``where`` leaves some of them out by their old rows.
    """

    rows: str
    order: tuple[str, ...]
    key: tuple[str, ...]
    group: tuple[str, ...]
    values: tuple[str, ...] = ()
    made: str | None = None
    winner: tuple[str, ...] = ()
    winner_values: tuple[str, ...] = ()
    where: str = "1"

    @property
    def in_order(self) -> str:
        """``rows`` one after the other."""
        return f"SELECT * FROM ({self.rows}) AS l ORDER BY {', '.join(self.order)}"

    @property
    def reads_old_rows(self) -> bool:
        """Whether the new file alone does not say it all."""
        return bool(self.values) or self.where != "1"

    @property
    def columns(self) -> tuple[str, ...]:
        made = (self.made,) if self.made is not None else ()
        return (*self.key, *self.group, *self.values, *made, *self.winner, *self.winner_values)


def listing(group: GroupSql, kind: Kind) -> Listing | None:
    """None where there can be none of that kind."""
    if kind == "created":
        return _created(group)
    own, listed = fates.key_names(group.step), group.group_names
    key, names = _listed(own), _listed(listed)
    columns = [*(f"m.{name}" for name in own), *(f"m.{name}" for name in listed)]
    if kind == "carried":
        rows = f"SELECT {', '.join(columns)} FROM {fates.members(group.step)} AS m WHERE {_is_carried(group)}"
        # These can be nearly all rows: in the order of their keys neither they nor the fates are looked for.
        return Listing(rows, key, key, names)
    winners = fates.winner_names(group.step)
    columns += [f"f.{MADE}", *(f"f.{name}" for name in winners)]
    rows = f"SELECT {', '.join(columns)} FROM {_fated(group)} WHERE {_is_of(group, kind)}"
    winner = _listed(winners)
    values, winner_values = (tuple(_told(group, each, of) for each in group.compared_names) for of in (key, winner))
    where = _told(group, ANEW, key) if kind == "losers_kept" else "1"
    return Listing(rows, (*names, *key), key, names, values, f"l.{MADE}", winner, winner_values, where)


def short_reads(session: Session, found: Listing) -> Iterator[tuple[str, tuple[int, ...]]]:
    """SELECTs, with their parameters, that give the rows of a listing one after the other.

    Who reads the old file in rollback-journal mode holds up its writers: which rows there are is put down first there.
    """
    if session.wal or not found.reads_old_rows:
        yield f"{found.in_order} LIMIT -1", ()
        return
    execute(session.db, f"DROP TABLE IF EXISTS temp.{STAGED}")
    execute(session.db, f"CREATE TEMP TABLE {STAGED} AS {found.in_order}")
    some = f"SELECT * FROM temp.{STAGED} WHERE rowid > ? ORDER BY rowid LIMIT {PORTION}"
    last: int = value(session.db, f"SELECT coalesce(max(rowid), 0) FROM temp.{STAGED}")
    for done in range(0, last, PORTION):
        yield some, (done,)
        session.let_writers_in()


def _listed(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"l.{name}" for name in names)


def _created(group: GroupSql) -> Listing | None:
    if group.grouping.create is None:
        return None
    key = tuple(f"k{number}" for number in range(1, len(group.step.new_key) + 1))
    named = ", ".join(f"{_made(group, name)} AS {own}" for name, own in zip(group.step.new_key, key, strict=True))
    value = GROUP.format(1)
    rows = f"SELECT {named}, n.{value} AS {value} FROM {fates.created(group.step)} AS n WHERE n.{LIVE}"
    return Listing(rows, _listed((value,)), _listed(key), _listed((value,)))


def _made(group: GroupSql, name: str) -> str:
    by = group.grouping.merges_by or ""
    return f"n.{GROUP.format(1)}" if fold(by) == fold(name) else f"n.{quote(name)}"


def _is_carried(group: GroupSql) -> str:
    """Aliases all have a fate: what stays of a Merge under another spelling is none."""
    found = f"SELECT 1 FROM {fates.table(group.step)} AS f WHERE {group.same_key('f', 'm')}"
    return f"m.{LEVEL} = 1 AND NOT EXISTS ({found})"


def _fated(group: GroupSql) -> str:
    return f"{fates.table(group.step)} AS f CROSS JOIN {fates.members(group.step)} AS m ON {group.same_key('m', 'f')}"


def _is_of(group: GroupSql, kind: Kind) -> str:
    where = f"f.{FATE} = {text(FATES[kind])}"
    if kind != "collisions":
        return where
    keys, winners = fates.key_names(group.step, "f"), fates.winner_names(group.step, "f")
    is_winner = conjunction(f"{key} IS {winner}" for key, winner in zip(keys, winners, strict=True))
    return f"{where} AND NOT {is_winner} AND {claims(group)}"


def claims(group: GroupSql) -> str:
    """Whether the row of a fate ``f`` in a collision stands in its way: of a Merge only those as near to the canonical
    row as the winner."""
    if group.grouping.merges_by is None:
        return "1"
    level = f"SELECT c.{LEVEL} FROM {fates.members(group.step)} AS c WHERE"
    keys, winners = fates.key_names(group.step, "c"), fates.winner_names(group.step, "f")
    is_winner = conjunction(f"{key} = +{winner}" for key, winner in zip(keys, winners, strict=True))
    return f"({level} {group.same_key('c', 'f')}) = ({level} {is_winner})"


def _told(group: GroupSql, column: str, key: Iterable[str]) -> str:
    """What is told of the old row with that key."""
    own = matches(fates.key_names(group.step, "t"), [f"+{name}" for name in key], group.sql.source_collations)
    return f"(SELECT t.{column} FROM {group.told} AS t WHERE {own})"


# --- counts


def counts(session: Session) -> dict[str, dict[Kind, int]]:
    """Table → kind → how many."""
    return {group.step.table.name: {kind: count(session, group, kind) for kind in KINDS} for group in session.groups}


def count(session: Session, group: GroupSql, kind: Kind) -> int:
    """How many rows of that kind there are."""
    if kind == "created":
        live = f"SELECT count(*) FROM {fates.created(group.step)} WHERE {LIVE}"
        return int(value(session.db, live)) if group.grouping.create is not None else 0
    if kind == "carried":
        return _carried(session, group)
    if kind == "losers_kept" and (found := listing(group, kind)) is not None:
        return sum(
            value(session.db, f"SELECT count(*) FROM ({some}) AS l WHERE {found.where}", parameters)
            for some, parameters in short_reads(session, found)
        )
    where = _is_of(group, kind)
    return int(value(session.db, f"SELECT count(*) FROM {fates.table(group.step)} AS f WHERE {where}"))


def _carried(session: Session, group: GroupSql) -> int:
    """All that moved but those with a fate: these are few, and a look for each one that moved would take long."""
    moved = value(session.db, f"SELECT count(*) FROM {fates.members(group.step)} WHERE {LEVEL} = 1")
    fated = value(session.db, f"SELECT count(*) FROM {_fated(group)} WHERE m.{LEVEL} = 1")
    return int(moved - fated)
