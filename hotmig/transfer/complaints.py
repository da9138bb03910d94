"""What SQLite's messages about constraints are about: it spells each kind by a fixed rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hotmig.catalog.lexer import tokens
from hotmig.catalog.model import Index, IndexedColumn, Table
from hotmig.errors import HotmigError
from hotmig.planning.rows import reads
from hotmig.sqlite import fold, text


def columns_of(table: Table, message: str) -> tuple[str, ...]:
    """The stored columns that decide about a failed constraint; () where its message is not the expected one."""
    for key in (table.primary_key, *table.uniques):
        if key is not None and message == _unique(table, key.columns):
            return _read_by(table, key.columns)
    for index in table.indexes:
        if failed(table, index, message):
            return _read_by(table, index.columns)
    for column in table.columns:
        name = f"{table.name}.{column.name}"
        strict = message.startswith("cannot store ") and message.endswith(f" column {name}")
        if strict or message == f"NOT NULL constraint failed: {name}":
            return _stored(table, [column.name])
    what = message.removeprefix("CHECK constraint failed: ")
    for check in table.checks:
        # The catalog leaves comments out of the expression, SQLite's message does not.
        if what == check.name or _words(what) == _words(check.expression):
            return _stored(table, reads(check.expression, table))
    return ()


def failed(table: Table, index: Index, message: str) -> bool:
    """Whether SQLite's message is about this very index."""
    if not index.unique:
        return False
    if any(part.name is None for part in index.columns):
        return message == f"UNIQUE constraint failed: index {text(index.name)}"
    return message == _unique(table, index.columns)


def _unique(table: Table, parts: Sequence[IndexedColumn]) -> str:
    columns = [table.column(part.name or "") for part in parts]
    return f"UNIQUE constraint failed: {', '.join(f'{table.name}.{column.name}' for column in columns if column)}"


def _read_by(table: Table, parts: Sequence[IndexedColumn]) -> tuple[str, ...]:
    """The columns behind the parts of a key or an index. What the condition of a partial one reads is no part of it."""
    names = [part.name for part in parts if part.name is not None]
    return _stored(
        table, {*names, *(name for part in parts if part.expression for name in reads(part.expression, table))}
    )


def _stored(table: Table, names: Iterable[str]) -> tuple[str, ...]:
    """In the order of the table; what a generated column reads stands for it."""
    wanted: set[str] = {fold(name) for name in names}
    found: set[str] = set()
    while wanted - found:
        found |= wanted
        for column in table.columns:
            if fold(column.name) in wanted and column.generated is not None:
                wanted |= reads(column.generated, table)
    return tuple(column.name for column in table.stored_columns if fold(column.name) in found)


def _words(sql: str) -> list[str]:
    try:
        return [token.text for token in tokens(sql)]
    except HotmigError:
        return [sql]
