"""The keys by which a table can be recorded, for tests that have no plan."""

from __future__ import annotations

import sqlite3

from hotmig.catalog.model import IndexedColumn, Table
from hotmig.catalog.read import read_catalog
from hotmig.planning.model import KeyKind, Recorded, SourceKey


def candidate_keys(table: Table) -> list[SourceKey]:
    """Every key by which a row is found again, the planner's choice first."""
    found = []
    if table.rowid_alias:
        found.append(SourceKey(table.name, (table.rowid_alias,), ("BINARY",), "integer"))
    elif table.primary_key:
        found.extend(_key(table, table.primary_key.columns, "primary"))
    for constraint in table.uniques:
        found.extend(_key(table, constraint.columns, "unique"))
    for index in table.indexes:
        if index.unique and index.where is None:
            found.extend(_key(table, index.columns, "unique"))
    if table.rowid_name and not table.rowid_alias:
        found.append(SourceKey(table.name, (table.rowid_name,), ("BINARY",), "rowid"))
    return found


def _key(table: Table, columns: tuple[IndexedColumn, ...], kind: KeyKind) -> list[SourceKey]:
    for each in columns:
        column = table.column(each.name) if each.name is not None else None
        if column is None or column.generated is not None or not column.not_null:
            return []
    return [SourceKey(table.name, tuple(c.name or "" for c in columns), tuple(c.collation for c in columns), kind)]


def recorded_tables(db: sqlite3.Connection) -> tuple[Recorded, ...]:
    """All tables of a database, each with the key that the planner would choose."""
    return tuple(
        Recorded(number, table, next(iter(candidate_keys(table)), None))
        for number, table in enumerate(read_catalog(db).tables, 1)
    )
