"""Declarations as DDL. No database is looked at here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hotmig.catalog.lexer import tokens
from hotmig.catalog.own import is_own
from hotmig.schema.columns import Columns, ColumnSpec, listed_key
from hotmig.schema.declare import TableDeclaration
from hotmig.schema.fields import Field
from hotmig.schema.markers import Check, ColumnType, ForeignKey, Index, Key, NotNull, References, Unique
from hotmig.schema.places import Spot, wrong
from hotmig.schema.terms import Names, Term, fragment, index_term, key_term
from hotmig.schema.types import literal
from hotmig.sqlite import fold, quote
from hotmig.units import counted

_CONFLICTS = ("ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE")
_PLAIN_TYPE = re.compile(
    r"""([A-Za-z_]\w* (\s+ [A-Za-z_]\w*)* \s* (\( \s* [+-]?[0-9]+ \s* (, \s* [+-]?[0-9]+ \s*)? \))? )?""",
    re.VERBOSE | re.ASCII,
)
_ACTIONS = ("NO ACTION", "RESTRICT", "SET NULL", "SET DEFAULT", "CASCADE")


@dataclass(frozen=True)
class Clause:
    """A piece of a CREATE TABLE, or a whole statement, and who wrote it."""

    sql: str
    spot: Spot


@dataclass(frozen=True)
class Reference:
    """A foreign key that SQLite must find fit: its parent exists, and the parent's columns are unique."""

    parent: str
    columns: tuple[str, ...]
    spot: Spot


@dataclass(frozen=True)
class TableSpec:
    """One table, ready to be created; ``bare`` are its columns without anything that could be wrong in SQL."""

    name: str
    declaration: TableDeclaration
    columns: tuple[ColumnSpec, ...]
    bare: tuple[str, ...]
    definitions: tuple[Clause, ...]
    constraints: tuple[Clause, ...]
    references: tuple[Reference, ...]
    indexes: tuple[Clause, ...]
    options: str

    @property
    def create(self) -> str:
        """The CREATE TABLE."""
        return create_table(self.name, [clause.sql for clause in (*self.definitions, *self.constraints)], self.options)


def create_table(name: str, entries: Iterable[str], options: str) -> str:
    """A CREATE TABLE of column definitions and constraints."""
    return f"CREATE TABLE {quote(name)}(\n  " + ",\n  ".join(entries) + f"\n){options}"


def compile_tables(declarations: Sequence[TableDeclaration], columns: Columns) -> tuple[TableSpec, ...]:
    """All tables as DDL. Raises SchemaError at the first declaration that makes no sense."""
    _check_names(declarations)
    return tuple(_Compiler(declaration, columns).compile() for declaration in declarations)


def _check_names(declarations: Sequence[TableDeclaration]) -> None:
    seen: dict[str, TableDeclaration] = {}
    for declaration in declarations:
        first = seen.setdefault(fold(declaration.name), declaration)
        if first is not declaration:
            raise wrong(
                declaration.spot,
                f"table {declaration.name} is declared twice: {first.cls.__name__} in line {first.spot.line}"
                f" is the other",
                'delete one of the two, or give it another name: @table("…")',
            )
        if is_own(declaration.name) or fold(declaration.name).startswith("sqlite_"):
            owner = "hotmig" if is_own(declaration.name) else "SQLite"
            raise wrong(declaration.spot, f"the name {declaration.name} is taken by {owner}", "name it otherwise")


