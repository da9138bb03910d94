"""New rows as SQL over the old table, for the questions that are asked before anything is copied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from hotmig.catalog.affinity import column_affinity, stored
from hotmig.catalog.model import Column, Index, PrimaryKey, Table, UniqueConstraint
from hotmig.planning.expressions import compiled
from hotmig.planning.model import ColumnStep, TableStep, Translation
from hotmig.planning.projection import projected
from hotmig.sqlite import fold, quote

KEY = "_migration_key_{}"  # reserved names: no column of a user is hidden by them


def translation_of(step: TableStep, name: str) -> Translation | None:
    """The translation that fills the new column of that name."""
    folded = fold(name)
    return next((each for each in step.translations if folded in map(fold, each.targets)), None)


def value_of(step: TableStep, own: ColumnStep) -> str | None:
    """The projected value over the old row; None without an expression, or with one that the old table can't take."""
    if own.expression is None or step.source is None:
        return None
    if step.taken_from(own) is None and compiled(own.expression, step.source).error is not None:
        return None
    return projected(step, own)


def default_of(step: TableStep, column: Column) -> str | None:
    """The default that old rows get in a new column; None where the column is filled in another way, or has none."""
    own = step.column(column.name)
    filled = own is None or own.expression is not None or own.assigned or translation_of(step, column.name) is not None
    if step.source is None or filled or column.default is None:
        return None
    return stored(f"({column.default})", column_affinity(step.table, column))


def new_rows(step: TableStep, names: Iterable[str], *, stand_in: bool = False) -> str | None:
    """A SELECT of the new table's columns of these names over the old table, with the old row's key beside them.

    The columns have the new table's affinities and collations. None when one of them isn't known before the
    copy: a translated reference or an assigned key. With ``stand_in``, a reference that was one column and will be
    translated is there with its old value, which tells rows apart just as the whole new one will.
    """
    if step.source is None:
        return None
    wanted = frozenset(fold(column.name) for column in _needed(step.table, names)[0]) if stand_in else frozenset()
    keys = step.source_key.columns if step.source_key is not None else ()
    beside = list(zip(map(quote, keys), key_names(step), strict=True))
    return built_rows(step, names, lambda column: _value(step, column, wanted), quote(step.source.name), beside)


def built_rows(
    step: TableStep,
    names: Iterable[str],
    value: Callable[[Column], str | None],
    rows: str,
    beside: Sequence[tuple[str, str]],
) -> str | None:
    """The same over any ``rows`` of the old table, which is what stands behind FROM, each column with its ``value``.

    ``beside`` are further (SQL, name). None where a value is.
    """
    plain, generated = _needed(step.table, names)
    values = [value(column) for column in plain]
    if not all(values):
        return None
    sql = _base(step, rows, plain, [each for each in values if each], beside)
    for column in generated:
        sql = f"SELECT *, {_generated(step.table, column)} FROM ({sql}) AS {quote(step.table.name)}"
    return sql


def key_names(step: TableStep) -> tuple[str, ...]:
    """The quoted names under which ``new_rows`` has the old row's key."""
    columns = step.source_key.columns if step.source_key is not None else ()
    return tuple(quote(KEY.format(number)) for number in range(1, len(columns) + 1))


def reads(expression: str, table: Table) -> frozenset[str]:
    """The columns that an expression of the new table reads; all of them when SQLite doesn't tell."""
    found = compiled(expression, table)
    return found.reads if found.error is None else frozenset(fold(column.name) for column in table.columns)


def read_by(key: PrimaryKey | UniqueConstraint | Index, table: Table) -> set[str]:
    """The columns, folded, that a key or an index of a table reads, by name or in its SQL."""
    sql = [part.expression for part in key.columns] + [key.where if isinstance(key, Index) else None]
    names = {fold(part.name) for part in key.columns if part.name is not None}
    return names.union(*(reads(each, table) for each in sql if each is not None))


def indexed_columns(table: Table) -> set[str] | None:
    """The columns, folded, that any key or index reads; None where a column is generated from others."""
    if any(column.generated is not None for column in table.columns):
        return None
    keys: list[PrimaryKey | UniqueConstraint | Index] = [*table.uniques, *table.indexes]
    keys += [table.primary_key] if table.primary_key else []
    return set().union(*(read_by(key, table) for key in keys))


def _needed(table: Table, names: Iterable[str]) -> tuple[list[Column], list[Column]]:
    """The stored columns that are read for these, and the generated ones, each behind those that it reads."""
    plain: list[Column] = []
    generated: list[Column] = []
    for name in names:
        _collect(table, name, plain, generated)
    return plain, generated


def _collect(table: Table, name: str, plain: list[Column], generated: list[Column]) -> None:
    column = table.column(name)
    if column is None or column in plain or column in generated:
        return
    if column.generated is None:
        plain.append(column)
        return
    for read in sorted(reads(column.generated, table) - {fold(column.name)}):
        _collect(table, read, plain, generated)
    generated.append(column)


def _value(step: TableStep, column: Column, wanted: frozenset[str]) -> str | None:
    own = step.column(column.name)
    translation = translation_of(step, column.name)
    if translation is not None:
        return quote(translation.columns[0]) if _can_stand_in(step, translation, wanted) else None
    if own is None or own.assigned:
        return None
    if own.expression is not None:
        return value_of(step, own)
    return stored(f"({column.default or 'NULL'})", column_affinity(step.table, column))


def _can_stand_in(step: TableStep, translation: Translation, wanted: frozenset[str]) -> bool:
    """Only all columns of a reference together tell its parent rows apart."""
    targets = set(map(fold, translation.targets))
    is_whole = any(targets == set(map(fold, foreign.columns)) for foreign in step.table.foreign_keys)
    return len(translation.columns) == 1 and is_whole and targets <= wanted


def _base(
    step: TableStep, rows: str, columns: list[Column], values: list[str], beside: Sequence[tuple[str, str]]
) -> str:
    """A compound, because its first part lends affinity to the columns; the limit keeps WHERE out of its parts,
    where SQLite 3.40 evaluates it without that affinity and collation."""
    shapes = [*_shapes(step, columns), *(f"NULL AS {name}" for _, name in beside)]
    collated = [f"({value}) COLLATE {quote(column.collation)}" for value, column in zip(values, columns, strict=True)]
    filled = [*collated, *(sql for sql, _ in beside)] or ["NULL"]
    shape = f"SELECT {', '.join(shapes or ['NULL'])} WHERE 0"
    return f"{shape} UNION ALL SELECT {', '.join(filled)} FROM {rows} LIMIT -1"


def _shapes(step: TableStep, columns: list[Column]) -> Iterator[str]:
    for column in columns:
        typed = f"CAST(NULL AS {column_affinity(step.table, column)})"
        yield f"{typed} COLLATE {quote(column.collation)} AS {quote(column.name)}"


def _generated(table: Table, column: Column) -> str:
    value = stored(f"({column.generated})", column_affinity(table, column))
    return f"({value}) COLLATE {quote(column.collation)} AS {quote(column.name)}"
