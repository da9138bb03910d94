"""``Duplicates`` and ``Merge`` of a table, checked against its columns, as the rules that a plan is made from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from hotmig.catalog.affinity import column_affinity, stored
from hotmig.catalog.keys import primary_key_names
from hotmig.catalog.lexer import Token, tokens
from hotmig.catalog.model import Catalog, Table
from hotmig.errors import HotmigError
from hotmig.schema.columns import ColumnSpec
from hotmig.schema.compile import TableSpec
from hotmig.schema.markers import Mapped
from hotmig.schema.model import DuplicatesRule, MergeRule, OrderTerm, Place, ValueMap
from hotmig.schema.places import Spot, wrong
from hotmig.schema.rowlocal import check_row_local
from hotmig.schema.rules import Duplicates, Merge
from hotmig.schema.terms import Names, fragment, never_text
from hotmig.schema.value_maps import value_map
from hotmig.sqlite import execute, fold

_NULLS = ("FIRST", "LAST")


class GroupRules:
    """The rules of one table; ``db`` judges the SQL in them."""

    def __init__(self, db: sqlite3.Connection, spec: TableSpec, table: Table, tables: Catalog) -> None:
        self.db = db
        self.spec = spec
        self.table = table
        self.tables = tables
        self.names = Names(spec.name, (column.name for column in spec.columns))

    def duplicates(self) -> DuplicatesRule | None:
        """Raises SchemaError for a column that isn't there, and for SQL that asks for more than one old row."""
        declared = self.spec.declaration.duplicates
        if declared is None:
            return None
        spot = declared.spot
        if self.spec.declaration.merge is not None:
            raise wrong(
                spot, f"{self.spec.name} has both Duplicates and Merge", "one of them says what becomes of rows"
            )
        if not declared.key:
            raise wrong(spot, "Duplicates needs a key", 'write key=("a", "b")')
        return DuplicatesRule(
            key=self._several("key", declared.key, spot),
            compare=self._several("compare", declared.compare, spot),
            prefer=tuple(self._order(declared)),
            collide=self._over_old_row("collide", declared.collide, spot) if declared.collide is not None else None,
            equal=declared.equal,
            losers=self._set("losers", declared.losers, spot) if declared.losers is not None else None,
            place=_place(spot),
        )

    def merge(self) -> MergeRule | None:
        """The same for Merge, whose mapping is read here."""
        declared = self.spec.declaration.merge
        if declared is None:
            return None
        by = self._stored(declared.by, declared.spot)
        for column in self.spec.columns:
            if column.name == by and column.field.one(Mapped):
                raise wrong(declared.spot, f"{by} has a Mapped too", "Merge maps the column itself: take Mapped away")
        mapping = value_map(declared.mapping, declared.fold_case, declared.spot)
        self._require_texts(by, mapping, declared.spot)
        return MergeRule(
            by=by,
            mapping=mapping,
            create=None if declared.create is None else self._created(declared, declared.create, by),
            touch=tuple(self._touched(declared.touch, by, declared.spot)),
            place=_place(declared.spot),
        )

    def _require_texts(self, by: str, mapping: ValueMap, spot: Spot) -> None:
        """A value that is stored as a number is no text that is looked up: its row would be neither canonical nor an
        alias."""
        column = self.table.column(by)
        kept = column_affinity(self.table, column) if column is not None else "BLOB"
        if column is None or kept in ("TEXT", "BLOB"):
            return
        for value in sorted({value for pair in mapping.pairs for value in pair}):
            if execute(self.db, f"SELECT typeof({stored('?1', kept)})", (value,)).fetchone() != ("text",):
                what = f"{by} is of type {column.type}, which makes a number of {value!r}: a Merge goes by texts"
                raise wrong(spot, what, 'give it a type that keeps them: ColumnType("TEXT")')

    def _stored(self, name: str, spot: Spot) -> str:
        """The column's own spelling; one that is generated can't be given a value."""
        found = self.names.require(name, spot)
        column = self.table.column(found)
        if column is None or column.generated is not None:
            raise _generated(found, spot)
        return found

    def _several(self, what: str, names: Iterable[str], spot: Spot) -> tuple[str, ...]:
        found = tuple(self._stored(name, spot) for name in names)
        twice = [name for name in found if found.count(name) > 1]
        if twice:
            raise wrong(spot, f"{what}= names {twice[0]} twice", "name each column once")
        return found

    def _order(self, declared: Duplicates) -> Iterator[OrderTerm]:
        for text in _split(fragment(declared.prefer, declared.spot)):
            stream = list(tokens(text))
            count = _direction(stream)
            if count == len(stream):
                raise wrong(
                    declared.spot, f"prefer={declared.prefer!r} is no ORDER BY", "write SQL such as 'updated DESC'"
                )
            direction = stream[len(stream) - count :]
            sql = text[: direction[0].start] if direction else text
            expression = self._over_old_row("prefer", sql.strip(), declared.spot, told=text.strip())
            yield OrderTerm(expression, " ".join(token.text.upper() for token in direction))

    def _over_old_row(self, what: str, sql: str, spot: Spot, told: str | None = None) -> str:
        text = never_text(fragment(sql, spot))
        check_row_local(self.db, text, spot, f"{what}={told or sql!r}")
        return text

    def _set(self, what: str, given: Mapping[str, str], spot: Spot) -> tuple[tuple[str, str], ...]:
        names = self._several(what, given, spot)
        return tuple(
            (name, self._over_old_row(what, sql, spot)) for name, sql in zip(names, given.values(), strict=True)
        )

    def _created(self, declared: Merge, given: Mapping[str, str], by: str) -> tuple[tuple[str, str], ...]:
        names = self._several("create", given, declared.spot)
        made = tuple(
            (name, self._constant("create", sql, declared.spot))
            for name, sql in zip(names, given.values(), strict=True)
        )
        filled = {fold(name) for name, _ in made}
        if fold(by) in filled:
            raise wrong(declared.spot, f"create fills {by}, which gets the canonical value", "take it away")
        key = {fold(name) for name in primary_key_names(self.table)}
        for column in self.table.stored_columns:
            is_needed = fold(column.name) in key or (column.not_null and column.default is None)
            if is_needed and fold(column.name) not in {*filled, fold(by)}:
                raise wrong(declared.spot, f"create does not fill {column.name}", f'add "{column.name}": "SQL" to it')
        return made

    def _touched(self, given: Mapping[str, str], by: str, spot: Spot) -> Iterator[tuple[str, str]]:
        folded = [fold(name) for name in given]
        for name, sql in given.items():
            if folded.count(fold(name)) > 1:
                raise wrong(spot, f"touch= names {name} twice", "name each column once")
            if fold(name) == fold(by):
                raise wrong(spot, f"touch sets {by}, which gets the canonical value", "take it away")
            self._require_moving(name, spot)
            text = never_text(fragment(sql, spot))
            if not self._is_constant(text):
                check_row_local(self.db, text, spot, f"touch={sql!r}")
            yield name, text

    def _require_moving(self, name: str, spot: Spot) -> None:
        """The column is one of this table, or of one that refers to it."""
        if self.names.find(name) is not None:
            self._stored(name, spot)
            return
        own = fold(self.table.name)
        children = [each for each in self.tables.tables if own in {fold(to.parent) for to in each.foreign_keys}]
        moving = list(dict.fromkeys([self.table, *children]))
        known = [column for table in moving for column in table.columns]
        found = [column for column in known if fold(column.name) == fold(name)]
        if not found:
            what = f"touch sets {name}, and no table whose rows move has that column"
            names = ", ".join(table.name for table in moving)
            raise wrong(spot, f"{what}: {names}", Names("", (column.name for column in known)).likely(name))
        if all(column.generated is not None for column in found):
            raise _generated(found[0].name, spot)

    def _constant(self, what: str, sql: str, spot: Spot) -> str:
        text = never_text(fragment(sql, spot))
        if not self._is_constant(text):
            raise wrong(spot, f"{what}={sql!r} is no SQL that reads no column", "no old row is there to be read")
        return text

    def _is_constant(self, text: str) -> bool:
        return is_constant(self.db, text)


