"""hotmig's own tables in the new database: made with it, and what they remember of the schema it came from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from hotmig.catalog.model import Catalog
from hotmig.catalog.serial import dump, parse
from hotmig.planning.model import CopyPlan, Hint
from hotmig.sqlite import execute, value
from hotmig.transfer.identity import Identity, has_table

STATUS_TABLE = "CREATE TABLE _migration_status(id INTEGER PRIMARY KEY CHECK (id = 0), status TEXT NOT NULL)"


def width(plan: CopyPlan) -> int:
    """How many columns the widest key on either side has."""
    widths = [len(step.new_key) for step in plan.steps]
    widths += [len(step.source_key.columns) for step in plan.steps if step.source_key]
    return max(widths, default=1)


def columns(prefix: str, count: int) -> tuple[str, ...]:
    """``old_id, old_id_2, …``: the names of a key's columns in our tables."""
    return tuple(prefix if number == 1 else f"{prefix}_{number}" for number in range(1, count + 1))


def create_bookkeeping(
    db: sqlite3.Connection,
    plan: CopyPlan,
    identity: Identity,
    hints: Iterable[Hint],
    catalog_digest: str,
    migration: str,
    expected: Mapping[str, int],
) -> None:
    """Creates and fills hotmig's own tables, inside the caller's transaction.

    ``migration`` names the migration, ``expected`` are the rows to be copied into each table, where they were counted.
    """
    positions = ", ".join(f"position_{number}" for number in range(1, width(plan) + 1))
    for sql in (
        STATUS_TABLE,
        "CREATE TABLE _migration_progress(id INTEGER PRIMARY KEY CHECK (id = 0),"
        " last_replayed_log_id INTEGER NOT NULL, drain_completed INTEGER NOT NULL, fence_from REAL, resting TEXT)",
        "CREATE TABLE _migration_copy(table_name TEXT PRIMARY KEY, state TEXT NOT NULL, rows INTEGER NOT NULL,"
        f" expected INTEGER, placed INTEGER NOT NULL, {positions})",
        *identity_tables(),
        "INSERT INTO _migration_status VALUES (0, 'migrating')",
        "INSERT INTO _migration_progress VALUES (0, 0, 0, NULL, NULL)",
    ):
        execute(db, sql)
    create_id_mapping(db, plan)
    for step in plan.steps:
        execute(
            db,
            "INSERT INTO _migration_copy(table_name, state, rows, expected, placed) VALUES (?, 'waiting', 0, ?, 0)",
            (step.table.name, 0 if step.source is None else expected.get(step.table.name)),
        )
    write_identity(db, identity, hints, catalog_digest)
    execute(db, "INSERT INTO _schema_hint VALUES ('source', '', '', ?)", (dump(plan.old),))
    execute(db, "INSERT INTO _schema_hint VALUES ('migration', '', '', ?)", (migration,))


def create_id_mapping(db: sqlite3.Connection, plan: CopyPlan) -> None:
    """The new key of each old row that does not keep its own; the table may be there already, handed on by a plan."""
    wide = width(plan)
    old, new = columns("old_id", wide), columns("new_id", wide)
    # A key narrower than the widest one leaves the rest of its primary key columns at '': NULL is not allowed there.
    old_columns = ", ".join(f"{name} NOT NULL DEFAULT ''" for name in old)
    execute(
        db,
        f"CREATE TABLE IF NOT EXISTS main._id_mapping(table_name TEXT NOT NULL, {old_columns}, {', '.join(new)},"
        f" PRIMARY KEY (table_name, {', '.join(old)})) WITHOUT ROWID",
    )


def identity_tables() -> tuple[str, ...]:
    """The tables that stay in every database that hotmig made."""
    return (
        "CREATE TABLE _schema_identity(id INTEGER PRIMARY KEY CHECK (id = 0), schema_hash TEXT NOT NULL,"
        " schema_commit TEXT, parent TEXT, created_utc TEXT NOT NULL)",
        "CREATE TABLE _schema_hint(kind TEXT NOT NULL, table_name TEXT NOT NULL, column_name TEXT NOT NULL,"
        " hint TEXT NOT NULL, PRIMARY KEY (kind, table_name, column_name, hint)) WITHOUT ROWID",
    )


def write_identity(db: sqlite3.Connection, identity: Identity, hints: Iterable[Hint], catalog_digest: str) -> None:
    """Writes who this database is, which hints made it, and the digest of its catalog."""
    execute(db, "INSERT INTO _schema_hint VALUES ('catalog', '', '', ?)", (catalog_digest,))
    execute(
        db,
        "INSERT INTO _schema_identity VALUES (0, ?, ?, ?, ?)",
        (identity.schema_hash, identity.schema_commit, identity.parent, identity.created_utc),
    )
    for hint in sorted(hints, key=lambda hint: (hint.kind, hint.table, hint.column, hint.text)):
        execute(db, "INSERT INTO _schema_hint VALUES (?, ?, ?, ?)", (hint.kind, hint.table, hint.column, hint.text))


def read_source(db: sqlite3.Connection) -> Catalog | None:
    """The old database's catalog as it was when the migration began; None once it is over."""
    dumped = value(db, "SELECT hint FROM _schema_hint WHERE kind = 'source'")
    return None if dumped is None else parse(dumped)


def read_migration(db: sqlite3.Connection) -> str | None:
    """Which migration the database was begun by, as its marker names it; None once that is over."""
    found: str | None = value(db, "SELECT hint FROM _schema_hint WHERE kind = 'migration'")
    return found


def forget_source(db: sqlite3.Connection) -> None:
    """Inside the transaction that makes the database ready: what it came from is of no more use."""
    execute(db, "DELETE FROM _schema_hint WHERE kind IN ('source', 'migration')")


def read_hints(db: sqlite3.Connection, schema: str = "main") -> frozenset[Hint]:
    """The hints that made this database: none of them is applied again."""
    if not has_table(db, "_schema_hint", schema):
        return frozenset()
    sql = f"SELECT kind, table_name, column_name, hint FROM {schema}._schema_hint WHERE kind IN ('from', 'was')"
    rows = execute(db, sql)
    return frozenset(Hint(*row) for row in rows)


def built_catalog(db: sqlite3.Connection, schema: str = "main") -> str | None:
    """The digest of the catalog that this database was built with: another one now means that it drifted."""
    if not has_table(db, "_schema_hint", schema):
        return None
    found: str | None = value(db, f"SELECT hint FROM {schema}._schema_hint WHERE kind = 'catalog'")
    return found
