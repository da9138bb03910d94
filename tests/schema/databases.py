"""Random databases of several tables that refer to one another, with views and triggers."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress

from hypothesis import strategies as st

from hotmig.sqlite import quote, text
from tests.catalog.strategies import ACTIONS, COLLATIONS, NAMES

_TABLES = (
    "orders",
    "order",
    "Customers",
    "class",
    "Key",
    "a b",
    "a-b",
    "a.b",
    "rowid",
    "_migration",
    "fence_orders",
    "None",
)
_COLUMNS = (
    "id",
    "Id",
    "OrderId",
    "order_id",
    "order",
    "class",
    "self",
    "table",
    "Key",
    "Column",
    "__init__",
    "__x",
    "_y",
    "int",
    "Annotated",
    "auto",
    "dt",
    "b",
    "B2",
    "from",
    "null",
    'q"q',
    "q'q",
    "q`q",
    "[q]",
    "x desc",
    "x",
    "1",
    "ﬁ",
    "名前",
)
_TYPES = (
    "INTEGER",
    "integer",
    "TEXT",
    "NVARCHAR(160)",
    "",
    "DATETIME",
    "BOOLEAN",
    "decimal(10, 2)",
    '"CHECK"',
    '"a-b"',
    "REAL",
)
_DEFAULTS = (
    "NULL",
    "0",
    "1",
    "-1.5",
    "'x'",
    "1e3",
    "x'0a22'",
    "TRUE",
    "CURRENT_DATE",
    "'a\"b'''",
    "(1 + 1)",
    "0x10",
    "9e999",
    "word",
)


def _long(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(["long name " * 14, "é" * 130, "x" * 200, "tab\tnewline\n\\"]))


@st.composite
def databases(draw: st.DrawFn) -> list[str]:
    """The DDL of one database."""
    names = draw(st.lists(st.sampled_from(_TABLES) | NAMES, min_size=1, max_size=4, unique_by=str.lower))
    tables = [(name, draw(_columns())) for name in names]
    made = [_table(draw, name, columns, tables) for name, columns in tables]
    for number, (name, columns) in enumerate(tables):
        if draw(st.booleans()):
            made.append(_index(draw, f"ix {number}", name, columns))
        if draw(st.booleans()):
            made.append(_view(draw, f"View {number}", name, columns))
        if draw(st.booleans()):
            made.append(_trigger(draw, f"trigger_{number}", name, columns))
    return _accepted(made)


def _accepted(statements: Sequence[str]) -> list[str]:
    """Those that SQLite takes: a reference of two columns to one, or a default that is a name, is refused."""
    db, accepted = sqlite3.connect(":memory:"), []
    for statement in statements:
        with suppress(sqlite3.Error):
            db.execute(statement)
            accepted.append(statement)
    db.close()
    return accepted


@st.composite
def _columns(draw: st.DrawFn) -> list[str]:
    names = draw(st.lists(st.sampled_from(_COLUMNS) | NAMES, min_size=1, max_size=6, unique_by=str.lower))
    return [_long(draw) if draw(st.integers(0, 25)) == 0 else name for name in names[:1]] + names[1:]


def _table(draw: st.DrawFn, name: str, columns: Sequence[str], tables: Sequence[tuple[str, Sequence[str]]]) -> str:
    key = draw(st.sampled_from(["", "inline", "inline", "listed"]))
    without_rowid = key != "" and draw(st.integers(0, 4)) == 0
    entries = []
    for number, column in enumerate(columns):
        parts = [quote(column), draw(st.sampled_from(_TYPES))]
        if key == "inline" and number == 0:
            parts.append("PRIMARY KEY")
        parts.append(draw(st.sampled_from(["", "NOT NULL", "NOT NULL ON CONFLICT IGNORE"])))
        parts.append(draw(st.sampled_from(["", "", "UNIQUE", "UNIQUE ON CONFLICT REPLACE"])))
        if draw(st.booleans()):
            parts.append(f"DEFAULT {draw(st.sampled_from(_DEFAULTS))}")
        if draw(st.integers(0, 3)) == 0:
            parts.append(f"COLLATE {draw(st.sampled_from(COLLATIONS))}")
        if draw(st.integers(0, 2)) == 0:
            parts.append(_references(draw, tables, 1))
        entries.append(" ".join(part for part in parts if part))
    if key == "listed":
        chosen = draw(st.lists(st.sampled_from(columns), min_size=1, max_size=3, unique=True))
        entries.append(
            f"PRIMARY KEY ({', '.join(quote(each) + draw(st.sampled_from(['', ' DESC'])) for each in chosen)})"
        )
    if draw(st.booleans()):
        entries.append(f"CHECK ({_expression(draw, columns)})")
    if draw(st.booleans()) and len(columns) > 1:
        chosen = draw(st.permutations(columns))[:2]
        listed = ", ".join(map(quote, chosen))
        entries.append(f"FOREIGN KEY ({listed}) {_references(draw, tables, 2)}")
    return f"CREATE TABLE {quote(name)}({', '.join(entries)})" + (" WITHOUT ROWID" if without_rowid else "")


def _references(draw: st.DrawFn, tables: Sequence[tuple[str, Sequence[str]]], count: int) -> str:
    parent, columns = draw(st.sampled_from([*tables, ("Missing", ["id", "x"]), ("Order", ["id"])]))
    there = ""
    if draw(st.booleans()) and len(columns) >= count:
        there = f"({', '.join(map(quote, draw(st.permutations(columns))[:count]))})"
    action = draw(st.sampled_from(["", *(f"ON DELETE {action}" for action in ACTIONS)]))
    return f"REFERENCES {quote(parent)}{there} {action} {draw(st.sampled_from(['', 'DEFERRABLE INITIALLY DEFERRED']))}"


def _expression(draw: st.DrawFn, columns: Sequence[str]) -> str:
    column = quote(draw(st.sampled_from(columns)))
    short = [
        f"{column} > 0",
        f'{column} <> "no such column"',
        f"{column}\n  IN ('a', \"b\")",
        f"CAST({column} AS TEXT) <> ''",
    ]
    long = [" AND ".join([f"{column} <> 'a long text, to be broken'"] * 5), f"{column} <> {text('z' * 300)}"]
    return draw(st.sampled_from(short * 2 + long))


def _index(draw: st.DrawFn, name: str, table: str, columns: Sequence[str]) -> str:
    first = quote(draw(st.sampled_from(columns)))
    term = draw(
        st.sampled_from(
            [
                first,
                f"{first} DESC",
                f"{first} COLLATE NOCASE",
                f"+{first}",
                f"lower({first})",
                f"({first} || 'x') DESC",
            ]
        )
    )
    where = draw(st.sampled_from(["", f" WHERE {_expression(draw, columns)}"]))
    return f"CREATE {draw(st.sampled_from(['', 'UNIQUE ']))}INDEX {quote(name)} ON {quote(table)}({term}){where}"


def _view(draw: st.DrawFn, name: str, table: str, columns: Sequence[str]) -> str:
    listed = ", ".join(map(quote, columns))
    select = draw(
        st.sampled_from(
            [
                f"SELECT {listed} FROM {quote(table)}",
                f'SELECT *\r\n\tFROM {quote(table)}  \n  -- a comment \\ """\n WHERE 1',
                'SELECT "not a column" FROM (SELECT 1)',
                "SELECT x FROM gone",
                f"SELECT {', '.join([text('long ' * 20)] * 4)}",
            ]
        )
    )
    head = draw(st.sampled_from([quote(name), f"{quote(name)} /* why */"]))
    return f"CREATE VIEW {head} AS {select}"


def _trigger(draw: st.DrawFn, name: str, table: str, columns: Sequence[str]) -> str:
    column = quote(columns[0])
    body = draw(
        st.sampled_from(
            [
                "SELECT 1;",
                "DELETE FROM gone;",
                f"UPDATE {quote(table)} SET {column} = NEW.{column}\n   WHERE {column} IS NULL;",
                'SELECT """", \'x \n y\';',
            ]
        )
    )
    return f"CREATE TRIGGER {quote(name)} AFTER UPDATE ON {quote(table)} BEGIN {body} END"
