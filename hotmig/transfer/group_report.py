"""What became of rows whose groups have several: counted, and listed one by one."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import count as count_from
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from hotmig.planning.group_facts import KINDS, Counted, GroupFacts, Kind
from hotmig.private import open_private
from hotmig.sqlite import Row, at_most, conjunction, disjunction, execute, fold, quote, same, value
from hotmig.transfer import fates
from hotmig.transfer.fates import COLLIDES, DROPPED, FATE, HOMELESS, KEPT, MADE, MERGED
from hotmig.transfer.group_sql import GROUP, LEVEL, GroupSql
from hotmig.transfer.old_rows import shown
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import matches

SAMPLES = 3
PORTION = 1_000
FORMAT = 1
_FATES: dict[Kind, str] = {
    "merged": MERGED, "collisions": COLLIDES, "historical_drops": DROPPED, "losers_kept": KEPT, "homeless": HOMELESS,
}  # fmt: skip


class Entry(NamedTuple):
    """One row: its old key, the group that it is in, what it is compared by, and the same of its winner.

    ``winner`` is None where there is none, ``made`` says that the winner is a row that Merge makes.
    """

    key: Row
    group: Row
    values: Row = ()
    winner: Row | None = None
    made: bool = False
    winner_values: Row = ()


def facts(session: Session, group: GroupSql, seconds: float | None = None) -> GroupFacts:
    """The counts, with the first rows of each kind in words.

    Where a question takes longer than ``seconds``, losers that stay are all counted, whether or not they change.
    """
    kinds: tuple[Kind, ...] = (*KINDS, "homeless")
    return GroupFacts(group.step.table.name, tuple(_counted(session, group, kind, seconds) for kind in kinds))


def counts(session: Session) -> dict[str, dict[str, int]]:
    """Table → kind → how many."""
    return {group.step.table.name: {kind: count(session, group, kind) for kind in KINDS} for group in session.groups}


def count(session: Session, group: GroupSql, kind: Kind) -> int:
    found = _select(group, kind, "count(*)")
    return 0 if found is None else int(value(session.db, found))


def _counted(session: Session, group: GroupSql, kind: Kind, seconds: float | None) -> Counted:
    try:
        with at_most(session.db, seconds):
            number = count(session, group, kind)
            first = tuple(told(group, kind, each) for each in entries(session, group, kind, SAMPLES))
        return Counted(kind, number, first)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
    of_kind = f"SELECT count(*) FROM {fates.table(group.step)} WHERE {FATE} = '{_FATES.get(kind, '')}'"
    return Counted(kind, int(value(session.db, of_kind)))


def _all_entries(session: Session, group: GroupSql, kind: Kind) -> Iterator[Entry]:
    """In rollback-journal mode in portions: whoever reads the old file there holds up its writers."""
    if session.wal:
        yield from entries(session, group, kind)
        return
    for skipped in count_from(0, PORTION):
        portion = list(entries(session, group, kind, PORTION, skipped))
        yield from portion
        if len(portion) < PORTION:
            return
        session.let_writers_in()


def entries(session: Session, group: GroupSql, kind: Kind, most: int = -1, skipped: int = 0) -> Iterator[Entry]:
    """The rows of one kind, in the order of their groups."""
    most_rows = f"LIMIT {most} OFFSET {skipped}"
    width, names = len(group.keys), len(group.group_names)
    if kind == "created":
        keys = [_made(group, name) for name in group.step.new_key]
        sql = _select(group, kind, ", ".join([*keys, f"n.{GROUP.format(1)}"]))
        for row in execute(session.db, f"{sql} ORDER BY n.{GROUP.format(1)} {most_rows}") if sql else ():
            yield Entry(row[:-1], row[-1:])
        return
    if kind == "carried":
        own, listed = fates.key_names(group.step, "m"), [f"m.{name}" for name in group.group_names]
        sql = _select(group, kind, ", ".join([*own, *listed]))
        for row in execute(session.db, f"{sql} ORDER BY {', '.join(listed)} {most_rows}") if sql else ():
            yield Entry(row[:width], row[width:])
        return
    columns = [*fates.key_names(group.step, "f"), *(f"m.{name}" for name in group.group_names), f"f.{MADE}"]
    columns += fates.winner_names(group.step, "f")
    columns += [_value(group, each, fates.key_names(group.step, "f")) for each in group.compared]
    columns += [_value(group, each, fates.winner_names(group.step, "f")) for each in group.compared]
    order = ", ".join([*(f"m.{name}" for name in group.group_names), *fates.key_names(group.step, "f")])
    sql = _select(group, kind, ", ".join(columns))
    compared = len(group.compared)
    for row in execute(session.db, f"{sql} ORDER BY {order} {most_rows}"):
        key, at = row[:width], width + names + 1
        winner, values = row[at : at + width], row[at + width : at + width + compared]
        yield Entry(key, row[width : at - 1], values, winner, bool(row[at - 1]), row[at + width + compared :])


def _select(group: GroupSql, kind: Kind, columns: str) -> str | None:
    """The SELECT of the rows of one kind; None where there can be none."""
    step = group.step
    if kind == "created":
        if group.grouping.create is None:
            return None
        return f"SELECT {columns} FROM {fates.created(step)} AS n WHERE n.live"
    member = f"{fates.members(step)} AS m"
    if kind == "carried":
        moved = (
            # Aliases all have a fate: what stays of a Merge under another spelling is none.
            f"m.{LEVEL} = 1 AND NOT EXISTS (SELECT 1 FROM {fates.table(step)} AS f WHERE {group.same_key('f', 'm')})"
        )
        return f"SELECT {columns} FROM {member} WHERE {moved}"
    where = f"f.{FATE} = '{_FATES[kind]}'"
    if kind == "collisions":
        where += f" AND NOT {_is_winner(group)}"
    if kind == "losers_kept":
        where += f" AND {_is_set_anew(group)}"
    rows = f"{fates.table(step)} AS f CROSS JOIN {member} ON {group.same_key('m', 'f')}"
    return f"SELECT {columns} FROM {rows} WHERE {where}"


def _is_winner(group: GroupSql) -> str:
    keys, winners = fates.key_names(group.step, "f"), fates.winner_names(group.step, "f")
    return conjunction(f"{key} IS {winner}" for key, winner in zip(keys, winners, strict=True))


def _is_set_anew(group: GroupSql) -> str:
    """Whether a loser that stays is another row than before."""
    terms = []
    for name, _ in group.grouping.losers or ():
        column = group.step.column(name)
        if column is not None:
            before, after = f"({group.sql.carried(column)})", f"({group.sql.value(column)})"
            terms.append(f"NOT {same(before, after)}")
    found = _is_old(group, fates.key_names(group.step, "f"))
    return f"EXISTS (SELECT 1 FROM {group.sql.source} AS o WHERE {found} AND {disjunction(terms)})"


def _is_old(group: GroupSql, key: Iterable[str]) -> str:
    return matches(group.sql.source_key_of("o"), [f"+{name}" for name in key], group.sql.source_collations)


def _value(group: GroupSql, expression: str, key: Iterable[str]) -> str:
    return f"(SELECT {expression} FROM {group.sql.source} AS o WHERE {_is_old(group, key)})"


def _made(group: GroupSql, name: str) -> str:
    by = group.grouping.merges_by or ""
    return f"n.{GROUP.format(1)}" if fold(by) == fold(name) else f"n.{quote(name)}"


def told(group: GroupSql, kind: Kind, entry: Entry) -> str:
    """``id 4 into 2: value 'a', not 'b'``, for a person."""
    key = f"{_key_title(group)} {shown(entry.key)}" if kind != "created" else f"{shown(entry.key)} for"
    if kind in ("created", "carried", "homeless"):
        return f"{key} {shown(entry.group)}" if kind == "created" else f"{key}: {_key_values(group, entry)}"
    winner = "a row that is made" if entry.made else shown(entry.winner or ())
    joined = "and" if kind == "collisions" else "beside" if kind == "losers_kept" else "into"
    differs = [
        f"{name} {shown([own])} and {shown([theirs])}"
        for name, own, theirs in zip(_compared_titles(group), entry.values, entry.winner_values, strict=False)
        if own != theirs
    ]
    return f"{key} {joined} {winner}: {', '.join(differs) or _key_values(group, entry)}"


def _key_title(group: GroupSql) -> str:
    names = group.sql.source_key.columns
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def _compared_titles(group: GroupSql) -> tuple[str, ...]:
    names = group.grouping.compare
    return names if len(names) == len(group.compared) else tuple(group.compared_names)


def _key_values(group: GroupSql, entry: Entry) -> str:
    names = [name for name, _ in group.grouping.key]
    if len(names) != len(entry.group):
        return shown(entry.group)
    return ", ".join(f"{name} {shown([each])}" for name, each in zip(names, entry.group, strict=True))


# --- in full


def write_report(session: Session, path: Path, run_id: str | None) -> None:
    """Writes every row of every kind as JSON into a file for its owner alone; a file that is there is replaced.

    One by one, so that the memory stays flat however many there are.
    """
    draft = path.with_name(f".{path.name}.tmp")
    with suppress(FileNotFoundError):
        draft.unlink()
    descriptor = open_private(draft, must_be_new=True)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            _write(session, file, run_id)
            file.flush()
            os.fsync(descriptor)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _write(session: Session, file: TextIO, run_id: str | None) -> None:
    file.write(f'{{"format": {FORMAT}, "run_id": {json.dumps(run_id)}, "tables": [')
    for number, group in enumerate(session.groups):
        table = {"table": group.step.table.name, "source": group.sql.source_key.table}
        table["counts"] = {kind: count(session, group, kind) for kind in KINDS}  # type: ignore[assignment]
        file.write(f"{',' if number else ''}\n{json.dumps(table, ensure_ascii=False)[:-1]}")
        for kind in KINDS:
            file.write(f', "{kind}": [')
            titles = _Titles.of(group, kind)
            for position, entry in enumerate(_all_entries(session, group, kind)):
                file.write(f"{',' if position else ''}\n  {_ENCODE(titles.entry(entry))}")
            file.write("]")
        file.write("}")
    file.write("\n]}\n")


_ENCODE = json.JSONEncoder(ensure_ascii=False).encode


class _Titles(NamedTuple):
    """What the values of an entry are called."""

    key: tuple[str, ...]
    group: tuple[str, ...]
    values: tuple[str, ...]

    @classmethod
    def of(cls, group: GroupSql, kind: Kind) -> _Titles:
        key = group.step.new_key if kind == "created" else group.sql.source_key.columns
        return cls(key, _group_titles(group), _compared_titles(group))

    def entry(self, entry: Entry) -> dict[str, Any]:
        found: dict[str, Any] = {"key": _named(self.key, entry.key), "group": _named(self.group, entry.group)}
        if entry.winner is not None:
            found["values"] = _named(self.values, entry.values)
            winner: dict[str, Any] = {"created": True} if entry.made else {"key": _named(self.key, entry.winner)}
            winner["values"] = _named(self.values, entry.winner_values)
            found["winner"] = winner
        return found


def _group_titles(group: GroupSql) -> tuple[str, ...]:
    names = tuple(name for name, _ in group.grouping.key)
    return names if len(names) == len(group.group_names) else group.group_names


def _named(names: Iterable[str], values: Iterable[Any]) -> dict[str, Any]:
    return {name: _plain(each) for name, each in zip(names, values, strict=True)}


def _plain(each: Any) -> Any:
    """As JSON has it; what it has no word for is written as SQL."""
    if isinstance(each, bytes):
        return f"x'{each.hex()}'"
    if isinstance(each, float) and (each != each or each in (float("inf"), float("-inf"))):
        return repr(each)
    return each
