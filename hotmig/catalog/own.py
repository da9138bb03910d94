"""hotmig's own tables and triggers, told from an application's. Cheap to import: `status` needs it."""

from __future__ import annotations

import re
import sqlite3

from hotmig.sqlite import execute, fold, quote

# With columns that each has: an application's own table may have the name by chance.
OWN_TABLES: dict[str, tuple[str, ...]] = {
    "_migration_marker": ("id", "format", "status", "target"),
    "_migration_log": ("id", "operation", "table_name"),
    "_migration_retired": ("successor", "retired_utc"),
    "_migration_status": ("id", "status"),
    "_migration_progress": ("id", "last_replayed_log_id", "drain_completed"),
    "_migration_copy": ("table_name", "state", "rows"),
    "_id_mapping": ("table_name", "old_id"),
    "_schema_identity": ("id", "schema_hash", "schema_commit"),
    "_schema_hint": ("kind", "table_name", "column_name", "hint"),
    "_data_migration": ("name", "applied_utc", "skipped_utc", "reason"),
    "_migration_constant": ("expression", "value"),
    "_migration_grouped": ("number", "state"),
}
# One for each table whose rows become one, by the number of its step; of pending, one for every table.
_WORK_TABLE = re.compile(r"_migration_(member|fate|created|lent|pending)_[0-9]+")
_OWN_TRIGGER = re.compile(r"_migration_(capture|fence|guard)_[0-9]+_[a-z_]+")


def is_own(name: str) -> bool:
    """Whether the name of a table or trigger is kept for hotmig's bookkeeping."""
    return is_own_table(name) or is_own_trigger(name)


def is_own_table(name: str) -> bool:
    """Whether hotmig gives that name to a table."""
    return fold(name) in OWN_TABLES or is_work_table(name)


def is_work_table(name: str) -> bool:
    """Whether hotmig gives that name to one of several tables that only a migration needs."""
    return _WORK_TABLE.fullmatch(fold(name)) is not None


def _columns_of(name: str) -> tuple[str, ...]:
    found = _WORK_TABLE.fullmatch(fold(name))
    if found is None:
        return OWN_TABLES[fold(name)]
    return ("_migration_group_1",) if found[1] == "created" else ("_migration_key_1",)


def is_own_trigger(name: str) -> bool:
    """Whether hotmig gives that name to a trigger of its own."""
    return _OWN_TRIGGER.fullmatch(fold(name)) is not None


def has_own_table(db: sqlite3.Connection, name: str, schema: str = "main") -> bool:
    """Whether that table of hotmig's is there, and no other under its name."""
    wanted = _columns_of(name)
    sql = f"""SELECT info.name FROM {quote(schema)}.sqlite_schema AS entry, pragma_table_info(entry.name, ?) AS info
        WHERE entry.type = 'table' AND entry.name = ? COLLATE NOCASE"""
    return wanted != () and set(wanted) <= {row[0] for row in execute(db, sql, (schema, name))}
