"""Texts in double quotes: SQLite takes ``"x"`` for the text 'x' where a table has no column x."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.catalog.lexer import Token, tokens
from hotmig.catalog.model import ROWID_NAMES, Table
from hotmig.sqlite import fold, text


def row_names(table: Table, *, rowid: bool) -> tuple[str, ...]:
    """What an expression of the table can name: its columns, and in CHECK and WHERE also the names of the ``rowid``."""
    hidden = () if table.without_rowid or not rowid else ROWID_NAMES
    return (*(column.name for column in table.columns), *(name for name in hidden if table.column(name) is None))


def corrected(sql: str, names: Iterable[str]) -> str:
    """The same expression with each such text in single quotes; ``names`` are all that can be named in it."""
    known = {fold(name) for name in names}
    stream = tokens(sql)
    parts, at = [], 0
    for before, token, after in zip((None, *stream), stream, (*stream[1:], None), strict=False):
        if token.text[0] == '"' and fold(token.value) not in known and not _names_something_else(before, after):
            parts += [sql[at : token.start], text(token.value)]
            at = token.end
    return "".join(parts) + sql[at:]


def _names_something_else(before: Token | None, after: Token | None) -> bool:
    """Whether it is a table, a function, a collation or the type of a CAST."""
    if after is not None and after.text in (".", "("):
        return True
    return before is not None and (before.text == "." or before.keyword in ("COLLATE", "AS"))
