"""Shapes that differ in how a row is found again: one table, its key of every kind, the same application."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.scenarios.exact import Row, cell
from tests.scenarios.shape import Dice, Old, Shape, Write, pick, times

KEYS = 400  # few enough for inserts to meet rows that are there


@dataclass(frozen=True)
class KeyKind:
    """``columns``: the key's columns in SQL; ``make`` draws a key; ``fields``: the key in the schema module."""

    name: str
    columns: tuple[str, ...]
    ddl: str
    constraint: str
    make: Callable[[Dice], tuple[Any, ...]]
    fields: str
    table: str = ""
    options: str = ""
    recase: bool = False


def _integer(dice: Dice) -> tuple[Any, ...]:
    number = dice.randrange(KEYS)
    return (dice.choice([number, -number, 2**63 - 1 - number]),)


def _text(dice: Dice) -> tuple[Any, ...]:
    return (f"key {dice.randrange(KEYS)}é",)


def _nocase(dice: Dice) -> tuple[Any, ...]:
    word = f"key{dice.randrange(KEYS)}x"
    return (dice.choice([word, word.upper(), word.title()]),)


def _blob(dice: Dice) -> tuple[Any, ...]:
    return (b"\x00\xff" + bytes([dice.randrange(KEYS) % 256, dice.randrange(2)]),)


def _real(dice: Dice) -> tuple[Any, ...]:
    return (dice.choice([dice.randrange(KEYS) / 7, float(dice.randrange(KEYS)), float("inf"), -1e300]),)


def _composite(dice: Dice) -> tuple[Any, ...]:
    return (f"k{dice.randrange(20)}", dice.randrange(20))


def _nullable(dice: Dice) -> tuple[Any, ...]:
    return (dice.maybe(f"key {dice.randrange(KEYS)}"),)


def _rowid(dice: Dice) -> tuple[Any, ...]:
    return (dice.randrange(1, KEYS),)


KINDS = (
    KeyKind("integer", ("k",), "k INTEGER PRIMARY KEY,", "", _integer, "k: Annotated[int, Key]"),
    KeyKind(
        "autoincrement",
        ("k",),
        "k INTEGER PRIMARY KEY AUTOINCREMENT,",
        "",
        _rowid,
        "k: Annotated[int, Key(autoincrement=True)]",
    ),
    KeyKind("text", ("k",), "k TEXT NOT NULL PRIMARY KEY,", "", _text, "k: Annotated[str, Key]"),
    KeyKind(
        "nocase",
        ("k",),
        "k TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,",
        "",
        _nocase,
        'k: Annotated[str, Key, Collate("NOCASE")]',
        recase=True,
    ),
    KeyKind("blob", ("k",), "k BLOB NOT NULL PRIMARY KEY,", "", _blob, "k: Annotated[bytes, Key]"),
    KeyKind("real", ("k",), "k REAL NOT NULL PRIMARY KEY,", "", _real, "k: Annotated[float, Key]"),
    KeyKind(
        "composite",
        ("k", "m"),
        "k TEXT NOT NULL, m INTEGER NOT NULL,",
        ", PRIMARY KEY (k, m)",
        _composite,
        "k: str\n    m: int",
        'key=("k", "m")',
    ),
    KeyKind(
        "without-rowid",
        ("k", "m"),
        "k TEXT NOT NULL COLLATE NOCASE, m INTEGER NOT NULL,",
        ", PRIMARY KEY (m, k)",
        lambda dice: (*_nocase(dice), dice.randrange(3)),
        'k: Annotated[str, Collate("NOCASE")]\n    m: int',
        'key=("m", "k"), without_rowid=True',
        "WITHOUT ROWID",
        recase=True,
    ),
    KeyKind("nullable-key", ("k",), "k TEXT PRIMARY KEY,", "", _nullable, "k: Annotated[str | None, Key]"),
    KeyKind("rowid", ("rowid",), "", "", _rowid, ""),
)


def _old_ddl(kind: KeyKind) -> tuple[str, ...]:
    body = f"{kind.ddl} code INTEGER UNIQUE, label TEXT NOT NULL, amount INTEGER, junk TEXT, mark TEXT NOT NULL"
    return (f"CREATE TABLE item({body}{kind.constraint}) {kind.options}",)


