"""The data: what the tables of each shape are, and the SQL that makes and fills them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hotmig.sqlite import connect, execute, quote, transaction

COUNT_TO = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)"
SPREAD = "1 + i * 7919 % :parents"  # a prime: children are spread over their parents, the same in every run
BLOB_BYTES = 4_000
WIDE_COLUMNS = 60
MANY = 100


@dataclass(frozen=True)
class Field:
    """A column. ``fill`` is SQL over ``i``, the number of the row, and ``:parents``, how many rows the parent has."""

    name: str
    type: str
    fill: str = "i"
    key: bool = False
    null: bool = False
    references: str | None = None
    unique: bool = False
    check: str | None = None
    default: str | None = None
    was: str | None = None

    @property
    def ddl(self) -> str:
        parts = [quote(self.name), self.type]
        if self.key:
            parts.append("PRIMARY KEY" if self.type == "INTEGER" else "NOT NULL PRIMARY KEY")
        elif not self.null:
            parts.append("NOT NULL")
        if self.default is not None:
            parts.append(f"DEFAULT {self.default}")
        if self.unique:
            parts.append("UNIQUE")
        if self.check is not None:
            parts.append(f"CHECK ({self.check})")
        if self.references is not None:
            parts.append(f"REFERENCES {quote(self.references)}")
        return " ".join(parts)


@dataclass(frozen=True)
class Table:
    """``share`` is how many of the shape's rows it has, beside those of the others; ``loose`` names the column that a
    rebuild makes strict."""

    name: str
    fields: tuple[Field, ...]
    loose: str
    share: int = 1
    indexed: tuple[str, ...] = ()
    own: dict[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "own", {each.name: each for each in self.fields})

    @property
    def key(self) -> Field:
        return next(each for each in self.fields if each.key)

    @property
    def parent(self) -> str | None:
        return next((each.references for each in self.fields if each.references), None)

    @property
    def create(self) -> str:
        return f"CREATE TABLE {quote(self.name)}({', '.join(each.ddl for each in self.fields)})"

    @property
    def create_indexes(self) -> tuple[str, ...]:
        return tuple(
            f"CREATE INDEX {quote(self.index_name(column))} ON {quote(self.name)}({quote(column)})"
            for column in self.indexed
        )

    def index_name(self, column: str) -> str:
        return f"ix_{self.name}_{self.own[column].was or column}"


Tables = tuple[Table, ...]


def _key(name: str = "id") -> Field:
    return Field(name, "INTEGER", key=True)


def shop() -> Tables:
    """Three tables, eight rows of them to each client; the clients' key is a text."""
    client = (
        Field("code", "TEXT", "printf('C%07d', i)", key=True),
        Field("first_name", "TEXT", "'first' || i"),
        Field("last_name", "TEXT", "'last' || i"),
        Field("email", "TEXT", "'u' || i || '@example.com'", null=True),
        Field("points", "INTEGER", "i % 500", null=True),
    )
    orders = (
        _key(),
        Field("client_code", "TEXT", f"printf('C%07d', {SPREAD})", references="client"),
        Field("total", "INTEGER", "i * 125", null=True),
        Field("placed", "TEXT", "'2026-01-01 00:00:00'"),
        Field("note", "TEXT", "'please ring twice, then leave it at the door: ' || i", null=True),
    )
    line = (
        _key(),
        Field("order_id", "INTEGER", SPREAD, references="orders"),
        Field("quantity", "INTEGER", "1 + i % 9", null=True),
        Field("price", "INTEGER", "i % 1000"),
        Field("what", "TEXT", "'item number ' || i", null=True),
    )
    return (
        Table("client", client, "points", 1),
        Table("orders", orders, "total", 2, ("client_code",)),
        Table("line", line, "quantity", 5, ("order_id",)),
    )


def wide() -> Tables:
    """One table of many columns."""
    kinds = (("INTEGER", "i % {0}7"), ("TEXT", "'text {0} of ' || i"), ("REAL", "i / {0}.5"))
    numbered = [
        Field(f"c{number:02}", kinds[number % 3][0], kinds[number % 3][1].format(number), null=True)
        for number in range(1, WIDE_COLUMNS - 1)
    ]
    return (Table("reading", (_key(), Field("sensor", "TEXT", "'s' || i % 1000"), *numbered), "c03", 1, ("sensor",)),)


def narrow() -> Tables:
    """One table of small rows."""
    fields = (_key(), Field("n", "INTEGER", "i * 7919 % 1000003"), Field("m", "INTEGER", "i % 100", null=True))
    return (Table("point", fields, "m", 1, ("n",)),)


def blobs() -> Tables:
    """One table of rows that each take a page or more."""
    body = Field("body", "BLOB", f"CAST(printf('%0{BLOB_BYTES}d', i) AS BLOB)")
    fields = (_key(), Field("name", "TEXT", "'document ' || i"), Field("size", "INTEGER", "i % 5000", null=True), body)
    return (Table("document", fields, "size", 1, ("name",)),)


def many_tables() -> Tables:
    """A hundred tables."""
    fields = (_key(), Field("name", "TEXT", "'name ' || i"), Field("n", "INTEGER", "i % 100", null=True))
    return tuple(Table(f"t{number:03}", fields, "n", 1, ("name",)) for number in range(1, MANY + 1))


SHAPES: dict[str, Callable[[], Tables]] = {
    "shop": shop,
    "wide": wide,
    "narrow": narrow,
    "blobs": blobs,
    "many-tables": many_tables,
}


def row_counts(tables: Tables, rows: int) -> dict[str, int]:
    """About ``rows`` rows in all, at least one in each table."""
    whole = sum(table.share for table in tables)
    return {table.name: max(rows * table.share // whole, 1) for table in tables}


def create(path: Path, tables: Tables, rows: int, journal_mode: str = "wal") -> dict[str, int]:
    """Makes the database; returns how many rows each table got. Raises HotmigError where it can't be made."""
    counts = row_counts(tables, rows)
    db = connect(path, "rwc")
    try:
        execute(db, f"PRAGMA journal_mode = {journal_mode}")
        execute(db, "PRAGMA synchronous = OFF")
        with transaction(db, 5.0, "the new database"):
            for table in tables:
                execute(db, table.create)
                _fill(db, table, counts)
            for table in tables:
                for sql in table.create_indexes:
                    execute(db, sql)
    finally:
        db.close()
    return counts


def _fill(db: sqlite3.Connection, table: Table, counts: dict[str, int]) -> None:
    filled = ", ".join(each.fill for each in table.fields)
    known = {"rows": counts[table.name], "parents": counts.get(table.parent or "", 1)}
    # Named parameters: the statement takes those that it mentions.
    db.execute(f"INSERT INTO {quote(table.name)} {COUNT_TO} SELECT {filled} FROM n", known)
