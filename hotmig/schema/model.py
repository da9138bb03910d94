"""What a schema module says, once it was loaded, compiled and judged by SQLite."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from hotmig.catalog.model import Catalog
from hotmig.sqlite import fold

Value = None | int | float | str | bytes
Orphans = Literal["refuse", "null"]
BLANKS = " \t\n\r\f\v"  # what is stripped from a value before it is looked up
Moment = Literal["cutover", "after"]


@dataclass(frozen=True)
class Place:
    """Where something is declared, for messages: ``file:line``."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def has_half_a_pair(text: str) -> bool:
    """Whether half of a surrogate pair is in it: no database holds such a text."""
    return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)


def looked_up(spelling: str, fold_case: bool) -> str:
    """The form in which a value is looked up among aliases."""
    stripped = spelling.strip(BLANKS)
    return stripped.casefold() if fold_case else stripped


@dataclass(frozen=True)
class ValueMap:
    """Canonical values by the looked-up form of their aliases, and of themselves; ``title`` says whence, to people."""

    pairs: tuple[tuple[str, str], ...]
    fold_case: bool
    title: str = dataclasses.field(default="", compare=False)


@dataclass(frozen=True)
class OrderTerm:
    """One term of an ORDER BY: the expression alone, and what stands behind it (``DESC NULLS LAST``)."""

    expression: str
    direction: str = ""


@dataclass(frozen=True)
class DuplicatesRule:
    """What becomes of rows with one ``key``; ``losers`` is None where they are dropped, else the columns to set."""

    key: tuple[str, ...]
    compare: tuple[str, ...]
    prefer: tuple[OrderTerm, ...]
    collide: str | None
    equal: Literal["merge", "keep"]
    losers: tuple[tuple[str, str], ...] | None
    place: Place = dataclasses.field(compare=False, repr=False)


@dataclass(frozen=True)
class MergeRule:
    """Rows that become one by a canonical value; ``create`` is None where a missing canonical row is not made."""

    by: str
    mapping: ValueMap
    create: tuple[tuple[str, str], ...] | None
    touch: tuple[tuple[str, str], ...]
    place: Place = dataclasses.field(compare=False, repr=False)


@dataclass(frozen=True)
class ColumnRules:
    """What the module says about carrying one column over; ``field`` is its name in Python.

    ``was`` is the one old column of a Was; ``together`` are the old columns that were one reference, of a Was with
    more names than the reference has columns now.
    """

    column: str
    field: str
    was: str | None = None
    source: str | None = None  # the SQL of From
    orphans: Orphans = "refuse"  # of References
    together: tuple[str, ...] = ()
    mapping: ValueMap | None = None  # of Mapped, or of the table's Merge
    declaration: str | None = dataclasses.field(default=None, compare=False)  # how the module spells it, for messages

    @property
    def was_names(self) -> tuple[str, ...]:
        """The old columns that the Was names."""
        return self.together or ((self.was,) if self.was is not None else ())


@dataclass(frozen=True)
class SeedRow:
    """A row that the schema brings along. ``values`` are as SQLite stores them, for the columns that were given."""

    columns: tuple[str, ...]
    values: tuple[Value, ...]
    if_absent: bool
    place: Place

    @cached_property
    def by_name(self) -> dict[str, Value]:
        """Folded column name → value."""
        return dict(zip(map(fold, self.columns), self.values, strict=True))


@dataclass(frozen=True)
class TableRules:
    table: str
    class_name: str
    place: Place
    was: str | None = None
    columns: tuple[ColumnRules, ...] = ()
    seeds: tuple[SeedRow, ...] = ()
    duplicates: DuplicatesRule | None = None
    merge: MergeRule | None = None

    def column(self, name: str) -> ColumnRules | None:
        return self._by_column.get(fold(name))

    @cached_property
    def _by_column(self) -> dict[str, ColumnRules]:
        return {fold(rules.column): rules for rules in reversed(self.columns)}


@dataclass(frozen=True)
class Dropped:
    """Data of the old database that is given up on purpose: a column, or a whole table."""

    table: str
    column: str | None
    place: Place


@dataclass(frozen=True)
class ReplayTrigger:
    """A trigger that also fires for replayed rows."""

    name: str
    place: Place


@dataclass(frozen=True)
class DataMigration:
    """A numbered function over the new database. ``formerly`` are the names that it had."""

    name: str
    when: Moment
    formerly: tuple[str, ...]
    place: Place
    function: Callable[..., object] = dataclasses.field(compare=False)


@dataclass(frozen=True)
class AdoptedMarks:
    """Where an earlier tool noted what was applied: a table of the old database, and two of its columns."""

    table: str
    name: str
    applied: str


@dataclass(frozen=True)
class Schema:
    """``create`` is the DDL in the order in which SQLite takes it: tables, indexes, virtual tables, views, triggers."""

    file: Path
    name: str | None  # ``database = "shop"`` in the module
    catalog: Catalog
    tables: tuple[TableRules, ...]
    dropped: tuple[Dropped, ...]
    replay_triggers: tuple[ReplayTrigger, ...]
    create_tables: tuple[str, ...]
    create_indexes: tuple[tuple[str, str], ...]  # (table, SQL)
    create_virtual_tables: tuple[str, ...]
    create_views: tuple[str, ...]
    create_triggers: tuple[str, ...]
    hash: str  # 16 hex digits
    plain_classes: tuple[str, ...] = dataclasses.field(
        default=(), compare=False
    )  # with fields, and no tables; for messages
    data_migrations: tuple[DataMigration, ...] = ()  # in their order
    adopted: AdoptedMarks | None = None
    rows_hash: str = dataclasses.field(default="", compare=False)  # what ``hash`` is without data migrations

    def rules(self, table: str) -> TableRules | None:
        folded = fold(table)
        return next((rules for rules in self.tables if fold(rules.table) == folded), None)
