"""What a database is made of, as values: names are spelled as in the database, expressions are its own SQL text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from hotmig.sqlite import fold

Affinity = Literal["INTEGER", "TEXT", "BLOB", "REAL", "NUMERIC"]
ROWID_NAMES = ("rowid", "_rowid_", "oid")


@dataclass(frozen=True)
class Column:
    """One column, generated ones included. ``type`` is the declared type, "" for none."""

    name: str
    type: str = ""
    not_null: bool = False
    not_null_conflict: str | None = None
    default: str | None = None
    collation: str = "BINARY"
    generated: str | None = None
    stored: bool = False


@dataclass(frozen=True)
class IndexedColumn:
    """A column of a key or an index: either ``name`` or ``expression``, with the collation that is in effect."""

    name: str | None
    expression: str | None = None
    collation: str = "BINARY"
    descending: bool = False


@dataclass(frozen=True)
class PrimaryKey:
    columns: tuple[IndexedColumn, ...]
    conflict: str | None = None
    autoincrement: bool = False


@dataclass(frozen=True)
class UniqueConstraint:
    columns: tuple[IndexedColumn, ...]
    conflict: str | None = None


@dataclass(frozen=True)
class Check:
    expression: str
    name: str | None = None


@dataclass(frozen=True)
class ForeignKey:
    """``parent_columns`` are always spelled out where the parent exists; empty when it does not."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    deferred: bool = False  # DEFERRABLE INITIALLY DEFERRED: every other spelling acts as if it were not there


@dataclass(frozen=True)
class Index:
    """A CREATE INDEX; indexes that belong to constraints are in the constraints."""

    name: str
    columns: tuple[IndexedColumn, ...]
    unique: bool = False
    where: str | None = None


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    primary_key: PrimaryKey | None = None
    uniques: tuple[UniqueConstraint, ...] = ()
    checks: tuple[Check, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    strict: bool = False
    without_rowid: bool = False
    rowid_alias: str | None = None  # the INTEGER PRIMARY KEY column, if there is one

    def column(self, name: str) -> Column | None:
        """The column of that name, without regard to case, as SQLite finds it."""
        return self._by_name.get(fold(name))

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {fold(column.name): column for column in reversed(self.columns)}

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """The columns that an INSERT can write: all but the generated ones."""
        return tuple(column for column in self.columns if column.generated is None)

    @property
    def rowid_name(self) -> str | None:
        """A name by which SQL reaches the rowid: None on WITHOUT ROWID, or when columns hide all three."""
        if self.without_rowid:
            return None
        return next((name for name in ROWID_NAMES if self.column(name) is None), None)


@dataclass(frozen=True)
class View:
    name: str
    sql: str


@dataclass(frozen=True)
class Trigger:
    name: str
    table: str
    sql: str


@dataclass(frozen=True)
class VirtualTable:
    name: str
    module: str
    sql: str


@dataclass(frozen=True)
class Catalog:
    tables: tuple[Table, ...] = ()
    views: tuple[View, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    virtual_tables: tuple[VirtualTable, ...] = ()

    def table(self, name: str) -> Table | None:
        """The table of that name, without regard to case, as SQLite finds it."""
        folded = fold(name)
        return next((table for table in self.tables if fold(table.name) == folded), None)


def affinity(declared_type: str, *, strict: bool = False) -> Affinity:
    """The affinity that SQLite gives a declared type (https://sqlite.org/datatype3.html, 3.1)."""
    folded = declared_type.upper()
    if strict and folded == "ANY":
        return "BLOB"  # ANY of a STRICT table keeps every value as it is
    if "INT" in folded:
        return "INTEGER"
    if any(part in folded for part in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if not folded or "BLOB" in folded:
        return "BLOB"
    if any(part in folded for part in ("REAL", "FLOA", "DOUB")):
        return "REAL"
    return "NUMERIC"
