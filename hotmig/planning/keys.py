"""The columns by which one row of a table is found again."""

from __future__ import annotations

from hotmig.catalog.keys import key_without_null
from hotmig.catalog.model import IndexedColumn, Table
from hotmig.planning.model import KeyKind, SourceKey


def row_key(table: Table) -> SourceKey | None:
    """The best key of a table: INTEGER PRIMARY KEY, primary key, UNIQUE key, rowid; None when there is none."""
    if table.rowid_alias is not None:
        return SourceKey(table.name, (table.rowid_alias,), ("BINARY",), "integer")
    key = key_without_null(table)
    if key is not None:
        is_primary = table.primary_key is not None and key == table.primary_key.columns
        return _key(table, key, "primary" if is_primary else "unique")
    if table.rowid_name is not None:
        return SourceKey(table.name, (table.rowid_name,), ("BINARY",), "rowid")
    return None


def _key(table: Table, columns: tuple[IndexedColumn, ...], kind: KeyKind) -> SourceKey:
    # An index may name a column in another case than the table does; the table's spelling is the one we use.
    found = [(table.column(part.name), part.collation) for part in columns if part.name is not None]
    named = tuple((column.name, collation) for column, collation in found if column is not None)
    return SourceKey(table.name, tuple(name for name, _ in named), tuple(collation for _, collation in named), kind)
