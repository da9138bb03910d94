"""The vocabulary of the independent model: old tables, and the changes that a schema module can declare.

Nothing here knows hotmig. An old schema becomes DDL (``create``), a change becomes a schema module (render.py), and
model.py computes in plain Python what the change makes of rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.scenarios.exact import Cell, Text, quote

KeyKind = Literal["integer", "primary", "unique", "rowid"]
FRESH_KEY = "new id"
NARROWED = "new reference"
# Every default that a column here can have: as SQL, and as the cell that is stored.
DEFAULTS: dict[str | None, Cell] = {
    None: None,
    "'none'": Text(b"none"),
    "0": 0,
    "x'00'": b"\0",
    "7": 7,
    "'new'": Text(b"new"),
    "x'0000'": b"\0\0",
}


@dataclass(frozen=True)
class Column:
    """``default`` is a constant as SQL."""

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    collation: str = "BINARY"

    @property
    def sql(self) -> str:
        parts = [quote(self.name), self.type, "NOT NULL" if self.not_null else ""]
        parts += [f"DEFAULT {self.default}" if self.default is not None else ""]
        parts += [f"COLLATE {self.collation}" if self.collation != "BINARY" else ""]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class Reference:
    """A foreign key to the whole key of its parent."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"

    @property
    def sql(self) -> str:
        columns, parents = (", ".join(map(quote, names)) for names in (self.columns, self.parent_columns))
        return (
            f"FOREIGN KEY ({columns}) REFERENCES {quote(self.parent)}({parents})"
            f" ON DELETE {self.on_delete} ON UPDATE {self.on_update} DEFERRABLE INITIALLY DEFERRED"
        )

    def parent_column(self, column: str) -> str:
        """What that column refers to."""
        return self.parent_columns[self.columns.index(column)]


@dataclass(frozen=True)
class Check:
    """A condition that both sides can have: old rows fulfil it, because no write got past it."""

    kind: Literal["integer", "no blob", "both or none"]
    columns: tuple[str, ...]

    @property
    def sql(self) -> str:
        names = [quote(column) for column in self.columns]
        if self.kind == "integer":
            return f"{names[0]} IS NULL OR typeof({names[0]}) = 'integer'"
        if self.kind == "no blob":
            return f"typeof({names[0]}) <> 'blob'"
        return f"({names[0]} IS NULL) = ({names[1]} IS NULL)"


@dataclass(frozen=True)
class UniqueIndex:
    """A unique index over an expression, or over some of the rows: what REPLACE must look through."""

    name: str
    expression: str
    where: str | None = None

    def sql(self, table: str) -> str:
        where = f" WHERE {self.where}" if self.where else ""
        return f"CREATE UNIQUE INDEX {quote(self.name)} ON {quote(table)}({self.expression}){where}"


