"""Which columns of a table no two of its rows have alike, and none lacks."""

from __future__ import annotations

from hotmig.catalog.model import IndexedColumn, Table
from hotmig.sqlite import fold


def key_without_null(table: Table) -> tuple[IndexedColumn, ...] | None:
    """The primary key, or else the best UNIQUE key; None where only the rowid tells all rows apart.

    Of several UNIQUE keys, the one with the fewest columns, then the first by name.
    """
    if table.primary_key is not None and _never_null(table, table.primary_key.columns, primary=True):
        return table.primary_key.columns
    uniques = [columns for columns in _unique_keys(table) if _never_null(table, columns)]
    return min(uniques, key=_preference, default=None)


def can_be_null(table: Table, name: str) -> bool:
    """Whether a column accepts NULL: not by NOT NULL, nor as the rowid, nor as part of a key that forbids it.

    A primary key of an ordinary rowid table does accept NULLs, several of them.
    """
    column = table.column(name)
    if column is None or column.not_null:
        return column is None
    if table.rowid_alias is not None and fold(table.rowid_alias) == fold(name):
        return False
    return not ((table.without_rowid or table.strict) and _in_primary_key(table, name))


def primary_key_names(table: Table) -> tuple[str, ...]:
    """The columns of the declared primary key, () without one."""
    if table.rowid_alias is not None:
        return (table.rowid_alias,)
    if table.primary_key is None:
        return ()
    return tuple(column.name for column in table.primary_key.columns if column.name is not None)


def _in_primary_key(table: Table, name: str) -> bool:
    return fold(name) in {fold(part) for part in primary_key_names(table)}


def _unique_keys(table: Table) -> list[tuple[IndexedColumn, ...]]:
    constraints = [unique.columns for unique in table.uniques]
    return constraints + [index.columns for index in table.indexes if index.unique and index.where is None]


def _never_null(table: Table, columns: tuple[IndexedColumn, ...], *, primary: bool = False) -> bool:
    for part in columns:
        column = table.column(part.name) if part.name is not None else None
        if column is None or column.generated is not None:
            return False
        if can_be_null(table, column.name) if primary else not column.not_null:
            return False
    return True


def _preference(columns: tuple[IndexedColumn, ...]) -> tuple[object, ...]:
    names = tuple(fold(part.name or "") for part in columns)
    return (len(columns), names, tuple(part.collation.upper() for part in columns))
