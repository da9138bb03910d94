"""Seed rows: instances of table classes, as the values that SQLite stores."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from hotmig.catalog.keys import key_without_null
from hotmig.catalog.model import Table
from hotmig.schema.columns import Columns, ColumnSpec
from hotmig.schema.compile import TableSpec
from hotmig.schema.declare import AUTO, Made, Registry, TableDeclaration
from hotmig.schema.model import Place, SeedRow, Value
from hotmig.schema.places import Spot, wrong
from hotmig.schema.types import stored
from hotmig.sqlite import execute, fold, quote

Seed = tuple[Made, bool]  # and whether it yields to an old row


def collect(registry: Registry, modules: Iterable[ModuleType]) -> tuple[Seed, ...]:
    """The instances that stand in the modules by a name or in a list, and those given to ``seed()``; each once."""
    found: dict[int, Seed] = {}
    classes = {table.cls for table in registry.tables}
    for module in modules:
        for value in list(vars(module).values()):
            for row in value if isinstance(value, list | tuple) else (value,):
                if type(row) in classes:
                    found[id(row)] = (_made(registry, row, Spot(str(module.__file__), 1)), False)
    for declaration in registry.seeds:
        for row in declaration.rows:
            if type(row) not in classes:
                raise wrong(
                    declaration.spot, f"{row!r} is no row of a table", "seed() takes instances of table classes"
                )
            found[id(row)] = (_made(registry, row, declaration.spot), declaration.if_absent)
    return tuple(found.values())


def _made(registry: Registry, row: object, spot: Spot) -> Made:
    """A row as it was made; a field that was set later counts as given."""
    made = registry.made.get(id(row), Made(row, frozenset(), spot))
    fields = dataclasses.fields(row)  # type: ignore[arg-type]
    changed = {field.name for field in fields if getattr(row, field.name) is not field.default}
    return Made(row, made.given | frozenset(name for name in changed if getattr(row, name) is not AUTO), made.spot)


class Seeder:
    """Puts seed rows into the tables in memory, so that SQLite judges them and says what it stores."""

    def __init__(self, db: sqlite3.Connection, registry: Registry, columns: Columns) -> None:
        self._db = db
        self._registry = registry
        self._columns = columns

    def rows(self, spec: TableSpec, table: Table, seeds: Sequence[Seed]) -> tuple[SeedRow, ...]:
        """The seed rows of one table. Raises SchemaError for a row without key, or that SQLite refuses."""
        own = [(made, if_absent) for made, if_absent in seeds if type(made.row) is spec.declaration.cls]
        key = key_columns(table) if own else ()
        if own and not key:
            raise wrong(
                own[0][0].spot,
                f"{table.name} has no key without NULL, so its seed rows can't be found again",
                "give it a Key of fields without None",
            )
        return tuple(self._row(spec, made, key, if_absent) for made, if_absent in own)

    def _row(self, spec: TableSpec, made: Made, key: Sequence[str], if_absent: bool) -> SeedRow:
        given = [column for column in spec.columns if column.field.name in made.given]
        missing = set(map(fold, key)) - {fold(column.name) for column in given}
        if missing:
            raise wrong(
                made.spot,
                f"this seed row of {spec.name} does not give its key: {', '.join(sorted(missing))}",
                "give the key, so that the row can be found again",
            )
        values = [self._value(made, column, made.spot) for column in given]
        stored_values = self._as_stored(spec, given, values, key, made.spot)
        names = tuple(column.name for column in given)
        return SeedRow(names, stored_values, if_absent, Place(Path(made.spot.file), made.spot.line))

    def _value(self, made: Made, column: ColumnSpec, spot: Spot) -> Value:
        value = getattr(made.row, column.field.name)
        if column.via is not None and value is not None:
            return self._parent_value(value, column.field.name, column.via, spot)
        try:
            return stored(value)
        except ValueError as error:
            raise wrong(spot, f"{column.field.name}: {error}", "give a value of one of the column types") from error

    def _parent_value(self, parent: object, field: str, via: tuple[TableDeclaration, str], spot: Spot) -> Value:
        declaration, name = via
        if type(parent) is not declaration.cls:
            wanted = declaration.cls.__name__
            raise wrong(spot, f"{field} is {parent!r}, and must be a {wanted}", f"give it a {wanted} with its key")
        made = _made(self._registry, parent, spot)
        column = next(c for c in self._columns.of_table(declaration) if fold(c.name) == fold(name))
        if column.field.name not in made.given:
            raise wrong(spot, f"{field} refers to a row without {name}", f"give that row its {column.field.name}")
        return self._value(made, column, spot)

    def _as_stored(
        self, spec: TableSpec, given: Sequence[ColumnSpec], values: Sequence[Value], key: Sequence[str], spot: Spot
    ) -> tuple[Value, ...]:
        """The values after the affinity of their columns. Foreign keys are not enforced: parents may be old rows."""
        listed = ", ".join(quote(column.name) for column in given)
        by_name = {fold(column.name): value for column, value in zip(given, values, strict=True)}
        found = " AND ".join(f"{quote(name)} IS ?" for name in key)
        try:
            # An ON CONFLICT clause of the table would drop a row in silence.
            execute(
                self._db,
                f"INSERT OR ABORT INTO {quote(spec.name)} ({listed}) VALUES({', '.join('?' * len(given))})",
                values,
            )
            row = execute(
                self._db,
                f"SELECT {listed} FROM {quote(spec.name)} WHERE {found}",
                [by_name[fold(name)] for name in key],
            ).fetchone()
        except sqlite3.Error as error:
            raise wrong(spot, f"this seed row does not fit into {spec.name}: {error}", "correct the row") from error
        return tuple(row)


def key_columns(table: Table) -> tuple[str, ...]:
    """The columns by which plan and transfer find a row again; () for none."""
    columns = [table.column(part.name) for part in key_without_null(table) or () if part.name is not None]
    return tuple(column.name for column in columns if column is not None)
