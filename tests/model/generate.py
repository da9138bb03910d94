"""Hypothesis strategies: random old schemas, changes that a schema module can declare, rows, and transactions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.model.schemas import (
    FRESH_KEY,
    Carried,
    Change,
    Column,
    Computed,
    Constant,
    Expression,
    Follows,
    FreshKey,
    KeyKind,
    NewTable,
    Reference,
    Source,
    Table,
    UniqueIndex,
)
from tests.model.writes import Delete, Disguise, Insert, ParentKey, Swap, Transaction, Update, Value, Write
from tests.scenarios.exact import Cell, Text, cell, quote

TYPES = (
    "INTEGER",
    "TEXT",
    "BLOB",
    "REAL",
    "",
    "NUMERIC",
    "VARCHAR(20)",
    "DECIMAL(10,2)",
    "BOOLEAN",
    "DATETIME",
    "STRING",
)
KEY_TYPES = ("TEXT", "BLOB", "REAL", "", "NUMERIC", "VARCHAR(20)", "INT")
TABLE_NAMES = ("plain", "order", "it's", 'say "hi"', "two words", "[box]", "a.b", "größe", "🦊", "fence_plain", "-- x")
COLUMN_NAMES = ("a", "b", "select", "c d", 'q"q', "o'clock", "x]y", "p.q", "ß", "🐢", "old_id", "new", "{f}", "%s", "?")
NEW_NAMES = ("renamed", "re named", 'r"n', "table", "ø", "n'n", "key_1", "{}", "r]", "last one")

TEXTS = (
    "",
    "a",
    "A",
    "b",
    "B",
    "é",
    "É",
    "0123",
    "12",
    "1e3",
    " 7",
    "nul\0nul",
    "nul\0",
    "x" * 300,
    "NULL",
    "'quoted'",
)
INVALID = (b"\xff", b"a\xfe\x00b", b"\xc3")
NUMBERS = (0, 1, 2, 3, -1, 12, 2**53 + 1, 2**63 - 1, -(2**63), 0.0, -0.0, 1.0, 2.5, -1e300, float("inf"), -float("inf"))
BLOBS = (b"", b"a", b"A", b"\x00\xff", b"12", bytes(5000))
CELLS: tuple[Cell, ...] = (
    None,
    *map(cell, TEXTS),
    *map(Text, INVALID),
    *map(cell, NUMBERS),
    *BLOBS,
)

cells = st.sampled_from(CELLS) | st.integers(-3, 12).map(cell) | st.integers(-(2**63), 2**63 - 1).map(cell)
crowded = st.sampled_from([*map(cell, (0, 1, 2, 3, "a", "A", "b", None)), b"a"])  # few values: for evictions
small = st.integers(0, 40)


@dataclass(frozen=True)
class Options:
    """What old schemas are made of; tests of one kind narrow it."""

    tables: int = 3
    kinds: tuple[KeyKind, ...] = ("integer", "primary", "primary", "unique", "rowid")


@st.composite
def old_schemas(draw: st.DrawFn, options: Options | None = None) -> tuple[Table, ...]:
    """One to three tables; later ones may refer to earlier ones and to themselves."""
    options = options or Options()
    names = draw(st.lists(st.sampled_from(TABLE_NAMES), min_size=1, max_size=options.tables, unique=True))
    tables: list[Table] = []
    for name in names:
        table = draw(_tables(name, options))
        tables.append(draw(_with_references(table, tables)))
    return tuple(tables)


@st.composite
def _tables(draw: st.DrawFn, name: str, options: Options) -> Table:
    kind = draw(st.sampled_from(options.kinds))
    names = draw(st.lists(st.sampled_from(COLUMN_NAMES), min_size=3, max_size=6, unique=True))
    width = draw(st.sampled_from([1, 1, 2])) if kind in ("primary", "unique") else 1
    key = () if kind == "rowid" else tuple(names[:width])
    columns = [draw(_key_columns(column, kind)) for column in key]
    columns += [draw(_columns(column)) for column in names[len(key) :]]
    others = names[len(key) :]
    uniques = draw(st.lists(st.sampled_from(others), max_size=1).map(lambda chosen: tuple((each,) for each in chosen)))
    if kind == "rowid":
        # A UNIQUE column that is NOT NULL would be the key, and the rowid nobody's concern.
        nullable = {column.name for column in columns if not column.not_null}
        uniques = tuple(unique for unique in uniques if unique[0] in nullable)
    without_rowid = kind == "primary" and draw(st.booleans())
    autoincrement = kind == "integer" and draw(st.booleans())
    table = Table(name, tuple(columns), kind, key or ("rowid",), autoincrement, without_rowid, uniques)
    return replace(table, unique_indexes=draw(_unique_indexes(table, others)))


def _key_columns(name: str, kind: KeyKind) -> st.SearchStrategy[Column]:
    if kind == "integer":
        return st.just(Column(name, "INTEGER"))
    collations = st.sampled_from(["BINARY", "BINARY", "NOCASE"])
    return st.builds(
        lambda type, collation: Column(name, type, True, None, collation), st.sampled_from(KEY_TYPES), collations
    )


@st.composite
def _columns(draw: st.DrawFn, name: str) -> Column:
    not_null = draw(st.sampled_from([False, False, True]))
    # With a default, REPLACE puts it where NULL was given.
    default = draw(st.sampled_from([None, "'none'", "0", "x'00'"])) if not_null else None
    collation = draw(st.sampled_from(["BINARY", "BINARY", "NOCASE"]))
    return Column(name, draw(st.sampled_from(TYPES)), not_null, default, collation)


@st.composite
def _unique_indexes(draw: st.DrawFn, table: Table, others: list[str]) -> tuple[UniqueIndex, ...]:
    column, condition = quote(draw(st.sampled_from(others))), quote(draw(st.sampled_from(others)))
    name = f"ux {table.name}"
    return draw(
        st.sampled_from(
            [
                (),
                (),
                (UniqueIndex(name, column, f"typeof({condition}) = 'integer'"),),
                (UniqueIndex(name, f"CASE WHEN typeof({column}) = 'integer' THEN {column} % 5 END"),),
                (UniqueIndex(name, f"{column} COLLATE NOCASE, typeof({condition})", f"{condition} IS NOT NULL"),),
            ]
        )
    )


@st.composite
def _with_references(draw: st.DrawFn, table: Table, earlier: list[Table]) -> Table:
    """Up to one of the plain columns becomes a reference, of its parent's type."""
    parents = [parent for parent in [*earlier, table] if parent.kind != "rowid" and len(parent.key) == 1]
    plain = [column.name for column in table.columns if column.name not in table.key]
    if not parents or not draw(st.booleans()):
        return table
    parent, column = draw(st.sampled_from(parents)), draw(st.sampled_from(plain))
    target = parent.column(parent.key[0])
    actions = st.sampled_from(["NO ACTION", "CASCADE", "SET NULL"])
    reference = Reference(column, parent.name, target.name, draw(actions), draw(actions))
    child = Column(column, target.type, collation=target.collation)
    columns = tuple(child if each.name == column else each for each in table.columns)
    return replace(table, columns=columns, references=(reference,))


