"""Whether a ``From`` is row-local: a function of the old row alone."""

from __future__ import annotations

import re
import sqlite3

from hotmig.catalog.lexer import Token, tokens
from hotmig.schema.places import Spot, wrong
from hotmig.schema.terms import fragment, never_text
from hotmig.sqlite import execute, fold, quote

_NO_COLUMN = re.compile(r"no such column: (.*)", re.DOTALL)
_NO_EXPRESSION = re.compile("syntax error|incomplete input|row value misused|wrong number of arguments")
_DATE_FUNCTIONS = frozenset({"date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff"})
_MOMENTS = frozenset({"now", "localtime", "utc"})
# SQLite finds date('now') only when it evaluates it, so several rows try to get there.
_ROWS: tuple[object, ...] = (None, 0, 1, -1.5, "", "a", "2024-05-01", b"a")


def check_row_local(db: sqlite3.Connection, source: str, spot: Spot, told: str | None = None) -> None:
    """Has SQLite compile the expression as an index over a scratch table; raises SchemaError if it refuses.

    ``told`` is how the message calls it; a ``From`` without.

    An index expression can't hold subqueries, aggregates, parameters, ``random()`` or the time.
    """
    told = told or f"From({source!r})"
    text = fragment(source, spot)
    if _asks_for_now(tokens(text)):
        raise _refused(told, "it depends on the time at which it runs", spot)
    expression = never_text(text)
    columns: list[str] = []
    while (error := _compile(db, expression, columns)) is not None:
        missing = _NO_COLUMN.fullmatch(error)
        if missing is None or missing[1] in columns:
            raise _refused(told, error, spot)
        columns.append(missing[1])


def _compile(db: sqlite3.Connection, expression: str, columns: list[str]) -> str | None:
    """What SQLite says against the expression as an index over these columns, None for nothing."""
    execute(db, "SAVEPOINT row_local")
    try:
        # The first column makes a table of none; no expression names it by chance.
        listed = ", ".join(quote(column) for column in ["hotmig \x01", *columns])
        execute(db, f"CREATE TABLE row_local({listed})")
        execute(db, f"CREATE INDEX row_local_index ON row_local(({expression}))")
        return _evaluate(db, len(columns) + 1)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        return str(error)
    finally:
        execute(db, "ROLLBACK TO row_local")
        execute(db, "RELEASE row_local")


def _evaluate(db: sqlite3.Connection, width: int) -> str | None:
    for value in _ROWS:
        try:
            execute(db, f"INSERT INTO row_local VALUES({', '.join('?' * width)})", [value] * width)
        except sqlite3.Error as error:
            # Another error is about this value, such as malformed JSON.
            if "non-deterministic" in str(error):
                return str(error)
    return None


def _asks_for_now(stream: tuple[Token, ...]) -> bool:
    """A date function of 'now' that no row of ours may reach, such as one inside a CASE."""
    for at, token in enumerate(stream[:-1]):
        if token.kind in ("word", "quoted") and fold(token.value) in _DATE_FUNCTIONS and stream[at + 1].text == "(":
            depth = 0
            for inner in stream[at + 1 :]:
                depth += {"(": 1, ")": -1}.get(inner.text, 0)
                if inner.kind == "string" and fold(inner.value) in _MOMENTS:
                    return True
                if depth == 0:
                    break
    return False


def _refused(told: str, error: str, spot: Spot) -> Exception:
    if 'the "." operator' in error or re.search(r"no such column: .*\.", error):
        return wrong(spot, f"{told}: a column stands in it with its table", "write the bare column name")
    if "no such function" in error:
        return wrong(spot, f"{told}: {error}", "use a function of SQLite, or load its extension")
    if _NO_EXPRESSION.search(error):
        return wrong(spot, f"{told} is no SQL expression", f"correct it; SQLite says: {error}")
    return wrong(
        spot,
        f"{told} is not row-local: {error}",
        "a new row is a function of one old row: use its columns, constants and deterministic functions only",
    )
