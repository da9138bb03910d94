"""Rows that Merge makes and that are equal to an old row where the new table keeps rows distinct."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hotmig.planning.group_facts import Unfit
from hotmig.planning.held import UniqueKey, unique_keys
from hotmig.planning.rows import reads
from hotmig.sqlite import Row, conjunction, fold, quote
from hotmig.transfer.groups import fates
from hotmig.transfer.groups.created import made_key
from hotmig.transfer.groups.fates import LIVE
from hotmig.transfer.groups.samples import SAMPLES
from hotmig.transfer.groups.sql import GROUP, GroupSql
from hotmig.transfer.judged.court import Court, rows_that_stay, values_that_stay
from hotmig.transfer.judged.equal_rows import is_made_distinct
from hotmig.transfer.key_sql import matches_as_stored
from hotmig.transfer.old_rows import key_title, shown
from hotmig.transfer.step_sql import StepSql

_OLD_KEY = "_migration_old_{}"


def equal_to_old_rows(court: Court, group: GroupSql, table: str) -> Iterator[Unfit]:
    """One for each key; ``table`` has the rows that are made."""
    taken = list(_with_key_of_old_row(court, group))
    yield from taken
    for key in unique_keys(group.step.table):
        # None is made where a row that stays has its canonical value.
        if not (taken and _is_new_key(group, key)) and not is_made_distinct(group.sql, key):
            yield from _equal_to_old_row(court, group, key, table)


def _with_key_of_old_row(court: Court, group: GroupSql) -> Iterator[Unfit]:
    """Of any: one that becomes one with the made row today can stay by itself tomorrow, and then needs its key."""
    step = group.sql
    if step.step.keys != "kept":
        return
    held = matches_as_stored(step.source_key_of("o"), made_key(group), step.source_collations)
    rows = f"{fates.created(group.step)} AS n CROSS JOIN {step.source} AS o ON {held} WHERE n.{LIVE}"
    listed = ", ".join(["count(*) OVER ()", f"n.{GROUP.format(1)}", *step.source_key_of("o")])
    name = ", ".join(step.step.new_key)
    what = f"rows that create= makes have the {name} of an old row"
    found = court.ask(what, f"SELECT {listed} FROM {rows} ORDER BY 2 LIMIT {SAMPLES}")
    if found:
        yield Unfit("create", ("has", "have"), f"the {name} of an old row", *_beside(step, found))


def _beside(step: StepSql, rows: Sequence[Row]) -> tuple[int, tuple[str, ...]]:
    """The number that each row of an answer begins with, and the rest of it in words: a canonical value, an old key."""
    title = key_title(step.step)
    return rows[0][0], tuple(f"{shown([row[1]])}: {title} {shown(row[2:])}" for row in rows)


def _is_new_key(group: GroupSql, key: UniqueKey) -> bool:
    return {fold(part.name or "") for part in key.columns} == set(map(fold, group.step.new_key))


def _equal_to_old_row(court: Court, group: GroupSql, key: UniqueKey, table: str) -> Iterator[Unfit]:
    step, old = group.sql, _old_side(group.sql, key)
    if old is None:
        return
    mine = [f"{sql} AS u{number}" for number, sql in enumerate(_parts(key), 1)]
    mine.append(f"{quote(group.grouping.merges_by or '')} AS name")
    made = f"SELECT {', '.join(mine)} FROM {table} AS {quote(group.step.table.name)}{_where(key)}"
    alike = conjunction(
        f"p.u{number} = t.u{number} COLLATE {quote(part.collation)} AND +p.u{number} = +t.u{number}"
        f" COLLATE {quote(part.collation)}"
        for number, part in enumerate(key.columns, 1)
    )
    keys = [f"p.{_OLD_KEY.format(number)}" for number in range(1, len(step.source_key.columns) + 1)]
    listed = ", ".join(["count(*) OVER ()", "t.name", *keys])
    what = f"under the unique {key.title}"
    sql = f"SELECT {listed} FROM ({made}) AS t JOIN ({old}) AS p ON {alike} ORDER BY 2 LIMIT {SAMPLES}"
    found = court.ask(f"rows that create= makes are equal to an old row {what}", sql)
    if found:
        yield Unfit("create", ("is", "are"), f"equal to an old row {what}", *_beside(step, found))


def _old_side(step: StepSql, key: UniqueKey) -> str | None:
    """A SELECT of what the key compares, ``u1``, …, of the old rows that stay, with their old key.

    None where only the copy can tell.
    """
    keys = [(name, _OLD_KEY.format(number)) for number, name in enumerate(step.source_key_of("o"), 1)]
    if key.where is None and all(part.name is not None for part in key.columns):
        # Without what stands around the rows, SQLite can find them by an index of the old table.
        return values_that_stay(step, [part.name or "" for part in key.columns], keys)
    table = step.step.table
    names = {part.name for part in key.columns if part.name is not None}
    names |= {name for part in key.columns if part.expression for name in reads(part.expression, table)}
    rows = rows_that_stay(step, sorted(names | (reads(key.where, table) if key.where else set())), keys)
    if rows is None:
        return None
    listed = [f"{sql} AS u{number}" for number, sql in enumerate(_parts(key), 1)] + [name for _, name in keys]
    return f"SELECT {', '.join(listed)} FROM ({rows}) AS {quote(table.name)}{_where(key)}"


def _parts(key: UniqueKey) -> list[str]:
    return [quote(part.name) if part.name is not None else f"({part.expression}\n)" for part in key.columns]


def _where(key: UniqueKey) -> str:
    return f" WHERE ({key.where}\n)" if key.where is not None else ""
