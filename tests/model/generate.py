"""Hypothesis strategies: random old schemas, changes that a schema module can declare, rows, and transactions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from tests.model.schemas import (
    FRESH_KEY,
    NARROWED,
    Carried,
    Change,
    Check,
    Column,
    Computed,
    Constant,
    Expression,
    Follows,
    FreshKey,
    KeyKind,
    Narrowed,
    NewTable,
    Reference,
    Seed,
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
KEEPS_INTEGERS = ("INTEGER", "BLOB", "", "NUMERIC", "DECIMAL(10,2)", "BOOLEAN", "DATETIME", "STRING")
KEY_TYPES = ("TEXT", "BLOB", "REAL", "", "NUMERIC", "VARCHAR(20)", "INT")
TABLE_NAMES = ("plain", "order", "it's", 'say "hi"', "two words", "[box]", "a.b", "Größe", "🦊", "fence_plain", "-- x")
COLUMN_NAMES = (
    "a",
    "b",
    "select",
    "c d",
    'q"q',
    "o'clock",
    "x]y",
    "p.q",
    "Äß",
    "🐢",
    "old_id",
    "new",
    "{f}",
    "%s",
    "?",
)
NEW_NAMES = ("renamed", "re named", 'r"n', "table", "Ø", "n'n", "key_1", "{}", "r]", "last one")

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
    few = draw(st.integers(1, options.tables))
    names = draw(st.lists(st.sampled_from(TABLE_NAMES), min_size=few, max_size=options.tables, unique=True))
    tables: list[Table] = []
    for name in names:
        table = draw(_tables(name, options))
        tables.append(draw(_with_references(table, tables)))
    return tuple(tables)


@st.composite
def _tables(draw: st.DrawFn, name: str, options: Options) -> Table:
    kind = draw(st.sampled_from(options.kinds))
    names = draw(st.lists(st.sampled_from(COLUMN_NAMES), min_size=3, max_size=6, unique=True))
    width = draw(st.sampled_from([1, 1, 1, 2])) if kind in ("primary", "unique") else 1
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
    return replace(table, unique_indexes=draw(_unique_indexes(table, others)), checks=draw(_checks(table)))


@st.composite
def _checks(draw: st.DrawFn, table: Table) -> tuple[Check, ...]:
    """Up to one CHECK, over a column whose type and default don't break it anyway."""
    free = [column for column in table.columns if column.name not in table.key and column.default is None]
    if not free or not draw(st.booleans()):
        return ()
    column = draw(st.sampled_from(free))
    kinds = ["integer", "integer", "no blob"] if column.type in KEEPS_INTEGERS else ["no blob"]
    return (Check(draw(st.sampled_from(kinds)), (column.name,)),)


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
    """Some of the columns become a reference, of its parent's types; columns of the key too."""
    # A key that is no integer can give way to a new one, and one with a reference inside can follow: more of these.
    parents = [parent for parent in earlier if parent.kind != "rowid"]
    parents += [parent for parent in parents if parent.kind != "integer"]
    parents += [parent for parent in parents if _key_references(parent)] * 2
    parents += [table] if table.kind != "rowid" and len(table.key) == 1 else []
    if not parents or not draw(st.integers(0, 3)):
        return table
    parent = draw(st.sampled_from(parents))
    plain = [column.name for column in table.columns if column.name not in table.key]
    in_key = parent is not table and table.kind in ("primary", "unique") and draw(st.booleans())
    pool = [*table.key, *plain] if in_key else plain
    if len(pool) < len(parent.key):
        return table
    chosen = tuple(pool[: len(parent.key)] if in_key else draw(st.permutations(pool))[: len(parent.key)])
    actions = st.sampled_from(["NO ACTION", "CASCADE"] + ([] if in_key else ["SET NULL"]))
    reference = Reference(chosen, parent.name, parent.key, draw(actions), draw(actions))
    children = {
        name: _child(name, parent.column(theirs), in_key) for name, theirs in zip(chosen, parent.key, strict=True)
    }
    columns = tuple(children.get(column.name, column) for column in table.columns)
    checks = tuple(check for check in table.checks if not set(check.columns) & set(chosen))
    if len(chosen) == 2 and not in_key and draw(st.booleans()):
        checks = (*checks, Check("both or none", chosen))
    return replace(table, columns=columns, references=(reference,), checks=checks)


