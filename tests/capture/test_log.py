"""The log's shape, and reading it."""

from __future__ import annotations

import sqlite3

import pytest

from hotmig.capture.log import create_log, guard_log, last_log_id, log_columns, log_width
from tests.capture.keys import recorded_tables


def test_the_log_has_as_many_key_columns_as_the_widest_key() -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE a(id INTEGER PRIMARY KEY)")
    db.execute("CREATE TABLE b(x, y, z, PRIMARY KEY (x, y, z)) WITHOUT ROWID")
    assert log_width(recorded_tables(db)) == 3
    assert log_width(()) == 1
    assert log_columns(3) == ("key_1", "key_2", "key_3")


def test_keys_keep_their_type() -> None:
    db = sqlite3.connect(":memory:")
    db.execute(create_log(1))
    for value in ("1", 1, 1.0, b"1", None):
        db.execute("INSERT INTO _migration_log(operation, table_name, key_1) VALUES ('insert', 't', ?)", (value,))
    found = [value for (value,) in db.execute("SELECT key_1 FROM _migration_log ORDER BY id")]
    assert [(type(value), value) for value in found] == [
        (str, "1"),
        (int, 1),
        (float, 1.0),
        (bytes, b"1"),
        (type(None), None),
    ]
    assert last_log_id(db) == 5


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM _migration_log",
        "UPDATE _migration_log SET key_1 = 2",
        "REPLACE INTO _migration_log VALUES (1, '', '', 2)",
    ],
)
def test_the_log_only_grows(sql: str) -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("PRAGMA recursive_triggers = ON")
    for statement in (create_log(1), *guard_log()):
        db.execute(statement)
    db.execute("INSERT INTO _migration_log VALUES (1, 'insert', 't', 1)")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(sql)
    assert db.execute("SELECT * FROM _migration_log").fetchall() == [(1, "insert", "t", 1)]


def test_an_empty_log_ends_at_0() -> None:
    db = sqlite3.connect(":memory:")
    db.execute("ATTACH ':memory:' AS old")
    db.execute(create_log(1).replace("TABLE ", "TABLE old.", 1))
    assert last_log_id(db, "old") == 0
