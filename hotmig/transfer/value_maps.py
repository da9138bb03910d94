"""The temporary tables of aliases, filled once for each connection that reads a projection."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable

from hotmig.planning.model import TableStep
from hotmig.planning.value_maps import ALIAS, CANONICAL, FOLD, mapped_columns, table_of
from hotmig.schema.model import looked_up
from hotmig.sqlite import execute, value

CACHE_KIB = 8 * 1024


def create_value_maps(db: sqlite3.Connection, steps: Iterable[TableStep]) -> None:
    """Creates and fills the tables, and the function that folds the case of what is not ASCII."""
    columns = list(mapped_columns(steps))
    if columns:
        # A hundred thousand aliases are looked up at random: with SQLite's own 2 MB they would be read again and again.
        execute(db, f"PRAGMA temp.cache_size = -{CACHE_KIB}")
        db.create_function(FOLD, 1, _fold(value(db, "PRAGMA encoding")), deterministic=True)
    for step, column in columns:
        table = table_of(step, column)
        execute(db, f"CREATE TEMP TABLE {table}({ALIAS} TEXT PRIMARY KEY, {CANONICAL} TEXT) WITHOUT ROWID")
        pairs = column.mapping.pairs if column.mapping is not None else ()
        # One parameter for all of them: 100,000 statements would take longer than what they are for.
        listed = json.dumps(dict(pairs), ensure_ascii=False)
        execute(db, f"INSERT INTO temp.{table} SELECT key, value FROM json_each(?)", (listed,))


def _fold(encoding: str) -> Callable[[bytes], str | None]:
    """Gets the bytes: text that is no text in this encoding can't be passed to Python, and has no alias."""
    codec = {"UTF-16le": "utf-16-le", "UTF-16be": "utf-16-be"}.get(encoding, "utf-8")

    def fold(raw: bytes) -> str | None:
        try:
            return looked_up(raw.decode(codec), fold_case=True)
        except UnicodeDecodeError:
            return None

    return fold
