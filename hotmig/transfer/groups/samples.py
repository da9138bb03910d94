"""What a plan says of rows that become one: the counts, and the first rows of each kind in words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from hotmig.planning.group_facts import KINDS, Counted, GroupFacts, Kind
from hotmig.sqlite import Row, TookTooLong, at_most, execute, value
from hotmig.transfer.groups import fates
from hotmig.transfer.groups.fates import FATE
from hotmig.transfer.groups.listing import FATES, Listing, count, listing
from hotmig.transfer.groups.sql import GroupSql
from hotmig.transfer.old_rows import shown
from hotmig.transfer.session import Session

SAMPLES = 3


class Entry(NamedTuple):
    """One row: its old key, the group that it is in, what it is compared by, and the same of its winner.

    ``made`` says that the winner is a row that Merge makes.
    """

    key: Row
    group: Row
    values: Row
    made: bool
    winner: Row
    winner_values: Row


def facts(session: Session, group: GroupSql, seconds: float | None = None) -> GroupFacts:
    """The counts, with the first rows of each kind in words.

    Where a question takes longer than ``seconds``, losers that stay are all counted, whether or not they change.
    """
    kinds: tuple[Kind, ...] = (*KINDS, "homeless")
    return GroupFacts(group.step.table.name, tuple(_counted(session, group, kind, seconds) for kind in kinds))


def _counted(session: Session, group: GroupSql, kind: Kind, seconds: float | None) -> Counted:
    try:
        with at_most(session.db, seconds):
            number = count(session, group, kind)
            first = tuple(told(group, kind, each) for each in _first(session, group, kind)) if number else ()
        return Counted(kind, number, first)
    except TookTooLong:
        pass
    of_kind = f"SELECT count(*) FROM {fates.table(group.step)} WHERE {FATE} = '{FATES.get(kind, '')}'"
    return Counted(kind, int(value(session.db, of_kind)))


def _first(session: Session, group: GroupSql, kind: Kind) -> Iterator[Entry]:
    found = listing(group, kind)
    if found is None:
        return
    # With a LIMIT inside, the values of these few rows alone are looked up.
    most = SAMPLES if found.where == "1" else -1
    rows = f"({found.in_order} LIMIT {most}) AS l"
    sql = f"SELECT {', '.join(found.columns)} FROM {rows} WHERE {found.where} LIMIT {SAMPLES}"
    for row in execute(session.db, sql):
        yield _entry(found, row)


def _entry(found: Listing, row: Row) -> Entry:
    cells = iter(row)
    key, group, values = (tuple(islice(cells, len(part))) for part in (found.key, found.group, found.values))
    made = bool(next(cells)) if found.made is not None else False
    return Entry(key, group, values, made, tuple(islice(cells, len(found.winner))), tuple(cells))


def told(group: GroupSql, kind: Kind, entry: Entry) -> str:
    """``id 4 into 2: value 'a' and 'b'``, for a person."""
    key = f"{_key_title(group)} {shown(entry.key)}" if kind != "created" else f"{shown(entry.key)} for"
    if kind in ("created", "carried", "homeless"):
        return f"{key} {shown(entry.group)}" if kind == "created" else f"{key}: {_key_values(group, entry)}"
    winner = "a row that is made" if entry.made else shown(entry.winner)
    joined = "and" if kind == "collisions" else "beside" if kind == "losers_kept" else "into"
    differs = [
        f"{name} {shown([own])} and {shown([theirs])}"
        for name, own, theirs in zip(group.compared_titles, entry.values, entry.winner_values, strict=False)
        if own != theirs
    ]
    return f"{key} {joined} {winner}: {', '.join(differs) or _key_values(group, entry)}"


def _key_title(group: GroupSql) -> str:
    names = group.sql.source_key.columns
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def _key_values(group: GroupSql, entry: Entry) -> str:
    if not group.told_titles:
        return shown(entry.group)
    return ", ".join(f"{name} {shown([each])}" for name, each in zip(group.told_titles, entry.group, strict=True))
