"""Any SQLite database → Catalog. What SQLite reports and what its SQL says are compared: a disagreement is an error."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace

from hotmig.catalog import ddl
from hotmig.catalog.lexer import normalise, without_comments
from hotmig.catalog.model import (
    Catalog,
    Column,
    ForeignKey,
    Index,
    IndexedColumn,
    PrimaryKey,
    Table,
    Trigger,
    UniqueConstraint,
    View,
    VirtualTable,
)
from hotmig.errors import HotmigError
from hotmig.sqlite import Row, execute, fold, quote

OWN_TABLES = frozenset(
    {
        "_migration_marker",
        "_migration_log",
        "_migration_retired",
        "_migration_status",
        "_migration_progress",
        "_migration_copy",
        "_id_mapping",
        "_schema_identity",
        "_schema_hint",
        "_data_migration",
    }
)
_OWN_TRIGGER = re.compile(r"_migration_(capture|fence)_[0-9]+_[a-z_]+")
_OWN_PREFIX = "_migration_"
_SQLITE_PREFIX = "sqlite_"
_BUILT_IN_COLLATIONS = frozenset({"BINARY", "NOCASE", "RTRIM"})
_VIRTUAL, _STORED = 2, 3  # table_xinfo.hidden


@dataclass(frozen=True)
class _Kind:
    """What table_list says of a table: "table", "virtual", "shadow" or "view", and its two options."""

    name: str
    without_rowid: bool
    strict: bool


@dataclass(frozen=True)
class _Entry:
    """A row of sqlite_schema."""

    type: str
    name: str
    table: str
    sql: str


def read_catalog(db: sqlite3.Connection, schema: str = "main") -> Catalog:
    """The tables, views and triggers of one database, in the order of their creation.

    SQLite's own tables, the shadow tables of virtual tables and hotmig's bookkeeping are left out.
    Raises HotmigError, naming the object, when a definition can't be read or disagrees with what SQLite reports.
    """
    kinds = _table_kinds(db, schema)
    entries = [entry for entry in _entries(db, schema) if not _is_left_out(entry, kinds)]
    indexes: dict[str, list[_Entry]] = {}
    for entry in entries:
        if entry.type == "index":
            indexes.setdefault(fold(entry.table), []).append(entry)
    ordinary, virtual = [], []
    for entry in entries:
        kind = kinds.get(fold(entry.name)) if entry.type == "table" else None
        if kind is not None and kind.name == "virtual":
            virtual.append(VirtualTable(entry.name, ddl.virtual_module(entry.sql, entry.name), entry.sql))
        elif kind is not None:
            ordinary.append(_TableReader(db, schema, entry, kind).read(indexes.get(fold(entry.name), [])))
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


def is_own(name: str) -> bool:
    """Whether a table or trigger of that name is hotmig's bookkeeping."""
    return fold(name) in OWN_TABLES or _OWN_TRIGGER.fullmatch(fold(name)) is not None


def reserved_strangers(db: sqlite3.Connection, schema: str = "main") -> tuple[str, ...]:
    """The objects whose name begins with ``_migration_`` and that are not hotmig's."""
    return tuple(
        entry.name
        for entry in _entries(db, schema)
        if fold(entry.name).startswith(_OWN_PREFIX) and not _is_own_entry(entry)
    )


def unsayable(db: sqlite3.Connection, schema: str = "main") -> tuple[str, ...]:
    """What the database's SQL says and a Catalog can't carry, one line each, for people.

    Raises HotmigError like ``read_catalog``.
    """
    kinds = _table_kinds(db, schema)
    lines: list[str] = []
    for entry in _entries(db, schema):
        if not _is_left_out(entry, kinds):
            lines.extend(f"{entry.type} {entry.name}: {remark}" for remark in _remarks(entry, kinds))
    return tuple(lines)


def _remarks(entry: _Entry, kinds: dict[str, _Kind]) -> Iterable[str]:
    if entry.type == "index":
        return ddl.parse_index(entry.sql, entry.name).remarks
    if entry.type == "table" and kinds[fold(entry.name)].name == "table":
        return ddl.parse_table(entry.sql, entry.name).remarks
    return ()  # views, triggers and virtual tables keep their whole text


def _entries(db: sqlite3.Connection, schema: str) -> list[_Entry]:
    rows = execute(
        db, f"SELECT type, name, tbl_name, coalesce(sql, '') FROM {quote(schema)}.sqlite_schema ORDER BY rowid"
    ).fetchall()
    for row in rows:
        if not all(isinstance(part, str) for part in row):
            raise HotmigError(
                f"the definition of {row[0]} {row[1]!r} is not valid UTF-8", "give it another name before migrating"
            )
    return [_Entry(*row) for row in rows]


def _table_kinds(db: sqlite3.Connection, schema: str) -> dict[str, _Kind]:
    rows = execute(db, "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = ?", (schema,))
    return {fold(name): _Kind(kind, bool(wr), bool(strict)) for name, kind, wr, strict in rows}


def _is_left_out(entry: _Entry, kinds: dict[str, _Kind]) -> bool:
    if fold(entry.name).startswith(_SQLITE_PREFIX) or _is_own_entry(entry):
        return True
    if entry.type == "index" and fold(entry.table) in OWN_TABLES:
        return True
    kind = kinds.get(fold(entry.table))
    return entry.type in ("table", "index") and kind is not None and kind.name == "shadow"


def _is_own_entry(entry: _Entry) -> bool:
    if entry.type == "table":
        return fold(entry.name) in OWN_TABLES
    return entry.type == "trigger" and _OWN_TRIGGER.fullmatch(fold(entry.name)) is not None


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