def is_constant(db: sqlite3.Connection, sql: str) -> bool:
    """Whether the expression reads no column, so that it can be evaluated once."""
    try:
        execute(db, f"SELECT ({sql}\n)")
    except (sqlite3.Error, ValueError):  # ValueError for a character that can't be in SQL
        return False
    return True


def mapping_of(column: ColumnSpec, merge: MergeRule | None) -> ValueMap | None:
    """What a column's values are looked up in: its own Mapped, or the table's Merge."""
    if merge is not None and fold(merge.by) == fold(column.name):
        return merge.mapping
    mapped = column.field.one(Mapped)
    if mapped is None:
        return None
    spot = column.field.spot
    if column.generated is not None:
        raise wrong(spot, f"{column.field.name} is generated: nothing is carried over to it", "take Mapped away")
    return value_map(mapped.mapping, mapped.fold_case, spot)


def require_no_seeds(spec: TableSpec, seeds: Iterable[object]) -> None:
    """A seed row beside rows that become one could be any of them."""
    rule = spec.declaration.duplicates or spec.declaration.merge
    if rule is not None and any(True for _ in seeds):
        what = type(rule).__name__
        raise wrong(rule.spot, f"{spec.name} has both seed rows and {what}", "write the rows once the merge is done")


def _split(text: str) -> Iterator[str]:
    """The parts between commas that stand in no parentheses."""
    start, depth = 0, 0
    token: Token
    for token in tokens(text):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if token.text == "," and depth == 0:
            yield text[start : token.start]
            start = token.end
    yield text[start:]


def _generated(name: str, spot: Spot) -> HotmigError:
    return wrong(spot, f"{name} is generated: it follows from other columns", "name these")


def _direction(stream: Sequence[Token]) -> int:
    """How many tokens at the end of a term are its direction. A column of such a name is none."""
    words = [token.keyword if token.kind == "word" else None for token in stream]
    count = 0
    if len(words) > 2 and words[-2] == "NULLS" and words[-1] in _NULLS:
        count = 2
    if len(words) > count and words[len(words) - count - 1] in ("ASC", "DESC"):
        count += 1
    return count


def _place(spot: Spot) -> Place:
    return Place(Path(spot.file), spot.line)