class _Compiler:
    """One table on its way to a TableSpec."""

    def __init__(self, declaration: TableDeclaration, columns: Columns) -> None:
        self.declaration = declaration
        self.resolver = columns
        self.columns = columns.of_table(declaration)
        self.names = Names(declaration.name, (column.name for column in self.columns))
        self.spot = declaration.spot
        if not self.columns:
            raise wrong(self.spot, f"table {declaration.name} has no columns", "give the class a field")

    def compile(self) -> TableSpec:
        key, options = self._key()
        inline = key[0] if len(key) == 1 and key[0].collation is None else None
        references = list(self._references())
        constraints = [
            *([] if inline or not key else [self._listed_key(key, options)]),
            *self._uniques(),
            *self._checks(),
            *(clause for clause, _ in references),
        ]
        strict = (["STRICT"] if self.declaration.strict else []) + (
            ["WITHOUT ROWID"] if self.declaration.without_rowid else []
        )
        return TableSpec(
            name=self.declaration.name,
            declaration=self.declaration,
            columns=self.columns,
            bare=tuple(f"{quote(column.name)} {_type(column)}".rstrip() for column in self.columns),
            definitions=tuple(self._definition(column, inline, options) for column in self.columns),
            constraints=tuple(constraints),
            references=tuple(reference for _, reference in references if reference is not None),
            indexes=tuple(self._indexes()),
            options=" " + ", ".join(strict) if strict else "",
        )

    def _definition(self, column: ColumnSpec, inline: Term | None, options: Key) -> Clause:
        """A column definition, with the primary key in it: only so does INTEGER PRIMARY KEY DESC mean what it says."""
        parts = [quote(column.name), _type(column)]
        is_key = inline is not None and fold(inline.name) == fold(column.name)
        if inline is not None and is_key:
            parts += ["PRIMARY KEY", "DESC" if inline.descending else "", _conflict(options.on_conflict, self.spot)]
            parts += ["AUTOINCREMENT" if options.autoincrement else ""]
        is_rowid = inline is not None and is_key and self._is_rowid(column, inline)
        if column.not_null and (not is_rowid or column.field.one(NotNull)):
            parts += ["NOT NULL", _conflict(column.not_null_conflict, column.field.spot)]
        if column.default is not None:
            parts.append(f"DEFAULT {column.default}")
        if column.collation is not None:
            parts.append(f"COLLATE {quote(column.collation)}")
        if column.generated is not None:
            parts.append(f"GENERATED ALWAYS AS ({column.generated}) {'STORED' if column.stored else 'VIRTUAL'}")
        return Clause(" ".join(part for part in parts if part), column.field.spot)

    def _is_rowid(self, column: ColumnSpec, key: Term) -> bool:
        """Whether it is the INTEGER PRIMARY KEY, where NOT NULL has no effect and is written on demand only."""
        return fold(column.type) == "integer" and not key.descending and not self.declaration.without_rowid

    def _key(self) -> tuple[tuple[Term, ...], Key]:
        marked = [(field, marker) for field in self._fields() if (marker := field.one(Key))]
        listed = listed_key(self.declaration)
        if listed and marked:
            raise wrong(marked[0][0].spot, "the key is given twice: here, and in @table(key=…)", "keep one of the two")
        if listed:
            options = self.declaration.key if isinstance(self.declaration.key, Key) else Key()
            return tuple(key_term(text, self.names, self.spot) for text in listed), options
        terms = [
            Term(column.name, marker.collate, marker.descending)
            for field, marker in marked
            for column in self.resolver.of_field(self.declaration, field)
        ]
        options = Key(
            autoincrement=any(marker.autoincrement for _, marker in marked),
            on_conflict=next((marker.on_conflict for _, marker in marked if marker.on_conflict), None),
        )
        return tuple(terms), options

    def _listed_key(self, key: tuple[Term, ...], options: Key) -> Clause:
        if options.autoincrement:
            raise wrong(self.spot, "AUTOINCREMENT needs a key of one INTEGER column", "take autoincrement=True away")
        listed = ", ".join(term.sql for term in key)
        return Clause(f"PRIMARY KEY ({listed}) {_conflict(options.on_conflict, self.spot)}".rstrip(), self.spot)

    def _uniques(self) -> Iterable[Clause]:
        for field in self._fields():
            for marker in field.all(Unique):
                columns = self.resolver.of_field(self.declaration, field)
                yield self._unique([Term(column.name, marker.collate) for column in columns], marker, field.spot)
        for entry in self.declaration.unique:
            marker = entry if isinstance(entry, Unique) else Unique(*([entry] if isinstance(entry, str) else entry))
            spot = entry.spot if isinstance(entry, Unique) else self.spot
            if not marker.columns:
                raise wrong(spot, "Unique needs columns here", 'write Unique("a", "b")')
            yield self._unique([key_term(text, self.names, spot) for text in marker.columns], marker, spot)

    def _unique(self, terms: Sequence[Term], marker: Unique, spot: Spot) -> Clause:
        collated = [Term(term.name, term.collation or marker.collate, term.descending) for term in terms]
        conflict = _conflict(marker.on_conflict, spot)
        return Clause(f"UNIQUE ({', '.join(term.sql for term in collated)}) {conflict}".rstrip(), spot)

    def _checks(self) -> Iterable[Clause]:
        for column in self.columns:
            if column.allowed:
                try:
                    values = ", ".join(literal(value) for value in column.allowed)
                except ValueError as error:
                    raise wrong(column.field.spot, f"{column.field.name}: {error}", "use other values") from error
                yield Clause(f"CHECK ({quote(column.name)} IN ({values}))", column.field.spot)
        for field in self._fields():
            yield from (_check(marker, field.spot) for marker in field.all(Check))
        for entry in self.declaration.checks:
            yield _check(Check(entry), self.spot) if isinstance(entry, str) else _check(entry, entry.spot)

    def _references(self) -> Iterable[tuple[Clause, Reference | None]]:
        for field in self._fields():
            columns = self.resolver.of_field(self.declaration, field)
            rules = field.all(References)
            parent = self.resolver.table_of(field.core)
            if parent is not None:
                targets = tuple(column.via[1] for column in columns if column.via)
                own = [rule for rule in rules if rule.parent is None or rule.columns]
                rules = tuple(rule for rule in rules if rule not in own[:1])
                yield self._reference(columns, parent, targets, (own or [References()])[0], field.spot)
            for rule in rules:
                yield self._rule(columns, rule, field.spot)
        for key in self.declaration.foreign_keys:
            by_name = {fold(column.name): column for column in self.columns}
            columns = tuple(by_name[fold(self.names.require(name, key.spot))] for name in key.columns)
            yield self._rule(columns, key, key.spot)

    def _rule(
        self, columns: Sequence[ColumnSpec], rule: References | ForeignKey, spot: Spot
    ) -> tuple[Clause, Reference | None]:
        if rule.parent is None:
            raise wrong(spot, "References needs the table it refers to", 'write References("Parent", …)')
        named = rule.columns if isinstance(rule, References) else rule.parent_columns
        parent = self.resolver.parent(rule.parent, rule.unchecked, spot)
        targets = named
        if isinstance(parent, TableDeclaration) and (named or not rule.unchecked):
            targets = self.resolver.targets(parent, named, rule.unchecked, spot)
        return self._reference(columns, parent, targets, rule, spot)

    def _reference(
        self,
        columns: Sequence[ColumnSpec],
        parent: TableDeclaration | str,
        targets: Sequence[str],
        rule: References | ForeignKey,
        spot: Spot,
    ) -> tuple[Clause, Reference | None]:
        name = parent if isinstance(parent, str) else parent.name
        if targets and len(targets) != len(columns):
            raise wrong(
                spot,
                f"a reference of {counted(len(columns), 'column')} to {len(targets)} of {name}: {', '.join(targets)}",
                "name as many columns on both sides: @table(foreign_keys=[ForeignKey((…), Parent, (…))])",
            )
        listed = ", ".join(quote(column.name) for column in columns)
        there = f" ({', '.join(quote(target) for target in targets)})" if targets else ""
        parts = [f"FOREIGN KEY ({listed}) REFERENCES {quote(name)}{there}"]
        for event, action in (("DELETE", rule.on_delete), ("UPDATE", rule.on_update)):
            if _one_of(action, _ACTIONS, f"on_{event.lower()}", spot) != "NO ACTION":
                parts.append(f"ON {event} {action.upper()}")
        if rule.deferred:
            parts.append("DEFERRABLE INITIALLY DEFERRED")
        checked = None if rule.unchecked else Reference(name, tuple(targets), spot)
        return Clause(" ".join(parts), spot), checked

    def _indexes(self) -> Iterable[Clause]:
        for field in self._fields():
            for marker in field.all(Index):
                columns = self.resolver.of_field(self.declaration, field)
                entries = marker.columns or tuple(column.name for column in columns)
                yield self._index(marker, entries, field.spot)
        for entry in self.declaration.indexes:
            marker = Index(entry) if isinstance(entry, str) else entry
            spot = self.spot if isinstance(entry, str) else entry.spot
            if not marker.columns:
                raise wrong(spot, "Index needs columns here", 'write Index("a", "b")')
            yield self._index(marker, marker.columns, spot)

    def _index(self, marker: Index, entries: Sequence[str], spot: Spot) -> Clause:
        name = marker.name if marker.name is not None else index_name(self.declaration.name, entries)
        listed = ", ".join(index_term(text, self.names, spot) for text in entries)
        where = f" WHERE {fragment(marker.where, spot)}" if marker.where is not None else ""
        unique = "UNIQUE " if marker.unique else ""
        return Clause(f"CREATE {unique}INDEX {quote(name)} ON {quote(self.declaration.name)}({listed}){where}", spot)

    def _fields(self) -> Sequence[Field]:
        return self.resolver.fields(self.declaration)