def _module(kind: KeyKind) -> str:
    """Renames the table and a column, computes one, adds one, drops one, and adds an index."""
    markers = "Check, Collate, From, Index, Key, Unique, Was, dropped, table"
    return f"""from typing import Annotated

from hotmig.schema import {markers}

database = "app"


@table("article", was="item", indexes=[Index("title")]{", " + kind.table if kind.table else ""})
class Article:
    {kind.fields or "pass"}
    code: Annotated[int | None, Unique]
    title: Annotated[str, Was("label")]
    amount: int | None
    doubled: Annotated[int | None, From("amount * 2")]
    mark: str
    state: Annotated[str, Check("state <> ''")] = "new"


dropped("item", "junk")
""".replace("    pass\n", "")


@dataclass(frozen=True)
class KeyedWrites:
    """Every way in which an application changes a keyed table. ``label`` and ``last`` are named as in that table."""

    kind: KeyKind
    table: str
    label: str
    last: str

    @property
    def names(self) -> str:
        return ", ".join(self.kind.columns)

    @property
    def by_key(self) -> str:
        return " AND ".join(f"{column} IS ?" for column in self.kind.columns)

    @property
    def into(self) -> str:
        places = ", ".join("?" * (len(self.kind.columns) + 5))
        columns = f"{self.names}, code, {self.label}, amount, {self.last}, mark"
        return f"INTO {self.table}({columns}) VALUES ({places})"

    def values(self, dice: Dice) -> tuple[Any, ...]:
        code, amount = dice.maybe(dice.randrange(KEYS)), dice.maybe(dice.randrange(-99, 99))
        return (*self.kind.make(dice), code, dice.word(), amount, dice.word(), dice.mark())

    def insert(self, verb: str, tail: str = "") -> Write:
        return lambda db, dice: void(db.execute(f"{verb} {self.into} {tail}", self.values(dice)))

    def change(self, verb: str, column: str, draw: Callable[[Dice], Any]) -> Write:
        def write(db: sqlite3.Connection, dice: Dice) -> None:
            if key := dice.some(db, self.table, self.names):
                assignment = f"UPDATE {verb} {self.table} SET {column} = ?, mark = ? WHERE {self.by_key}"
                db.execute(assignment, (draw(dice), dice.mark(), *key))

        return write

    def change_many(self, db: sqlite3.Connection, dice: Dice) -> None:
        assign = f"UPDATE {self.table} SET amount = amount + 1, mark = ? WHERE amount % 13 = 5"
        db.execute(assign, (dice.mark(),))

    def delete(self, db: sqlite3.Connection, dice: Dice) -> None:
        if key := dice.some(db, self.table, self.names):
            db.execute(f"DELETE FROM {self.table} WHERE {self.by_key}", key)

    def delete_some(self, db: sqlite3.Connection, dice: Dice) -> None:
        db.execute(f"DELETE FROM {self.table} WHERE amount % 17 = ?", (dice.randrange(17),))

    def exchange(self, db: sqlite3.Connection, dice: Dice) -> None:
        """Two rows swap their unique values, by way of NULL."""
        first, second = (dice.some(db, self.table, f"{self.names}, code") for _ in range(2))
        if first and second and first != second:
            assign = f"UPDATE {self.table} SET code = ?, mark = ? WHERE {self.by_key}"
            db.execute(assign, (None, dice.mark(), *first[:-1]))
            db.execute(assign, (first[-1], dice.mark(), *second[:-1]))
            db.execute(assign, (second[-1], dice.mark(), *first[:-1]))

    def hand_on(self, db: sqlite3.Connection, dice: Dice) -> None:
        """A unique value moves to a new row, whose key may be later or earlier."""
        if row := dice.some(db, self.table, f"{self.names}, code"):
            clear = f"UPDATE {self.table} SET code = NULL, mark = ? WHERE {self.by_key}"
            db.execute(clear, (dice.mark(), *row[:-1]))
            fresh = list(self.values(dice))
            fresh[len(self.kind.columns)] = row[-1]
            db.execute(f"INSERT OR IGNORE {self.into}", fresh)

    def wipe(self, db: sqlite3.Connection, dice: Dice) -> None:
        """Everything goes, and some of it comes back."""
        if dice.random() < 0.1:
            db.execute(f"DELETE FROM {self.table}")
            db.executemany(f"INSERT OR IGNORE {self.into}", [self.values(dice) for _ in range(60)])

    def recase(self, db: sqlite3.Connection, dice: Dice) -> None:
        """The key stays the same to SQLite, and its bytes change."""
        function = dice.choice(["upper", "lower"])
        assign = f"UPDATE {self.table} SET k = {function}(k), mark = ? WHERE amount % 3 = ?"
        db.execute(assign, (dice.mark(), dice.randrange(3)))

    def upserts(self) -> dict[str, Write]:
        assign = f"{self.label} = excluded.{self.label}, amount = excluded.amount, mark = excluded.mark"
        return {
            "upsert": self.insert("INSERT", f"ON CONFLICT({self.names}) DO UPDATE SET {assign}"),
            "upsert code": self.insert("INSERT", f"ON CONFLICT(code) DO UPDATE SET {assign}"),
            "upsert nothing": self.insert("INSERT", "ON CONFLICT DO NOTHING"),
        }

    def all(self) -> dict[str, Write]:
        code: Callable[[Dice], Any] = lambda dice: dice.randrange(KEYS)  # noqa: E731
        key: Callable[[Dice], Any] = lambda dice: self.kind.make(dice)[0]  # noqa: E731
        return {
            "insert": self.insert("INSERT"),
            "insert or ignore": self.insert("INSERT OR IGNORE"),
            "replace": self.insert("REPLACE"),
            "insert or replace": self.insert("INSERT OR REPLACE"),
            "update": self.change("", self.label, Dice.word),
            "update many": self.change_many,
            "update code": self.change("", "code", code),
            "update or replace code": self.change("OR REPLACE", "code", code),
            "update or ignore code": self.change("OR IGNORE", "code", code),
            "update key": self.change("", self.kind.columns[0], key),
            "update or replace key": self.change("OR REPLACE", self.kind.columns[0], key),
            "delete": self.delete,
            "delete some": self.delete_some,
            "exchange": self.exchange,
            "hand on": self.hand_on,
            "wipe": self.wipe,
            **self.upserts(),
            **({"recase": self.recase} if self.kind.recase else {}),
        }


