"""What an expression over the columns of one table reads and needs: SQLite compiles it in memory and tells."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from hotmig.catalog.lexer import Token, tokens
from hotmig.catalog.model import Table
from hotmig.errors import HotmigError
from hotmig.sqlite import connect, execute, fold, quote

_MISSING = re.compile(r"no such (?P<kind>function|collation sequence): (?P<name>.*)", re.DOTALL)
_CLOCK_FUNCTIONS = frozenset({"date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff"})
_CLOCK_WORDS = frozenset({"now", "localtime", "utc"})


@dataclass(frozen=True)
class Compiled:
    """``reads`` are folded column names. ``error`` says why the expression is no function of one row."""

    reads: frozenset[str]
    functions: frozenset[str]
    collations: frozenset[str]
    error: str | None


def compiled(expression: str, table: Table) -> Compiled:
    """The expression as an index expression of ``table``, where SQLite refuses all that is not row-local.

    Functions and collations that SQLite doesn't have are named and stood in for.
    """
    return _compiled(expression, table.name, tuple(column.name for column in table.columns))


@lru_cache(maxsize=4096)
def _compiled(expression: str, table: str, columns: tuple[str, ...]) -> Compiled:
    functions: set[str] = set()
    collations: set[str] = set()
    error = _not_an_expression(expression, columns)
    if error is not None:
        return Compiled(frozenset(), frozenset(), frozenset(), error)
    db = connect(":memory:", "rwc")
    try:
        execute(db, f"CREATE TABLE {quote(table)} ({', '.join(map(quote, columns))})")
        # 'now' is refused when it is evaluated, so there must be a row.
        execute(db, f"INSERT INTO {quote(table)} DEFAULT VALUES")
        while True:
            reads, message = _try(db, expression, table)
            missing = _MISSING.fullmatch(message or "")
            if missing is None:
                return Compiled(reads, frozenset(functions), frozenset(collations), _plain(message))
            name = missing["name"]
            if missing["kind"] == "function":
                functions.add(fold(name))
                db.create_function(name, -1, _stand_in, deterministic=True)
            else:
                collations.add(name.upper())
                db.create_collation(name, _compare)
    finally:
        db.close()


def _try(db: sqlite3.Connection, expression: str, table: str) -> tuple[frozenset[str], str | None]:
    reads: set[str] = set()
    db.set_authorizer(_listener(table, reads))
    try:
        # The plus keeps a lone 'text' from being taken for a column's name.
        execute(db, f"CREATE INDEX {quote('i ' + table)} ON {quote(table)} ((+({expression}\n)))")
    except sqlite3.Error as error:
        return frozenset(reads), str(error)
    finally:
        db.set_authorizer(None)
    return frozenset(reads), None


def _listener(table: str, reads: set[str]) -> Callable[..., int]:
    def listen(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_READ and first == table and second:
            reads.add(fold(second))
        return sqlite3.SQLITE_OK

    return listen


def _not_an_expression(expression: str, columns: tuple[str, ...]) -> str | None:
    try:
        stream = tokens(expression)
    except HotmigError as error:
        return error.message
    known = {fold(column) for column in columns}
    padded = (*stream, None)
    for at, token in enumerate(stream):
        # SQLite takes an unknown "name" for a text: a constant in place of a column.
        if (
            _is_text_in_disguise(stream[at - 1] if at else None, token, padded[at + 1])
            and fold(token.value) not in known
        ):
            return f"no such column: {token.text}"
    return _reads_the_clock(stream)


def _is_text_in_disguise(before: Token | None, token: Token, after: Token | None) -> bool:
    if token.kind != "quoted" or not token.text.startswith('"') or (after is not None and after.text in ("(", ".")):
        return False
    return before is None or before.keyword not in ("COLLATE", "AS")


def _reads_the_clock(stream: tuple[Token, ...]) -> str | None:
    # SQLite sees 'now' only where it is evaluated: not in a branch that the one row in memory doesn't take.
    calls = {fold(token.value) for token, after in pairwise(stream) if after.text == "("}
    words = {fold(token.value) for token in stream if token.kind == "string"}
    if calls & _CLOCK_FUNCTIONS and words & _CLOCK_WORDS:
        return f"it depends on the clock or its zone: {', '.join(sorted(words & _CLOCK_WORDS))}"
    return None


def _plain(message: str | None) -> str | None:
    if message is None:
        return None
    return message.removesuffix(" in index expressions").removesuffix(" in an index")


def _stand_in(*_: object) -> None:
    return None


def _compare(left: str, right: str) -> int:
    return (left > right) - (left < right)
