"""Which rows the new schema does not take: looked for after a statement failed, in the transaction that it failed in.

What is inserted meanwhile goes with that transaction, which the refusal rolls back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence

from hotmig.catalog.model import Index
from hotmig.sqlite import conjunction, execute, fold, quote, value
from hotmig.transfer.complaints import columns_of, failed
from hotmig.transfer.old_rows import Misfit, Named, cut, named, old_key
from hotmig.transfer.seeds import planting
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql

SAMPLES = 3
DUPLICATES = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID)

Find = Callable[[Session, StepSql, sqlite3.IntegrityError], Sequence[Misfit]]


def among(rows: str) -> Find:
    """For an ``INSERT`` of ``rows``: what stands behind FROM, with the projection under the alias ``p``."""

    def find(session: Session, step: StepSql, error: sqlite3.IntegrityError) -> Sequence[Misfit]:
        execute(session.db, "DROP TABLE IF EXISTS temp._migration_suspects")
        # Without types: the rows must not be changed by their being looked at.
        execute(session.db, f"CREATE TEMP TABLE _migration_suspects({', '.join(step.view_columns)})")
        execute(session.db, f"INSERT INTO temp._migration_suspects SELECT p.* FROM {rows}")
        found = []
        for position, its_error in _misfits(session, step):
            if str(its_error) == str(error):
                found.append(_described(session, step, position, its_error))
        return found

    return find


def _misfits(session: Session, step: StepSql) -> Iterator[tuple[int, sqlite3.IntegrityError]]:
    """The first suspects that do not fit. All before each of them are in the new table then, but for the others."""
    first, last = 1, value(session.db, "SELECT count(*) FROM temp._migration_suspects")
    for _ in range(SAMPLES):
        found = _first_misfit(session, step, first, last)
        if found is None:
            return
        yield found
        first = found[0] + 1


def _first_misfit(session: Session, step: StepSql, first: int, last: int) -> tuple[int, sqlite3.IntegrityError] | None:
    """By halves. A statement that fails has done nothing, so each row is tried about twice, whatever their number."""
    error = _try(session, step, first, last)
    while error is not None and first < last:
        middle = (first + last) // 2
        half = _try(session, step, first, middle)
        if half is None:
            first = middle + 1
        else:
            last, error = middle, half
    if error is None:
        return None
    # Halving came to this row without trying it alone, when all before it did fit.
    alone = _try(session, step, first, first)
    return (first, alone) if alone is not None else None


def _try(session: Session, step: StepSql, first: int, last: int) -> sqlite3.IntegrityError | None:
    try:
        execute(session.db, step.insert("temp._migration_suspects AS p WHERE p.rowid BETWEEN ? AND ?"), (first, last))
    except sqlite3.IntegrityError as error:
        return error
    return None


def _described(session: Session, step: StepSql, position: int, error: sqlite3.IntegrityError) -> Misfit:
    names = tuple(name for name in columns_of(step.step.table, str(error)) if fold(name) in step.positions)
    values = [cut(f"p.{step.positions[fold(name)]}") for name in names]
    key = step.key_of("p")
    this = "temp._migration_suspects AS p WHERE p.rowid = ?"
    row = execute(session.db, f"SELECT {', '.join([*key, *values])} FROM {this}", (position,)).fetchone()
    holder = _holder(session, step, step.insert(this), (position,), names) if _is_duplicate(error) else None
    return Misfit(named(row, len(key), 0), holder, names)


def _is_duplicate(error: sqlite3.IntegrityError) -> bool:
    return error.sqlite_errorcode in DUPLICATES


def _holder(
    session: Session, step: StepSql, insert: str, parameters: Sequence[object], names: Sequence[str]
) -> Named | None:
    """The row of the new table that keeps one row out, through whatever key or index: SQLite itself finds it.

    An upsert whose update changes nothing comes to it, through partial and expression indexes and any collation.
    """
    table = quote(step.step.table.name)
    some = quote(step.step.table.stored_columns[-1].name)
    new = [f"{table}.{name}" for name in step.target_key]
    values = [cut(f"{table}.{quote(name)}") for name in names]
    returned = [*old_key(step, new), *new, *values]
    row = execute(
        session.db,
        f"{insert} ON CONFLICT DO UPDATE SET {some} = {some} RETURNING {', '.join(returned)}",
        parameters,
    ).fetchone()
    return None if row is None else named(row, len(step.source_key.columns), len(new))


def among_seeds(session: Session, step: StepSql, _: sqlite3.IntegrityError) -> Sequence[Misfit]:
    """For seed rows: old rows that have their values."""
    found = []
    for seed in step.step.seeds:
        statement, parameters = planting(step.step, seed)
        try:
            execute(session.db, statement, parameters)
        except sqlite3.IntegrityError as error:
            if not _is_duplicate(error):
                continue
            names = columns_of(step.step.table, str(error))
            holder = _holder(session, step, statement, parameters, names)
            if holder is not None:
                key = tuple(seed.by_name[fold(name)] for name in step.step.new_key)
                found.append(Misfit(holder, Named(None, key), names))
    return found[:SAMPLES]


def in_indexes(session: Session, step: StepSql, error: sqlite3.IntegrityError) -> Sequence[Misfit]:
    """For a UNIQUE index that can't be made: pairs of rows of the new table that it would not take both."""
    table = step.step.table
    index = next((index for index in table.indexes if failed(table, index, str(error))), None)
    return () if index is None else _duplicates(session, step, index, columns_of(table, str(error)))


def _duplicates(session: Session, step: StepSql, index: Index, names: tuple[str, ...]) -> Sequence[Misfit]:
    key = step.target_key
    parts = [f"{quote(part.name) if part.name is not None else f'({part.expression})'}" for part in index.columns]
    collated = [f"{sql} COLLATE {quote(part.collation)}" for sql, part in zip(parts, index.columns, strict=True)]
    # NULLs are distinct in an index.
    where = conjunction([*(f"{sql} IS NOT NULL" for sql in parts), *([f"({index.where})"] if index.where else [])])
    columns = [*key, *(cut(quote(name)) for name in names)]
    mine = [f"{sql} AS a{number}" for number, sql in enumerate(columns, 1)]
    before = [f"lag({sql}) OVER same_value AS b{number}" for number, sql in enumerate(columns, 1)]
    pairs = (
        f"SELECT {', '.join([*mine, *before, 'row_number() OVER same_value AS place'])} FROM {step.target}"
        f" WHERE {where} WINDOW same_value AS (PARTITION BY {', '.join(collated)} ORDER BY {', '.join(key)})"
    )
    picked = [side for letter in "ab" for side in _side(step, letter, len(key), len(columns))]
    rows = execute(session.db, f"SELECT {', '.join(picked)} FROM ({pairs}) WHERE place > 1 LIMIT {SAMPLES}").fetchall()
    old, new = len(step.source_key.columns), len(key)
    half = old + len(columns)
    return [Misfit(named(row[:half], old, new), named(row[half:], old, new), names) for row in rows]


def _side(step: StepSql, letter: str, key: int, columns: int) -> Sequence[str]:
    own = [f"{letter}{number}" for number in range(1, columns + 1)]
    return [*old_key(step, own[:key]), *own]