@st.composite
def changes(draw: st.DrawFn, old: tuple[Table, ...]) -> Change:
    """A new schema that declared changes lead to: what is done to each table is drawn, and references follow."""
    names = _Names(draw)
    referred = {reference.parent for table in old for reference in table.references if reference.parent != table.name}
    gone = {table.name for table in old if table.name not in referred and draw(st.integers(0, 7)) == 0}
    if len(gone) == len(old):
        gone = set()
    kept = [table for table in old if table.name not in gone]
    new_names = {table.name: names.maybe_new(table.name, "t ") for table in kept}
    fresh = {table.name for table in kept if _can_get_a_key(table) and draw(st.integers(0, 2)) == 0}
    dropped: list[tuple[str, str | None]] = [(name, None) for name in sorted(gone)]
    new = [draw(_new_tables(table, new_names, fresh, dropped)) for table in kept]
    new = [_with_new_references(each, {n.old or "": n for n in new}) for each in new]
    if draw(st.booleans()):
        new.append(draw(_added_tables()))
    return Change(old, tuple(new), tuple(dropped))


@dataclass
class _Names:
    """New names, none of them twice."""

    draw: st.DrawFn
    used: int = 0

    def maybe_new(self, name: str, prefix: str) -> str:
        if self.draw(st.booleans()):
            return name
        self.used += 1
        return f"{prefix}{NEW_NAMES[self.used % len(NEW_NAMES)]} {self.used}"