def void(_result: object) -> None:
    """Lets a lambda that executes a statement be a Write."""


def _fill(kind: KeyKind) -> Callable[[sqlite3.Connection, Dice, int], None]:
    insert = KeyedWrites(kind, "item", "label", "junk").insert("INSERT OR IGNORE")

    def fill(db: sqlite3.Connection, dice: Dice, rows: int) -> None:
        for _ in range(rows):
            insert(db, dice)

    return fill


def _project(kind: KeyKind) -> Callable[[Old], dict[str, list[Row]]]:
    def project(old: Old) -> dict[str, list[Row]]:
        return {
            "article": [
                (
                    *pick(row, kind.columns),
                    *pick(row, ("code", "label", "amount")),
                    times(row["amount"], 2),
                    row["mark"],
                    cell("new"),
                )
                for row in old["item"]
            ]
        }

    return project


def _shape(kind: KeyKind) -> Shape:
    return Shape(
        name=kind.name,
        old_ddl=_old_ddl(kind),
        old_tables={"item": (*kind.columns, "code", "label", "amount", "junk", "mark")},
        new_tables={"article": (*kind.columns, "code", "title", "amount", "doubled", "mark", "state")},
        schema_module=_module(kind),
        fill=_fill(kind),
        writes=KeyedWrites(kind, "item", "label", "junk").all(),
        new_writes=KeyedWrites(kind, "article", "title", "state").all(),
        project=_project(kind),
        sequences={"item": "article"} if kind.name == "autoincrement" else {},
    )


SHAPES = tuple(map(_shape, KINDS))