def _child(name: str, target: Column, not_null: bool) -> Column:
    return Column(name, target.type, not_null, collation=target.collation)


@st.composite
def changes(draw: st.DrawFn, old: tuple[Table, ...]) -> Change:
    """A new schema that declared changes lead to: what is done to each table is drawn, and references follow."""
    names = _Names(draw)
    referred = {reference.parent for table in old for reference in table.references if reference.parent != table.name}
    gone = {table.name for table in old if table.name not in referred and draw(st.integers(0, 7)) == 0}
    if len(gone) == len(old):
        gone = set()
    kept = [table for table in old if table.name not in gone]
    new_names = names.maybe_swapped({table.name: names.maybe_new(table.name, "t ") for table in kept})
    fresh = {table.name for table in kept if _can_get_a_key(table, kept) and draw(_chance(table.name in referred))}
    dropped: list[tuple[str, str | None]] = [(name, None) for name in sorted(gone)]
    rekeyed = {}
    for table in kept:
        candidates = [] if table.name in fresh else _other_keys(table, referred)
        if candidates and draw(st.booleans()):
            rekeyed[table.name] = draw(st.sampled_from(candidates))
    fate = _Fate(new_names, fresh, rekeyed, _moved(kept, fresh | rekeyed.keys()), dropped)
    new = [draw(_new_tables(table, fate)) for table in kept]
    new = _with_new_references(new)
    if draw(st.booleans()):
        new.append(draw(_added_tables()))
    return Change(old, tuple(new), tuple(dropped))


def _rekeyed(table: Table, column: str) -> Table:
    """The same table with another column as its key; the one that was the key stays unique."""
    uniques = (table.key, *(unique for unique in table.uniques if unique != (column,)))
    return replace(table, kind="primary", key=(column,), autoincrement=False, without_rowid=False, uniques=uniques)


@dataclass(frozen=True)
class _Fate:
    """What becomes of all old tables: their names, those that get a new key, and those whose key's values change.

    ``rekeyed`` names, for some, another column that becomes the key. ``dropped`` collects what is given up.
    """

    new_names: dict[str, str]
    fresh: set[str]
    rekeyed: dict[str, str]
    moved: set[str]
    dropped: list[tuple[str, str | None]]


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

    def maybe_swapped(self, names: dict[str, str]) -> dict[str, str]:
        """Sometimes the first and the last take each other's old name."""
        if len(names) < 2 or self.draw(st.integers(0, 3)):
            return names
        first, *_, last = names
        return {**names, first: last, last: first}


def _chance(is_likely: bool) -> st.SearchStrategy[bool]:
    return st.sampled_from([True, True, True, False] if is_likely else [True, False, False])


def _can_get_a_key(table: Table, kept: list[Table]) -> bool:
    """A new integer key in place of one that is no integer key (design, section 4).

    Where the old key of a parent is itself a reference, the new row doesn't show it any more, so that the model could
    not tell which row a child's new value means. And a child's key is not narrowed to fewer columns here.
    """
    children = [child for child in kept if child is not table and any(r.parent == table.name for r in child.references)]
    is_key = any(len(each.columns) > 1 for child in children for each in _key_references(child))
    itself = any(reference.parent == table.name for reference in table.references)
    shows_its_key = not _key_references(table) and not is_key
    return table.kind != "integer" and (not (children or itself) or shows_its_key)


def _narrowed(table: Table, fresh: set[str]) -> Reference | None:
    """The reference of several columns to a table that gets a key of one."""
    return next((each for each in table.references if len(each.columns) > 1 and each.parent in fresh), None)


def _other_keys(table: Table, referred: set[str]) -> list[str]:
    """The columns that could be the key as well; not INTEGER, which as a primary key takes nothing but integers."""
    if table.name in referred and len(table.key) > 1:
        return []
    unique = [table.column(names[0]) for names in table.uniques if len(names) == 1]
    free = [column for column in unique if column.not_null and not table.reference(column.name)]
    return [column.name for column in free if column.type != "INTEGER" and table.kind != "rowid"]


def _key_references(table: Table) -> list[Reference]:
    return [reference for reference in table.references if set(reference.columns) & set(table.key)]


def _moved(tables: list[Table], first: set[str]) -> set[str]:
    """The tables whose key has other values: ``first``, and those with a reference inside that follows its parent."""
    moved = set(first)
    for table in tables:  # parents come first
        if any(reference.parent in moved for reference in _key_references(table)):
            moved.add(table.name)
    return moved


