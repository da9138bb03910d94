"""What a schema module imports: ``from hotmig.schema import table, Key, auto, …``.

Applications import their schema module too, so nothing that reads or compiles schemas is imported from here.
"""

from __future__ import annotations

from hotmig.schema.declare import adopt_marks, auto, data_migration, dropped, seed, sql, table, trigger, view
from hotmig.schema.json_mapping import from_json
from hotmig.schema.markers import (
    Check,
    Collate,
    Column,
    ColumnType,
    Default,
    ForeignKey,
    From,
    Generated,
    Index,
    Key,
    Mapped,
    NotNull,
    References,
    Unique,
    Was,
)
from hotmig.schema.rules import Duplicates, Merge

__all__ = [
    "Check",
    "Collate",
    "Column",
    "ColumnType",
    "Default",
    "Duplicates",
    "ForeignKey",
    "From",
    "Generated",
    "Index",
    "Key",
    "Mapped",
    "Merge",
    "NotNull",
    "References",
    "Unique",
    "Was",
    "adopt_marks",
    "auto",
    "data_migration",
    "dropped",
    "from_json",
    "seed",
    "sql",
    "table",
    "trigger",
    "view",
]
