"""A shape: one kind of old database, the application that writes to it, the new schema, and what must come of it.

``expected`` computes the new contents in plain Python from the rows of the old file; it shares nothing with hotmig.
"""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.scenarios import exact
from tests.scenarios.exact import Assigned, Cell, Contents, Row, Tables, Text


class Dice(random.Random):
    """The chance behind one writer, and its marks: every row that it writes carries one that nobody else uses."""

    def __init__(self, seed: int, writer: int) -> None:
        super().__init__(seed * 1000 + writer)
        self.writer = writer
        self.count = 0

    def mark(self) -> str:
        self.count += 1
        return f"w{self.writer}-{self.count}"

    def word(self) -> str:
        return "".join(self.choices("abcdefghij", k=4))

    def maybe(self, value: Any) -> Any:
        """The value, or NULL one time in five."""
        return None if self.random() < 0.2 else value

    def some(self, db: sqlite3.Connection, table: str, columns: str) -> tuple[Any, ...] | None:
        """Those columns (SQL) of a row that is there, or None when the table is empty."""
        count = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        if not count:
            return None
        query = f"SELECT {columns} FROM {table} LIMIT 1 OFFSET ?"
        row = db.execute(query, (self.randrange(count),)).fetchone()
        return tuple(exact.plain(exact.cell(value)) for value in row)


Write = Callable[[sqlite3.Connection, Dice], None]
OldRow = dict[str, Cell]
Old = Mapping[str, list[OldRow]]


@dataclass(frozen=True)
class Shape:
    """``old_tables`` and ``new_tables`` name the columns that are compared ("rowid" where it must be kept).

    ``assigned`` names, for each new table whose key hotmig chooses, that column and the columns which still hold
    the old key. ``sequences``: old table → new table, for those with AUTOINCREMENT.
    """

    name: str
    old_ddl: tuple[str, ...]
    old_tables: Tables
    new_tables: Tables
    schema_module: str
    fill: Callable[[sqlite3.Connection, Dice, int], None]
    writes: Mapping[str, Write]
    new_writes: Mapping[str, Write]
    project: Callable[[Old], dict[str, list[Row]]]
    assigned: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    sequences: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    def create(self, path: Path, journal_mode: str, rows: int, seed: int) -> None:
        """Builds the old database with ``rows`` rows in its main table."""
        db = sqlite3.connect(path, isolation_level=None)
        db.text_factory = Text
        db.execute(f"PRAGMA journal_mode = {journal_mode}")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("BEGIN")
        for statement in self.old_ddl:
            db.execute(statement)
        self.fill(db, Dice(seed, 0), rows)
        db.execute("COMMIT")
        db.close()

    def expected(self, old_path: Path) -> Contents:
        """The new contents that the present rows of the old file call for; chosen keys are ``Assigned``."""
        return self.expected_of(exact.contents_of(old_path, self.old_tables))

    def expected_of(self, old: Contents) -> Contents:
        rows = {
            table: [dict(zip(self.old_tables[table], row, strict=True)) for row in counted.elements()]
            for table, counted in old.items()
        }
        return {table: Counter(new) for table, new in self.project(rows).items()}

    def resolve(self, expected: Contents, actual: Contents) -> Contents:
        """``expected`` with every ``Assigned`` replaced by the key that ``actual`` shows for it.

        Raises AssertionError when two rows were given one key, or one that is no integer.
        """
        keys: dict[Assigned, Cell] = {}
        for table, (column, old_columns) in self.assigned.items():
            names = self.new_tables[table]
            given = [row[names.index(column)] for row in actual[table].elements()]
            assert len(set(given)) == len(given), f"{table}.{column}: a key was given twice"
            assert all(isinstance(key, int) for key in given), f"{table}.{column}: a key is no integer"
            for row in actual[table].elements():
                keys[Assigned(table, tuple(row[names.index(old)] for old in old_columns))] = row[names.index(column)]
        return {
            table: Counter(
                tuple(keys.get(value, value) if isinstance(value, Assigned) else value for value in row)
                for row in counted.elements()
            )
            for table, counted in expected.items()
        }


def times(value: Cell, factor: int) -> Cell:
    """``column * factor`` for an integer or NULL."""
    return value * factor if isinstance(value, int) else None


def joined(first: Cell, between: str, second: Cell) -> Cell:
    """``first || between || second`` for texts or NULL."""
    if not isinstance(first, Text) or not isinstance(second, Text):
        return None
    return Text(first.raw + between.encode() + second.raw)


def pick(row: OldRow, names: Sequence[str]) -> Row:
    return tuple(row[name] for name in names)