def _can_get_a_key(table: Table) -> bool:
    """A new integer key in place of one that is no integer key (design, section 4)."""
    return table.kind != "integer"


@st.composite
def _new_tables(
    draw: st.DrawFn, old: Table, new_names: dict[str, str], fresh: set[str], dropped: list[tuple[str, str | None]]
) -> NewTable:
    names = _Names(draw)
    columns: list[Column] = []
    sources: list[Source] = []
    carried: dict[str, str] = {}
    if old.name in fresh:
        columns.append(Column(FRESH_KEY, "INTEGER"))
        sources.append(FreshKey())
    computed = draw(_computed(old))
    read = {name for _, expression in computed for name in expression.columns}
    stays = draw(st.sampled_from(old.columns)).name  # a table needs one column
    for column in old.columns:
        if column.name not in (*old.key, stays) and draw(st.integers(0, 5)) == 0:
            if column.name not in read:
                dropped.append((old.name, column.name))
            continue
        carried[column.name] = names.maybe_new(column.name, "c ")
        reference = old.reference(column.name)
        if reference and reference.parent in fresh:
            columns.append(Column(carried[column.name], "INTEGER"))
            sources.append(Follows(column.name))
        else:
            columns.append(replace(column, name=carried[column.name]))
            sources.append(Carried(column.name))
    for column, expression in computed:
        columns.append(column)
        sources.append(Computed(expression))
    for column, constant in draw(_constants()):
        columns.append(column)
        sources.append(constant)
    table = _keyed(old, new_names[old.name], tuple(columns), carried, old.name in fresh)
    return NewTable(table, old.name, tuple(sources), draw(_indexed(columns)))


def _keyed(old: Table, name: str, columns: tuple[Column, ...], carried: dict[str, str], fresh: bool) -> Table:
    """The new table's keys: the old ones under their new names; an old key that gave way stays unique."""
    uniques = tuple(
        tuple(carried[each] for each in unique) for unique in old.uniques if all(each in carried for each in unique)
    )
    references = tuple(
        replace(reference, column=carried[reference.column])
        for reference in old.references
        if reference.column in carried
    )
    if not fresh:
        key = ("rowid",) if old.kind == "rowid" else tuple(carried[each] for each in old.key)
        return Table(name, columns, old.kind, key, old.autoincrement, old.without_rowid, uniques, (), references)
    if old.kind != "rowid":
        uniques = (tuple(carried[each] for each in old.key), *uniques)
    return Table(name, columns, "integer", (FRESH_KEY,), False, False, uniques, (), references)


def _with_new_references(new: NewTable, by_old: dict[str, NewTable]) -> NewTable:
    """References name the parent and its key as they are called now, or go with the parent."""
    references = []
    for reference in new.table.references:
        parent = by_old.get(reference.parent)
        if parent is not None:
            key = parent.table.key[0]
            references.append(replace(reference, parent=parent.table.name, parent_column=key))
    return replace(new, table=replace(new.table, references=tuple(references)))


@st.composite
def _computed(draw: st.DrawFn, old: Table) -> list[tuple[Column, Expression]]:
    """Up to two computed columns, of types that keep what the expression gives."""
    found = []
    names = [column.name for column in old.columns]
    for number in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from(["joined", "arithmetic", "typeof", "or none", "constant"]))
        count = {"joined": 2, "constant": 0}.get(kind, 1)
        chosen = tuple(draw(st.sampled_from(names)) for _ in range(count))
        types = {"joined": ["TEXT", ""], "arithmetic": ["INTEGER", "TEXT", "REAL", ""], "or none": ["", "BLOB"]}
        declared = draw(st.sampled_from(types.get(kind, ["TEXT", "INTEGER", ""])))
        found.append((Column(f"computed {number}", declared), Expression(kind, chosen)))
    return found


