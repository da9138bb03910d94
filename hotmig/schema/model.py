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
Moment = Literal["cutover", "after"]


@dataclass(frozen=True)
class Place:
    """Where something is declared, for messages: ``file:line``."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


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