@st.composite
def _new_tables(draw: st.DrawFn, old: Table, fate: _Fate) -> NewTable:
    computed = draw(_computed(old))
    narrowed = _narrowed(old, fate.fresh)
    read = {name for _, expression in computed for name in expression.columns}
    read |= set(narrowed.columns if narrowed is not None else ())
    names = draw(_kept_names(old, fate))
    gone = [column.name for column in old.columns if column.name not in names]
    fate.dropped.extend((old.name, name) for name in gone if name not in read)
    new_names = _Names(draw)
    carried = new_names.maybe_swapped({name: new_names.maybe_new(name, "c ") for name in names})
    columns: list[Column] = []
    sources: list[Source] = []
    if old.name in fate.fresh:
        columns.append(Column(FRESH_KEY, "INTEGER"))
        sources.append(FreshKey())
    for name in names:
        column, source = draw(_carried_columns(old, old.column(name), carried, fate))
        columns.append(column)
        sources.append(source)
    if narrowed is not None:
        columns.append(Column(NARROWED, "INTEGER"))
        sources.append(Narrowed(narrowed.columns))
    added: list[tuple[Column, Source]] = [(column, Computed(expression)) for column, expression in computed]
    for column, source in [*added, *draw(_constants())]:
        columns.append(column)
        sources.append(source)
    table = _keyed(old, fate.new_names[old.name], tuple(columns), carried, old.name in fate.fresh)
    if narrowed is not None:
        table = replace(table, references=(replace(narrowed, columns=(NARROWED,)),))
    if old.name in fate.rekeyed:
        table = _rekeyed(table, carried[fate.rekeyed[old.name]])
    seeds = draw(_seeds(table)) if table.kind == "integer" and table.key != (FRESH_KEY,) else ()
    return NewTable(table, old.name, tuple(sources), draw(_indexed(columns)), seeds)


@st.composite
def _kept_names(draw: st.DrawFn, old: Table, fate: _Fate) -> list[str]:
    """The old columns that the new table has."""
    stay = {draw(st.sampled_from(old.columns)).name, *old.key}  # a table needs one column
    stay |= {name for reference in _key_references(old) for name in reference.columns}
    stay |= {fate.rekeyed[old.name]} if old.name in fate.rekeyed else set()
    names = [column.name for column in old.columns if column.name in stay or draw(st.integers(0, 5))]
    narrowed = _narrowed(old, fate.fresh)
    # The columns of a reference that has fewer now may stay beside it, as plain columns.
    joined = narrowed.columns if narrowed is not None else ()
    return [name for name in names if name not in joined or draw(st.integers(0, 2)) == 0]


@st.composite
def _carried_columns(
    draw: st.DrawFn, old: Table, column: Column, carried: dict[str, str], fate: _Fate
) -> tuple[Column, Source]:
    """One old column under its new name. A reference follows its parent where that has a new key."""
    new = replace(column, name=carried[column.name])
    reference = old.reference(column.name)
    if reference is None or reference == _narrowed(old, fate.fresh):
        return replace(new, type=draw(_new_types(old, column))), Carried(column.name)
    if reference.parent not in fate.moved or not all(name in carried for name in reference.columns):
        return new, Carried(column.name)
    # Only within one table can a REPLACE evict the very row that its new one refers to.
    orphans: Any = "null" if reference.parent == old.name else "refuse"
    return new, Follows(column.name, orphans)


def _new_types(old: Table, column: Column) -> st.SearchStrategy[str]:
    """A type that loses nothing: any value is kept without affinity, and integers as text."""
    if column.name in old.key:
        return st.just(column.type)
    types = [column.type] * 3 + ["", "BLOB"]
    return st.sampled_from([*types, "TEXT", "TEXT"] if old.is_whole(column.name) else types)