@st.composite
def _constants(draw: st.DrawFn) -> list[tuple[Column, Constant]]:
    """Up to two new columns with a constant default, or none and NULL."""
    found = []
    for number in range(draw(st.integers(0, 2))):
        sql, value = draw(st.sampled_from([("7", 7), ("'new'", Text(b"new")), ("x'0000'", b"\0\0"), (None, None)]))
        column = Column(f"added {number}", draw(st.sampled_from(["", "BLOB"])), sql is not None, sql)
        found.append((column, Constant(value)))
    return found


def _indexed(columns: list[Column]) -> st.SearchStrategy[tuple[str, ...]]:
    names = [column.name for column in columns]
    return st.lists(st.sampled_from(names), max_size=2, unique=True).map(tuple)


@st.composite
def _added_tables(draw: st.DrawFn) -> NewTable:
    """A table that is new, with the rows that the schema brings along."""
    columns = (Column("id", "INTEGER"), Column("word", "TEXT", True), Column("any", ""))
    table = Table("brand new", columns, "integer", ("id",))
    count = draw(st.integers(0, 3))
    values = st.sampled_from([None, 5, b"\0", Text(b"seed"), cell(1.5)])
    seeds = tuple((number, Text(b"w%d" % number), draw(values)) for number in range(count))
    return NewTable(table, None, (Constant(None), Constant(Text(b"")), Constant(None)), (), seeds)


def _values(table: Table, column: str) -> st.SearchStrategy[Value]:
    if table.reference(column):
        parent: st.SearchStrategy[Value] = st.builds(ParentKey, small, st.booleans())
        return st.none() | parent | parent
    if column in table.key and table.kind == "integer":
        return st.integers(-3, 12) | st.sampled_from([2**63 - 1, -(2**63)])
    return crowded | cells if _is_unique(table, column) else cells


def _is_unique(table: Table, column: str) -> bool:
    return column in table.key or any(column in unique for unique in table.uniques) or bool(table.unique_indexes)


@st.composite
def inserts(draw: st.DrawFn, table: Table) -> Insert:
    values = tuple(draw(_values(table, column.name)) for column in table.columns)
    verb: Any = draw(st.sampled_from(["", "OR IGNORE", "OR REPLACE", "OR REPLACE"]))
    hidden_rowid = not table.without_rowid and table.kind != "integer"
    rowid = draw(st.none() | st.integers(-2, 12)) if hidden_rowid else None
    upsert = not verb and draw(st.booleans()) and (table.kind != "rowid" or rowid is not None)
    return Insert(table, verb, values, rowid, upsert)


@st.composite
def updates(draw: st.DrawFn, table: Table) -> Update:
    names = [column.name for column in table.columns]
    if table.kind != "integer" and not table.without_rowid:
        names.append("rowid")
    column = draw(st.sampled_from(names))
    value = draw(st.integers(-2, 12)) if column == "rowid" else draw(_values(table, column))
    verb: Any = draw(st.sampled_from(["", "OR IGNORE", "OR REPLACE", "OR REPLACE"]))
    return Update(table, verb, draw(small), column, value)


@st.composite
def writes(draw: st.DrawFn, tables: tuple[Table, ...]) -> Write:
    table = draw(st.sampled_from(tables))
    kind = draw(st.integers(0, 19))
    if kind < 8:
        return draw(inserts(table))
    if kind < 13:
        return draw(updates(table))
    if kind < 16:
        return Disguise(table, draw(small))
    if kind < 18:
        column = draw(st.sampled_from([column.name for column in table.columns]))
        return Swap(table, draw(small), draw(small), column)
    return Delete(table, None if kind == 19 else draw(small))


def transactions(tables: tuple[Table, ...]) -> st.SearchStrategy[Transaction]:
    """One to four writes; one in eight transactions is rolled back, some roll back to a savepoint."""
    several = st.lists(writes(tables), min_size=1, max_size=4).map(tuple)
    committed = st.integers(0, 7).map(bool)
    return st.builds(Transaction, several, committed, st.sampled_from([None, None, None, 0, 1, 2]))


def first_rows(tables: tuple[Table, ...]) -> st.SearchStrategy[list[Transaction]]:
    """The rows that are there before anything else, parents first."""
    per_table = [
        st.lists(inserts(table), min_size=0, max_size=12).map(lambda rows: Transaction(tuple(rows))) for table in tables
    ]
    return st.tuples(*per_table).map(list)
