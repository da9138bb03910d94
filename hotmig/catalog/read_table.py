"""One table: what SQLite reports, held against what the stored SQL says. A disagreement is an error."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace

from hotmig.catalog import ddl, ddl_terms
from hotmig.catalog.lexer import normalise, without_comments
from hotmig.catalog.model import (
    Column,
    ForeignKey,
    Index,
    IndexedColumn,
    PrimaryKey,
    Table,
    UniqueConstraint,
    affinity,
)
from hotmig.errors import HotmigError
from hotmig.sqlite import Row, execute, fold

_BUILT_IN_COLLATIONS = frozenset({"BINARY", "NOCASE", "RTRIM"})
_VIRTUAL, _STORED = 2, 3  # table_xinfo.hidden


@dataclass(frozen=True)
class Kind:
    """What table_list says of a table: "table", "virtual", "shadow" or "view", and its two options."""

    name: str
    without_rowid: bool
    strict: bool


@dataclass(frozen=True)
class Entry:
    """A row of sqlite_schema."""

    type: str
    name: str
    table: str
    sql: str


def _collation(name: str) -> str:
    return name.upper() if name.upper() in _BUILT_IN_COLLATIONS else name


_Key = tuple[tuple[str, str], ...]  # (column, collation), folded: what makes two constraints one for SQLite


def _key(columns: Iterable[IndexedColumn]) -> _Key:
    return tuple((fold(column.name or ""), fold(column.collation)) for column in columns)


class TableReader:
    """One table: what the pragmas report, held against what its SQL says."""

    def __init__(self, db: sqlite3.Connection, schema: str, entry: Entry, kind: Kind) -> None:
        self.db = db
        self.schema = schema
        self.name = entry.name
        self.kind = kind
        self.parsed = ddl.parse_table(entry.sql, entry.name)
        self.expect("name", self.parsed.name, entry.name)
        self.expect("WITHOUT ROWID", self.parsed.without_rowid, kind.without_rowid)
        self.expect("STRICT", self.parsed.strict, kind.strict)
        self.info = self.pragma("table_xinfo", 'name, type, "notnull", dflt_value, pk, hidden', entry.name)
        self.listed = self.pragma("index_list", 'name, "unique", origin, partial', entry.name)

    def pragma(self, name: str, columns: str, argument: str) -> list[Row]:
        return execute(self.db, f"SELECT {columns} FROM pragma_{name}(?, ?)", (argument, self.schema)).fetchall()

    def expect(self, what: str, said: object, reported: object) -> None:
        if said != reported:
            raise HotmigError(
                f"table {self.name}: its SQL says {said!r} for {what}, SQLite reports {reported!r}",
                "report this definition: hotmig misreads it",
            )

    def read(self, indexes: list[Entry]) -> Table:
        columns = self.columns()
        by_name = {fold(column.name): column for column in columns}
        primary_key, alias = self.primary_key(by_name)
        return Table(
            self.name,
            tuple(_alias(column) if column.name == alias else column for column in columns),
            primary_key,
            self.uniques(by_name, alias),
            tuple(self.parsed.checks),
            self.foreign_keys(),
            self.indexes(indexes),
            self.kind.strict,
            self.kind.without_rowid,
            alias,
        )

    def columns(self) -> tuple[Column, ...]:
        self.expect("its columns", [column.name for column in self.parsed.columns], [row[0] for row in self.info])
        return tuple(self.column(parsed, row) for parsed, row in zip(self.parsed.columns, self.info, strict=True))

    def column(self, parsed: ddl.ParsedColumn, row: Row) -> Column:
        name, declared, not_null, default, key_position, hidden = row
        what = f"column {name}"
        if not parsed.type_is_quoted:
            declared = _plain_type(declared)
            if not parsed.type_is_cut:
                self.expect(f"the type of {what}", _words(parsed.type), _words(declared))
        # Keys of WITHOUT ROWID and STRICT tables are NOT NULL without saying so, but for the rowid's alias.
        implied = bool(key_position) and (self.kind.without_rowid or self.kind.strict)
        if not (implied and not_null):
            self.expect(f"NOT NULL of {what}", parsed.not_null, bool(not_null))
        self.expect(f"the generation of {what}", parsed.generated is not None, hidden in (_VIRTUAL, _STORED))
        self.expect(f"STORED of {what}", parsed.stored, hidden == _STORED)
        self.expect(f"the default of {what}", _canonical(parsed.default_written), _canonical(default))
        return Column(
            name,
            declared,
            bool(not_null),
            parsed.not_null_conflict,
            parsed.default,
            _collation(parsed.collation or "BINARY"),
            parsed.generated,
            parsed.stored,
        )

    def indexed(self, index: str) -> tuple[IndexedColumn, ...]:
        """The columns of an index that belongs to a constraint: there are no expressions in these."""
        rows = self.pragma("index_xinfo", 'name, coll, "desc", key', index)
        return tuple(
            IndexedColumn(name, None, _collation(collation), bool(descending))
            for name, collation, descending, key in rows
            if key
        )

    def primary_key(self, columns: dict[str, Column]) -> tuple[PrimaryKey | None, str | None]:
        """The primary key, and its column when that is the rowid: then SQLite makes no index for it."""
        parsed = self.parsed.primary_key
        reported = [row[0] for row in self.info if row[4]]
        self.expect("whether there is a primary key", parsed is not None, bool(reported))
        if parsed is None:
            return None, None
        said = [fold(_text(term)) for term in parsed.terms]
        self.expect("the columns of the primary key", set(said), {fold(name) for name in reported})
        indexes = [name for name, _, origin, _ in self.listed if origin == "pk"]
        if indexes:
            found = self.indexed(indexes[0])
            if self.kind.without_rowid:
                said = list(dict.fromkeys(said))  # there, a column that is said twice counts once
            self.expect("the order of the primary key", said, [fold(column.name or "") for column in found])
            conflict = self.conflict(self.said_key(parsed.terms, columns), [parsed, *self.parsed.uniques], columns)
            return PrimaryKey(found, conflict, parsed.autoincrement), None
        alias = columns[fold(reported[0])]
        shape = (len(reported), fold(alias.type), self.kind.without_rowid)
        self.expect("the rowid's alias", shape, (1, "integer", False))
        # Collation and order of the key are without effect then: the rowid's own are in force.
        key = (IndexedColumn(alias.name, None, alias.collation),)
        return PrimaryKey(key, parsed.conflict, parsed.autoincrement), alias.name

    def said_key(self, terms: Iterable[ddl_terms.ParsedTerm], columns: dict[str, Column]) -> _Key:
        said = []
        for term in terms:
            column = columns.get(fold(_text(term)))
            if column is None:
                raise HotmigError(f"table {self.name}: a key names {term.expression}, which is no column")
            said.append(IndexedColumn(column.name, None, term.collation or column.collation))
        return _key(said)

    def conflict(self, key: _Key, said: Iterable[ddl.ParsedKey], columns: dict[str, Column]) -> str | None:
        """The ON CONFLICT of the constraints that SQLite merges into one key: that of one which says something."""
        same = (each.conflict for each in said if self.said_key(each.terms, columns) == key)
        return next((conflict for conflict in same if conflict is not None), None)

    def uniques(self, columns: dict[str, Column], alias: str | None) -> tuple[UniqueConstraint, ...]:
        """In the order of the SQL. One that says the same as another, or as the primary key, has no index."""
        indexed = [self.indexed(name) for name, _, origin, _ in self.listed if origin == "u"]
        found = {_key(index): index for index in indexed}
        said = list(dict.fromkeys(self.said_key(unique.terms, columns) for unique in self.parsed.uniques))
        if self.parsed.primary_key is not None and alias is None:
            merged = self.said_key(self.parsed.primary_key.terms, columns)
            said = [key for key in said if key in found or key != merged]
        self.expect("the UNIQUE constraints", set(said), set(found))
        return tuple(UniqueConstraint(found[key], self.conflict(key, self.parsed.uniques, columns)) for key in said)

    def foreign_keys(self) -> tuple[ForeignKey, ...]:
        reported: dict[int, list[Row]] = {}
        for row in self.pragma("foreign_key_list", 'id, seq, "table", "from", "to", on_update, on_delete', self.name):
            reported.setdefault(row[0], []).append(row)
        newest_first = [sorted(reported[number], key=lambda row: row[1]) for number in sorted(reported, reverse=True)]
        self.expect("the number of foreign keys", len(self.parsed.foreign_keys), len(newest_first))
        return tuple(
            self.foreign_key(parsed, rows) for parsed, rows in zip(self.parsed.foreign_keys, newest_first, strict=True)
        )

    def foreign_key(self, parsed: ddl.ParsedForeignKey, rows: list[Row]) -> ForeignKey:
        _, _, parent, _, _, on_update, on_delete = rows[0]
        columns = tuple(row[3] for row in rows)
        parent_columns = tuple(row[4] for row in rows if row[4] is not None)
        self.expect("the columns of a foreign key", [*map(fold, parsed.columns)], [*map(fold, columns)])
        self.expect("the parent of a foreign key", parsed.parent, parent)
        self.expect("what a foreign key refers to", parsed.parent_columns, parent_columns)
        return ForeignKey(columns, parent, parent_columns, on_delete, on_update, parsed.deferred)

    def indexes(self, entries: list[Entry]) -> tuple[Index, ...]:
        listed = {name: (bool(unique), bool(partial)) for name, unique, origin, partial in self.listed if origin == "c"}
        self.expect("its indexes", {entry.name for entry in entries}, set(listed))
        return tuple(self.index(entry, *listed[entry.name]) for entry in entries)

    def index(self, entry: Entry, unique: bool, partial: bool) -> Index:
        parsed = ddl.parse_index(entry.sql, entry.name)
        self.expect("the name of an index", parsed.name, entry.name)
        self.expect(f"UNIQUE of index {entry.name}", parsed.unique, unique)
        self.expect(f"WHERE of index {entry.name}", parsed.where is not None, partial)
        rows = [row for row in self.pragma("index_xinfo", 'cid, name, coll, "desc", key', entry.name) if row[4]]
        self.expect(f"the number of columns of index {entry.name}", len(parsed.terms), len(rows))
        columns = tuple(self.index_term(entry, term, row) for term, row in zip(parsed.terms, rows, strict=True))
        return Index(entry.name, columns, unique, parsed.where)

    def index_term(self, entry: Entry, term: ddl_terms.ParsedTerm, row: Row) -> IndexedColumn:
        cid, name, collation, descending, _ = row
        # Files of the oldest schema format ignore DESC, so SQLite's word counts, but it can't invent one.
        if descending:
            self.expect(f"DESC in index {entry.name}", term.descending, True)
        if cid >= 0:
            self.expect(f"a column of index {entry.name}", fold(_text(term)), fold(name))
            return IndexedColumn(name, None, _collation(collation), bool(descending))
        if term.collation is not None:
            self.expect(f"a collation in index {entry.name}", fold(term.collation), fold(collation))
        return IndexedColumn(None, term.expression, _collation(collation), bool(descending))


def _text(term: ddl_terms.ParsedTerm) -> str:
    return term.expression if term.name is None else term.name


def _plain_type(declared: str) -> str:
    """A type without the comments in its text, except where SQLite takes an affinity from them."""
    plain = without_comments(declared)
    return plain if affinity(plain) == affinity(declared) else declared


def _words(declared_type: str) -> str:
    return normalise(declared_type).upper()


def _canonical(default: str | None) -> str | None:
    return None if default is None else normalise(default)


def _alias(column: Column) -> Column:
    """The rowid's alias without NOT NULL, which has no effect there: NULL means the next rowid, with it or without."""
    return replace(column, not_null=False, not_null_conflict=None)