def _keyed(old: Table, name: str, columns: tuple[Column, ...], carried: dict[str, str], fresh: bool) -> Table:
    """The new table's keys: the old ones under their new names; an old key that gave way stays unique."""

    def renamed(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(carried[each] for each in names)

    uniques = tuple(renamed(unique) for unique in old.uniques if set(unique) <= set(carried))
    references = tuple(
        replace(reference, columns=renamed(reference.columns))
        for reference in old.references
        if set(reference.columns) <= set(carried)
    )
    types = {column.name: column.type for column in columns}
    checks = tuple(
        replace(check, columns=renamed(check.columns))
        for check in old.checks
        if set(check.columns) <= set(carried)
        and all(types[carried[each]] == old.column(each).type for each in check.columns)
    )
    if not fresh:
        key = ("rowid",) if old.kind == "rowid" else renamed(old.key)
        options = (old.kind, key, old.autoincrement, old.without_rowid)
        return Table(name, columns, *options, uniques, (), references, checks)
    if old.kind != "rowid":
        uniques = (renamed(old.key), *uniques)
    return Table(name, columns, "integer", (FRESH_KEY,), False, False, uniques, (), references, checks)


def _with_new_references(tables: list[NewTable]) -> list[NewTable]:
    """References name the parent and its key as they are called now; what follows a parent takes its type over."""
    done: dict[str | None, NewTable] = {}
    for new in tables:  # parents come first
        done[new.old] = new
        references = []
        types: dict[str, Column] = {}
        for reference in new.table.references:
            parent = done[reference.parent].table
            references.append(replace(reference, parent=parent.name, parent_columns=parent.key))
            types.update(zip(reference.columns, map(parent.column, parent.key), strict=True))
        columns = tuple(
            replace(column, type=types[column.name].type, collation=types[column.name].collation)
            if isinstance(source, Follows)
            else column
            for column, source in zip(new.table.columns, new.sources, strict=True)
        )
        done[new.old] = replace(new, table=replace(new.table, columns=columns, references=tuple(references)))
    return list(done.values())


@st.composite
def _seeds(draw: st.DrawFn, table: Table) -> tuple[Seed, ...]:
    """Up to two rows by integer keys. What is unique, checked or a reference they leave to its default."""
    shy = {name for unique in table.uniques for name in unique}
    shy |= {name for reference in table.references for name in reference.columns}
    shy |= {name for check in table.checks for name in check.columns}
    if draw(st.integers(0, 2)) or any(column.not_null for column in table.columns if column.name in shy):
        return ()
    seeds = []
    for key in draw(st.lists(st.integers(-3, 6), min_size=1, max_size=2, unique=True)):
        values: list[tuple[str, Cell]] = [(table.key[0], key)]
        for column in table.columns:
            is_needed = column.not_null and column.default is None
            if column.name not in (*table.key, *shy) and (is_needed or draw(st.booleans())):
                some: list[Cell] = [5, Text(b"seed"), b"\0"] + ([] if column.not_null else [None])
                values.append((column.name, draw(st.sampled_from(some))))
        seeds.append(Seed(tuple(values), draw(st.booleans())))
    return tuple(seeds)


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
    rows = [(number, Text(b"w%d" % number), draw(values)) for number in range(count)]
    seeds = tuple(Seed(tuple(zip(("id", "word", "any"), row, strict=True))) for row in rows)
    return NewTable(table, None, (Constant(None), Constant(Text(b"")), Constant(None)), (), seeds)


def _values(table: Table, column: str) -> st.SearchStrategy[Value]:
    if table.reference(column):
        parent: st.SearchStrategy[Value] = st.builds(ParentKey, small, st.booleans())
        return parent if table.column(column).not_null else st.none() | parent | parent
    if table.is_whole(column):
        return st.none() | st.integers(-3, 12) | st.integers(-(2**63), 2**63 - 1) | cells
    if column in table.key and table.kind == "integer":
        return st.integers(-3, 12) | st.sampled_from([2**63 - 1, -(2**63)])
    return crowded | cells if _is_unique(table, column) else cells


def _is_unique(table: Table, column: str) -> bool:
    return column in table.key or any(column in unique for unique in table.uniques) or bool(table.unique_indexes)


@st.composite
def inserts(draw: st.DrawFn, table: Table) -> Insert:
    values = {column.name: draw(_values(table, column.name)) for column in table.columns}
    for reference in table.references:
        values.update(dict.fromkeys(reference.columns, values[reference.columns[0]]))
    verb: Any = draw(st.sampled_from(["", "OR IGNORE", "OR REPLACE", "OR REPLACE"]))
    hidden_rowid = not table.without_rowid and table.kind != "integer"
    rowid = draw(st.none() | st.integers(-2, 12)) if hidden_rowid else None
    upsert = not verb and draw(st.booleans()) and (table.kind != "rowid" or rowid is not None)
    return Insert(table, verb, tuple(values.values()), rowid, upsert)


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
