"""Full-text indexes that hold no text of their own."""

from __future__ import annotations

from hotmig.catalog.lexer import tokens
from hotmig.catalog.model import VirtualTable
from hotmig.errors import HotmigError
from hotmig.sqlite import fold


def external_content(table: VirtualTable) -> str | None:
    """The table that an FTS5 index reads its texts from, None when it holds them itself or holds none."""
    if fold(table.module) != "fts5":
        return None
    try:
        stream = tokens(table.sql)
    except HotmigError:
        return None
    for option, equals, value in zip(stream, stream[1:], stream[2:], strict=False):
        if fold(option.value) == "content" and equals.text == "=" and value.is_name:
            return value.value or None
    return None
