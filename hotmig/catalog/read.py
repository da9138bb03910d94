"""Any SQLite database → Catalog."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from hotmig.catalog import ddl
from hotmig.catalog.model import Catalog, ForeignKey, Table, Trigger, View, VirtualTable
from hotmig.catalog.own import has_own_table, is_own_table, is_own_trigger
from hotmig.catalog.read_table import Entry, Kind, TableReader
from hotmig.errors import HotmigError
from hotmig.sqlite import execute, fold, quote

_OWN_PREFIX = "_migration_"
_SQLITE_PREFIX = "sqlite_"


def read_catalog(db: sqlite3.Connection, schema: str = "main") -> Catalog:
    """The tables, views and triggers of one database, in the order of their creation.

    SQLite's own tables, the shadow tables of virtual tables and hotmig's bookkeeping are left out.
    Raises HotmigError, naming the object, when a definition can't be read or disagrees with what SQLite reports.
    """
    kinds = _table_kinds(db, schema)
    own = own_tables(db, schema)
    entries = [entry for entry in _entries(db, schema) if not _is_left_out(entry, kinds, own)]
    indexes: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.type == "index":
            indexes.setdefault(fold(entry.table), []).append(entry)
    ordinary, virtual = [], []
    for entry in entries:
        kind = kinds.get(fold(entry.name)) if entry.type == "table" else None
        if kind is not None and kind.name == "virtual":
            virtual.append(VirtualTable(entry.name, ddl.virtual_module(entry.sql, entry.name), entry.sql))
        elif kind is not None:
            ordinary.append(TableReader(db, schema, entry, kind).read(indexes.get(fold(entry.name), [])))
    names = {fold(entry.name): entry.name for entry in entries if entry.type in ("table", "view")}
    return Catalog(
        _with_parents(ordinary),
        tuple(View(entry.name, entry.sql) for entry in entries if entry.type == "view"),
        tuple(
            Trigger(entry.name, names.get(fold(entry.table), entry.table), entry.sql)
            for entry in entries
            if entry.type == "trigger"
        ),
        tuple(virtual),
    )


def own_tables(db: sqlite3.Connection, schema: str = "main") -> frozenset[str]:
    """The names of the tables that are hotmig's bookkeeping, in lower case."""
    present = (entry.name for entry in _entries(db, schema) if entry.type == "table" and is_own_table(entry.name))
    return frozenset(fold(name) for name in present if has_own_table(db, name, schema))


def reserved_strangers(db: sqlite3.Connection, schema: str = "main") -> tuple[str, ...]:
    """The objects that have a name of hotmig's, or one that begins with ``_migration_``, and are not hotmig's."""
    own = own_tables(db, schema)
    return tuple(
        entry.name
        for entry in _entries(db, schema)
        if (fold(entry.name).startswith(_OWN_PREFIX) or is_own_table(entry.name)) and not _is_own_entry(entry, own)
    )


def unsayable(db: sqlite3.Connection, schema: str = "main") -> tuple[str, ...]:
    """What the database's SQL says and a Catalog can't carry, one line each, for people.

    Raises HotmigError like ``read_catalog``.
    """
    kinds = _table_kinds(db, schema)
    own = own_tables(db, schema)
    lines: list[str] = []
    for entry in _entries(db, schema):
        if not _is_left_out(entry, kinds, own):
            lines.extend(f"{entry.type} {entry.name}: {remark}" for remark in _remarks(entry, kinds))
    return tuple(lines)


def _remarks(entry: Entry, kinds: dict[str, Kind]) -> Iterable[str]:
    if entry.type == "index":
        return ddl.parse_index(entry.sql, entry.name).remarks
    if entry.type == "table" and kinds[fold(entry.name)].name == "table":
        return ddl.parse_table(entry.sql, entry.name).remarks
    return ()  # views, triggers and virtual tables keep their whole text


def _entries(db: sqlite3.Connection, schema: str) -> list[Entry]:
    rows = execute(
        db, f"SELECT type, name, tbl_name, coalesce(sql, '') FROM {quote(schema)}.sqlite_schema ORDER BY rowid"
    ).fetchall()
    for row in rows:
        if not all(isinstance(part, str) for part in row):
            raise HotmigError(
                f"the definition of {row[0]} {row[1]!r} is not valid UTF-8", "give it another name before migrating"
            )
    return [Entry(*row) for row in rows]


def _table_kinds(db: sqlite3.Connection, schema: str) -> dict[str, Kind]:
    rows = execute(db, "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = ?", (schema,))
    return {fold(name): Kind(kind, bool(wr), bool(strict)) for name, kind, wr, strict in rows}


def _is_left_out(entry: Entry, kinds: dict[str, Kind], own: frozenset[str]) -> bool:
    if fold(entry.name).startswith(_SQLITE_PREFIX) or _is_own_entry(entry, own):
        return True
    if entry.type == "index" and fold(entry.table) in own:
        return True
    kind = kinds.get(fold(entry.table))
    return entry.type in ("table", "index") and kind is not None and kind.name == "shadow"


def _is_own_entry(entry: Entry, own: frozenset[str]) -> bool:
    if entry.type == "table":
        return fold(entry.name) in own
    return entry.type == "trigger" and is_own_trigger(entry.name)


def _with_parents(tables: list[Table]) -> tuple[Table, ...]:
    by_name = {fold(table.name): table for table in tables}
    return tuple(
        replace(
            table, foreign_keys=tuple(_with_parent(key, by_name.get(fold(key.parent))) for key in table.foreign_keys)
        )
        for table in tables
    )


def _with_parent(key: ForeignKey, parent: Table | None) -> ForeignKey:
    """The key with the parent's own spelling, and its primary key where no column is named.

    Without columns it stays when the primary key doesn't fit: SQLite refuses to check such a key, but not to have it.
    """
    if parent is None:
        return key
    columns = tuple(_spelled(parent, name) for name in key.parent_columns)
    if not columns and parent.primary_key is not None:
        primary = tuple(column.name for column in parent.primary_key.columns if column.name is not None)
        columns = primary if len(primary) == len(key.columns) else ()
    return replace(key, parent=parent.name, parent_columns=columns)


def _spelled(table: Table, name: str) -> str:
    column = table.column(name)
    return name if column is None else column.name
