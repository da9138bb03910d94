"""What fields and tables of a scaffolded module have in common: columns in lists, expressions, references."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from hotmig.catalog.lexer import KEYWORDS, tokens
from hotmig.catalog.misquoted import corrected, row_names
from hotmig.catalog.model import Check, ForeignKey, IndexedColumn, Table, UniqueConstraint
from hotmig.errors import HotmigError
from hotmig.schema.layout import Keyword, Source, Sql, Text
from hotmig.schema.places import Spot
from hotmig.schema.terms import Names, parse_term
from hotmig.sqlite import fold, quote

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Classes:
    """The tables and the names of their classes, by folded name; ``defined`` are those that stand above already."""

    tables: Mapping[str, Table]
    names: Mapping[str, str]
    defined: set[str] = field(default_factory=set)

    def of(self, table: str) -> str:
        """The class of a table that is there."""
        return self.names[fold(table)]

    def table(self, name: str) -> Table | None:
        """The table of that name."""
        return self.tables.get(fold(name))

    def is_defined(self, table: str) -> bool:
        """Whether its class can be named here without quotes."""
        return fold(table) in self.defined


class Parts:
    """The parts of one table's declaration."""

    def __init__(self, table: Table, classes: Classes) -> None:
        self.table = table
        self.classes = classes
        self.names = Names(table.name, (column.name for column in table.columns))

    def expression(self, sql: str, *, rowid: bool = False) -> Sql:
        """An expression; a text in double quotes gets single ones, which mean the same and are no mistake."""
        return Sql(corrected(sql, row_names(self.table, rowid=rowid)))

    def term(self, indexed: IndexedColumn) -> Source:
        """One entry of a key or an index."""
        if indexed.name is None:
            return self._computed(indexed)
        column = self.table.column(indexed.name)
        collation = indexed.collation if column and fold(indexed.collation) != fold(column.collation) else None
        if collation is None and not indexed.descending:
            return Text(indexed.name)  # the name as it is comes first, even if it looks like something else
        text = _spelled(indexed.name) + _order(collation, indexed.descending)
        while self.names.find(text) is not None:
            text = text.replace(" ", "  ", 1)
        return Text(text)

    def _computed(self, indexed: IndexedColumn) -> Source:
        expression = self.expression(indexed.expression or "")
        # Whatever the columns in it have, an expression in an index is BINARY.
        collation = indexed.collation if fold(indexed.collation) != "binary" else None
        order = _order(collation, indexed.descending)
        if order or self._is_misread(expression.value):
            expression = Sql(f"({expression.value})")
        return Sql(expression.value + order)

    def _is_misread(self, sql: str) -> bool:
        """Whether it would be taken for a column, or for one with an order."""
        try:
            return parse_term(sql, self.names, Spot("", 1)) is not None
        except HotmigError:
            return True

    def mentioned(self, sql: str) -> set[str]:
        """The columns that an expression names, as the table spells them."""
        found = (self.names.find(token.value) for token in tokens(sql) if token.kind in ("word", "quoted"))
        return {name for name in found if name is not None}

    def check_column(self, check: Check) -> str | None:
        """The column that a CHECK is about, if it is about one alone."""
        mentioned = self.mentioned(self.expression(check.expression, rowid=True).value)
        return mentioned.pop() if len(mentioned) == 1 else None

    def check_arguments(self, check: Check) -> list[Source]:
        """What Check() takes."""
        arguments: list[Source] = [self.expression(check.expression, rowid=True)]
        return arguments + ([Keyword("name", Text(check.name))] if check.name is not None else [])

    def keys_at_fields(self) -> bool:
        """Whether the primary key can stand at its fields: their order is its order then."""
        key = self.table.primary_key
        order = [fold(column.name) for column in self.table.columns]
        places = [order.index(fold(part.name or "")) for part in key.columns] if key else []
        return all(before < after for before, after in pairwise(places))

    def unique_column(self, unique: UniqueConstraint) -> str | None:
        """The column at whose field a UNIQUE stands."""
        first, *rest = unique.columns
        return None if rest or first.descending else first.name

    def parent(self, key: ForeignKey) -> Source:
        """The parent of a reference: a class, its name while it does not stand above, or what is not there."""
        if self.classes.table(key.parent) is None:
            return Text(key.parent)
        name = self.classes.of(key.parent)
        return name if self.classes.is_defined(key.parent) else Text(name)

    def parent_columns(self, key: ForeignKey) -> list[Source]:
        """The columns of the parent that have to be named: none where they are its key."""
        parent = self.classes.table(key.parent)
        primary = [part.name for part in parent.primary_key.columns] if parent and parent.primary_key else None
        implied = [*key.parent_columns] == primary and self.is_sound(key)
        return [] if implied else [Text(name) for name in key.parent_columns]

    def rules(self, key: ForeignKey) -> list[Source]:
        """What a reference does, and whether SQLite could ever check it."""
        rules: list[Source] = []
        for name, action in (("on_delete", key.on_delete), ("on_update", key.on_update)):
            if action != "NO ACTION":
                rules.append(Keyword(name, Text(action)))
        if key.deferred:
            rules.append(Keyword("deferred", "True"))
        return rules + ([] if self.is_sound(key) else [Keyword("unchecked", "True")])

    def is_sound(self, key: ForeignKey) -> bool:
        """Whether the parent has a unique index over just these columns, as sqlite3FkLocateIndex looks for it."""
        parent = self.classes.table(key.parent)
        if parent is None or not key.parent_columns:
            return False
        wanted = sorted(fold(name) for name in key.parent_columns)
        if parent.rowid_alias is not None and wanted == [fold(parent.rowid_alias)]:
            return True
        keys = [parent.primary_key.columns] if parent.primary_key else []
        keys += [unique.columns for unique in parent.uniques]
        keys += [index.columns for index in parent.indexes if index.unique and index.where is None]
        return any(_is_key(parent, parts, wanted) for parts in keys)


def _is_key(parent: Table, parts: tuple[IndexedColumn, ...], wanted: list[str]) -> bool:
    columns = [parent.column(part.name) if part.name is not None else None for part in parts]
    own = all(
        column is not None and fold(column.collation) == fold(part.collation)
        for column, part in zip(columns, parts, strict=True)
    )
    return own and sorted(fold(column.name) for column in columns if column) == wanted


def _order(collation: str | None, descending: bool) -> str:
    return (f" COLLATE {_spelled(collation)}" if collation is not None else "") + (" DESC" if descending else "")


def _spelled(name: str) -> str:
    return name if _BARE.fullmatch(name) and name.upper() not in KEYWORDS else quote(name)