@dataclass(frozen=True)
class Table:
    """``key`` holds the columns by which a row is found; ("rowid",) where there is nothing else."""

    name: str
    columns: tuple[Column, ...]
    kind: KeyKind
    key: tuple[str, ...]
    autoincrement: bool = False
    without_rowid: bool = False
    uniques: tuple[tuple[str, ...], ...] = ()
    unique_indexes: tuple[UniqueIndex, ...] = ()
    references: tuple[Reference, ...] = ()
    checks: tuple[Check, ...] = ()

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def reference(self, column: str) -> Reference | None:
        return next((reference for reference in self.references if column in reference.columns), None)

    def is_whole(self, column: str) -> bool:
        """Whether a CHECK lets nothing but integers and NULL into that column."""
        return Check("integer", (column,)) in self.checks

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that make up a row, its rowid included where that is the key."""
        names = tuple(column.name for column in self.columns)
        return (*names, "rowid") if self.kind == "rowid" else names

    @property
    def ddl(self) -> str:
        key = ", ".join(map(quote, self.key))
        lines = [column.sql for column in self.columns]
        if self.kind == "integer":
            at = [column.name for column in self.columns].index(self.key[0])
            lines[at] = f"{key} INTEGER PRIMARY KEY" + (" AUTOINCREMENT" if self.autoincrement else "")
        lines += [f"PRIMARY KEY ({key})"] if self.kind == "primary" else []
        lines += [f"UNIQUE ({key})"] if self.kind == "unique" else []
        lines += [f"UNIQUE ({', '.join(map(quote, unique))})" for unique in self.uniques]
        lines += [reference.sql for reference in self.references]
        lines += [f"CHECK ({check.sql})" for check in self.checks]
        options = " WITHOUT ROWID" if self.without_rowid else ""
        return f"CREATE TABLE {quote(self.name)}({', '.join(lines)}){options}"


@dataclass(frozen=True)
class Expression:
    """A ``From``: one of a small closed set that model.py can evaluate."""

    kind: Literal["joined", "arithmetic", "typeof", "or none", "constant"]
    columns: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        names = [quote(column) for column in self.columns]
        if self.kind == "joined":
            first, second = names
            texts = f"typeof({first}) = 'text' AND typeof({second}) = 'text'"
            return f"CASE WHEN {texts} THEN {first} || ' ' || {second} END"
        if self.kind == "arithmetic":
            is_small = f"typeof({names[0]}) = 'integer' AND {names[0]} BETWEEN -1000 AND 1000"
            return f"CASE WHEN {is_small} THEN {names[0]} * 3 - 1 ELSE 0 END"
        if self.kind == "typeof":
            return f"typeof({names[0]})"
        if self.kind == "or none":
            return f"CASE WHEN {names[0]} IS NULL THEN 'none' ELSE {names[0]} END"
        return "'constant'"


@dataclass(frozen=True)
class Carried:
    """The old column, under a type that loses nothing."""

    old: str


@dataclass(frozen=True)
class Computed:
    expression: Expression


@dataclass(frozen=True)
class Constant:
    """A new column: its default, as SQL in the column and as the cell that is stored."""

    stored: Cell


@dataclass(frozen=True)
class FreshKey:
    """A new integer key, which hotmig chooses."""


@dataclass(frozen=True)
class Follows:
    """A column of a reference to a parent whose key is new: its value is the parent row's, there.

    ``orphans`` "null" gives up references to rows that do not exist; with "refuse" there must be none.
    """

    old: str
    orphans: Literal["refuse", "null"] = "null"


@dataclass(frozen=True)
class Narrowed:
    """One column in place of a reference of several: its value is the new key of the row that they refer to."""

    old: tuple[str, ...]


Source = Carried | Computed | Constant | FreshKey | Follows | Narrowed


@dataclass(frozen=True)
class Seed:
    """A row that the schema brings along: ``values`` by column, the key among them. The others have their defaults.

    At its key it wins over the old row, in the columns that it gives; with ``if_absent`` it yields to the old row.
    """

    values: tuple[tuple[str, Cell], ...]
    if_absent: bool = False


@dataclass(frozen=True)
class NewTable:
    """One table of the new schema: ``sources`` go with ``table.columns``. ``old`` is None for a table that is new."""

    table: Table
    old: str | None
    sources: tuple[Source, ...]
    indexed: tuple[str, ...] = ()
    seeds: tuple[Seed, ...] = ()

    @property
    def fresh_key(self) -> str | None:
        """The column whose value hotmig chooses."""
        pairs = zip(self.table.columns, self.sources, strict=True)
        return next((column.name for column, source in pairs if isinstance(source, FreshKey)), None)


@dataclass(frozen=True)
class Change:
    """From the old schema to the new one. ``dropped`` is (table, column), or (table, None) for all of it."""

    old: tuple[Table, ...]
    new: tuple[NewTable, ...]
    dropped: tuple[tuple[str, str | None], ...]

    def old_table(self, name: str) -> Table:
        return next(table for table in self.old if table.name == name)

    def new_table(self, name: str) -> NewTable:
        return next(new for new in self.new if new.table.name == name)

    def successor(self, old: str) -> NewTable | None:
        return next((new for new in self.new if new.old == old), None)


def create(path: Path, tables: Iterable[Table], journal_mode: str) -> None:
    """Builds the empty old database."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(f"PRAGMA journal_mode = {journal_mode}")
    for table in tables:
        db.execute(table.ddl)
        for index in table.unique_indexes:
            db.execute(index.sql(table.name))
    db.close()
