"""Rows as SQLite stores them: two cells are equal here when storage class and bytes are.

Python alone would not do: 1 == 1.0 == True, 0.0 == -0.0, and text and BLOB both arrive as bytes.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote as url_quote


class Text(NamedTuple):
    """A TEXT value as its bytes: it may hold NUL and need not be UTF-8."""

    raw: bytes


class Real(NamedTuple):
    """A REAL value by ``float.hex``, which keeps the sign of zero and every bit."""

    hex: str


class Assigned(NamedTuple):
    """A key that hotmig chooses: the one it gave to the row of ``table`` that had ``old`` as its key."""

    table: str
    old: tuple[Any, ...]


Cell = None | int | Text | Real | bytes | Assigned
Row = tuple[Cell, ...]
Tables = Mapping[str, Sequence[str]]  # table → the columns that are read
Contents = dict[str, Counter[Row]]


def cell(value: Any) -> Cell:
    """What SQLite stores for a Python value, or what a connection with ``text_factory = Text`` has read."""
    if isinstance(value, float):
        return Real(value.hex())
    if isinstance(value, str):
        return Text(value.encode("utf-8", "surrogateescape"))
    return value


def plain(value: Cell) -> Any:
    """The Python value of a cell, for computing with it."""
    if isinstance(value, Text):
        return value.raw.decode("utf-8", "surrogateescape")
    if isinstance(value, Real):
        return float.fromhex(value.hex)
    return value


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def read_only(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"file:{url_quote(str(path))}?mode=ro", uri=True, isolation_level=None, timeout=10)
    db.text_factory = Text
    return db


def rows(db: sqlite3.Connection, table: str, columns: Iterable[str]) -> list[Row]:
    """All rows; the connection must have ``text_factory = Text``. A column may be "rowid"."""
    names = ", ".join("rowid" if column == "rowid" else quote(column) for column in columns)
    return [tuple(map(cell, row)) for row in db.execute(f"SELECT {names} FROM {quote(table)}")]


def contents(db: sqlite3.Connection, tables: Tables) -> Contents:
    return {table: Counter(rows(db, table, columns)) for table, columns in tables.items()}


def contents_of(path: Path, tables: Tables) -> Contents:
    db = read_only(path)
    try:
        return contents(db, tables)
    finally:
        db.close()


def differences(expected: Contents, actual: Contents) -> list[str]:
    """One line for each table that differs, with the first rows; empty when both are the same."""
    lines = []
    for table in sorted(expected.keys() | actual.keys()):
        missing = expected.get(table, Counter()) - actual.get(table, Counter())
        extra = actual.get(table, Counter()) - expected.get(table, Counter())
        if missing or extra:
            lines.append(
                f"{table}: {missing.total()} missing, {extra.total()} too many; "
                f"missing {sorted(missing, key=repr)[:3]}, too many {sorted(extra, key=repr)[:3]}"
            )
    return lines


def to_json(row: Row) -> list[Any]:
    return [_cell_to_json(value) for value in row]


def from_json(values: Iterable[Any]) -> Row:
    return tuple(_cell_from_json(value) for value in values)


def _cell_to_json(value: Cell) -> Any:
    if isinstance(value, Text):
        return {"text": value.raw.hex()}
    if isinstance(value, Real):
        return {"real": value.hex}
    if isinstance(value, bytes):
        return {"blob": value.hex()}
    return value


def _cell_from_json(value: Any) -> Cell:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "text":
        return Text(bytes.fromhex(content))
    return Real(content) if kind == "real" else bytes.fromhex(content)