def _type(column: ColumnSpec) -> str:
    """The declared type as it can stand in a column definition: words and sizes as they are, all else quoted."""
    marker = column.field.one(ColumnType)
    quoted = marker is not None and marker.type != column.type
    return column.type if _PLAIN_TYPE.fullmatch(column.type) and not quoted else quote(column.type)


def _check(marker: Check, spot: Spot) -> Clause:
    name = f"CONSTRAINT {quote(marker.name)} " if marker.name is not None else ""
    return Clause(f"{name}CHECK ({fragment(marker.expression, spot)})", spot)


def _conflict(conflict: str | None, spot: Spot) -> str:
    return "" if conflict is None else f"ON CONFLICT {_one_of(conflict, _CONFLICTS, 'on_conflict', spot)}"


def _one_of(given: str, known: Sequence[str], what: str, spot: Spot) -> str:
    if given.upper() not in known:
        raise wrong(spot, f"{what}={given!r} is unknown to SQLite", f"use one of {', '.join(known)}")
    return given.upper()


def index_name(table: str, entries: Sequence[str]) -> str:
    """The name of an index that is given none."""
    words = [token.value for entry in entries for token in tokens(entry) if token.kind in ("word", "quoted")]
    return "_".join(["ix", table, *(re.sub(r"\W+", "_", word) for word in words)])