def _collation(name: str) -> str:
    return name.upper() if name.upper() in _BUILT_IN_COLLATIONS else name


_Key = tuple[tuple[str, str], ...]  # (column, collation), folded: what makes two constraints one for SQLite


def _key(columns: Iterable[IndexedColumn]) -> _Key:
    # A column that stands twice in a WITHOUT ROWID key counts once.
    return tuple(dict.fromkeys((fold(column.name or ""), fold(column.collation)) for column in columns))


class _TableReader:
    """One table: what the pragmas report, held against what its SQL says."""

    def __init__(self, db: sqlite3.Connection, schema: str, entry: _Entry, kind: _Kind) -> None:
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

    def read(self, indexes: list[_Entry]) -> Table:
        columns = self.columns()
        by_name = {fold(column.name): column for column in columns}
        constraints = {
            _key(found): (origin, found)
            for name, _, origin, _ in self.listed
            if origin in ("pk", "u") and (found := self.indexed(name))
        }
        primary_key, alias = self.primary_key(by_name, constraints)
        return Table(
            self.name,
            columns,
            primary_key,
            self.uniques(by_name, constraints),
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
        # What SQLite makes of a quoted type, and of one that ends in ALWAYS, only SQLite knows.
        if parsed.type_is_plain:
            declared = without_comments(declared)
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

    def primary_key(
        self, columns: dict[str, Column], constraints: dict[_Key, tuple[str, tuple[IndexedColumn, ...]]]
    ) -> tuple[PrimaryKey | None, str | None]:
        """The primary key, and its column when that is the rowid: then SQLite makes no index for it."""
        parsed = self.parsed.primary_key
        reported = [row[0] for row in self.info if row[4]]
        self.expect("whether there is a primary key", parsed is not None, bool(reported))
        if parsed is None:
            return None, None
        found = next((found for origin, found in constraints.values() if origin == "pk"), None)
        said = {fold(term.name or "") for term in parsed.terms}
        self.expect("the primary key", said, {fold(name) for name in reported})
        if found is not None:
            self.expect(
                "the primary key's order",
                list(dict.fromkeys(fold(t.name or "") for t in parsed.terms)),
                list(dict.fromkeys(fold(column.name or "") for column in found)),
            )
            return PrimaryKey(found, self.conflict(_key(found), columns), parsed.autoincrement), None
        alias = columns[fold(reported[0])]
        self.expect(
            "the rowid's alias", (len(reported), fold(alias.type), self.kind.without_rowid), (1, "integer", False)
        )
        # Collation and order of the key are without effect then: the rowid's own are in force.
        key = (IndexedColumn(alias.name, None, alias.collation),)
        return PrimaryKey(key, parsed.conflict, parsed.autoincrement), alias.name

    def said_key(self, terms: Iterable[ddl.ParsedTerm], columns: dict[str, Column]) -> _Key:
        said = []
        for term in terms:
            column = columns.get(fold(_text(term)))
            if column is None:
                raise HotmigError(f"table {self.name}: a key names {term.expression}, which is no column")
            said.append(IndexedColumn(column.name, None, term.collation or column.collation))
        return _key(said)

    def conflict(self, key: _Key, columns: dict[str, Column]) -> str | None:
        """The ON CONFLICT of a key: of constraints that SQLite merges into one, one that says something."""
        primary = [self.parsed.primary_key] if self.parsed.primary_key is not None else []
        same = (said for said in primary + self.parsed.uniques if self.said_key(said.terms, columns) == key)
        return next((said.conflict for said in same if said.conflict is not None), None)

    def uniques(
        self, columns: dict[str, Column], constraints: dict[_Key, tuple[str, tuple[IndexedColumn, ...]]]
    ) -> tuple[UniqueConstraint, ...]:
        """In the order of the SQL. One that says the same as another, or as the primary key, has no index."""
        said = list(dict.fromkeys(self.said_key(unique.terms, columns) for unique in self.parsed.uniques))
        said = [key for key in said if constraints.get(key, ("", ()))[0] != "pk"]
        self.expect("the UNIQUE constraints", set(said), {key for key, found in constraints.items() if found[0] == "u"})
        return tuple(UniqueConstraint(constraints[key][1], self.conflict(key, columns)) for key in said)

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

    def indexes(self, entries: list[_Entry]) -> tuple[Index, ...]:
        listed = {name: (bool(unique), bool(partial)) for name, unique, origin, partial in self.listed if origin == "c"}
        self.expect("its indexes", {entry.name for entry in entries}, set(listed))
        return tuple(self.index(entry, *listed[entry.name]) for entry in entries)

    def index(self, entry: _Entry, unique: bool, partial: bool) -> Index:
        parsed = ddl.parse_index(entry.sql, entry.name)
        self.expect("the name of an index", parsed.name, entry.name)
        self.expect(f"UNIQUE of index {entry.name}", parsed.unique, unique)
        self.expect(f"WHERE of index {entry.name}", parsed.where is not None, partial)
        rows = [row for row in self.pragma("index_xinfo", 'cid, name, coll, "desc", key', entry.name) if row[4]]
        self.expect(f"the number of columns of index {entry.name}", len(parsed.terms), len(rows))
        columns = tuple(self.index_term(entry, term, row) for term, row in zip(parsed.terms, rows, strict=True))
        return Index(entry.name, columns, unique, parsed.where)

    def index_term(self, entry: _Entry, term: ddl.ParsedTerm, row: Row) -> IndexedColumn:
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


def _text(term: ddl.ParsedTerm) -> str:
    return term.expression if term.name is None else term.name


def _words(declared_type: str) -> str:
    return normalise(declared_type).upper()


def _canonical(default: str | None) -> str | None:
    return None if default is None else normalise(default)
