from __future__ import annotations

import sqlite3

import pytest

from hotmig.catalog.keys import can_be_null
from hotmig.catalog.model import Table
from hotmig.catalog.read import read_catalog
from hotmig.planning.keys import row_key
from tests.planning.planned import old_database


def table(script: str) -> Table:
    return read_catalog(old_database(script)).tables[0]


@pytest.mark.parametrize(
    ("script", "kind", "columns"),
    [
        ("CREATE TABLE t(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE)", "integer", ("id",)),
        ("CREATE TABLE t(code TEXT NOT NULL PRIMARY KEY)", "primary", ("code",)),
        ("CREATE TABLE t(code TEXT PRIMARY KEY)", "rowid", ("rowid",)),
        ("CREATE TABLE t(code TEXT PRIMARY KEY, x) WITHOUT ROWID", "primary", ("code",)),
        ("CREATE TABLE t(code TEXT PRIMARY KEY) STRICT", "primary", ("code",)),
        ("CREATE TABLE t(a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (b, a))", "primary", ("b", "a")),
        ("CREATE TABLE t(a INT NOT NULL, b INT, PRIMARY KEY (b, a))", "rowid", ("rowid",)),
        ("CREATE TABLE t(id INTEGER PRIMARY KEY DESC)", "rowid", ("rowid",)),
        ("CREATE TABLE t(a TEXT UNIQUE, b TEXT NOT NULL UNIQUE)", "unique", ("b",)),
        ("CREATE TABLE t(a NOT NULL, b NOT NULL, c NOT NULL, UNIQUE (a, b), UNIQUE (c))", "unique", ("c",)),
        ("CREATE TABLE t(z NOT NULL UNIQUE, a NOT NULL UNIQUE)", "unique", ("a",)),
        ("CREATE TABLE t(a NOT NULL); CREATE UNIQUE INDEX i ON t(a)", "unique", ("a",)),
        ("CREATE TABLE t(a NOT NULL); CREATE UNIQUE INDEX i ON t(a) WHERE a > 1", "rowid", ("rowid",)),
        ("CREATE TABLE t(a NOT NULL); CREATE UNIQUE INDEX i ON t(lower(a))", "rowid", ("rowid",)),
        ("CREATE TABLE t(a, b NOT NULL AS (a) UNIQUE)", "rowid", ("rowid",)),
        ("CREATE TABLE t(rowid, x)", "rowid", ("_rowid_",)),
        ("CREATE TABLE t(rowid, _rowid_)", "rowid", ("oid",)),
    ],
)
def test_the_key_by_which_a_row_is_found_again(script: str, kind: str, columns: tuple[str, ...]) -> None:
    key = row_key(table(script))
    assert key is not None
    assert (key.kind, key.columns) == (kind, columns)


def test_a_table_whose_columns_hide_the_rowid_has_no_key() -> None:
    assert row_key(table("CREATE TABLE t(rowid, oid, _rowid_)")) is None


def test_the_key_compares_as_its_index_does() -> None:
    key = row_key(table("CREATE TABLE t(a TEXT NOT NULL COLLATE RTRIM); CREATE UNIQUE INDEX i ON t(a COLLATE NOCASE)"))
    assert key is not None
    assert key.collations == ("NOCASE",)


@pytest.mark.parametrize(
    ("script", "column", "can"),
    [
        ("CREATE TABLE t(a TEXT)", "a", True),
        ("CREATE TABLE t(a TEXT NOT NULL)", "A", False),
        ("CREATE TABLE t(a TEXT PRIMARY KEY)", "A", True),
        ("CREATE TABLE t(a INTEGER PRIMARY KEY)", "A", False),
        ("CREATE TABLE t(a INTEGER PRIMARY KEY DESC)", "a", True),
        ("CREATE TABLE t(a TEXT PRIMARY KEY, b TEXT) WITHOUT ROWID", "A", False),
        ("CREATE TABLE t(a TEXT PRIMARY KEY, b TEXT) WITHOUT ROWID", "b", True),
        ("CREATE TABLE t(a TEXT PRIMARY KEY, b TEXT) STRICT", "a", False),
        ("CREATE TABLE t(a TEXT PRIMARY KEY, b TEXT) STRICT", "b", True),
        ("CREATE TABLE t(a TEXT, b TEXT) STRICT", "a", True),
    ],
)
def test_where_null_can_stand(script: str, column: str, can: bool) -> None:
    assert can_be_null(table(script), column) == keeps_null(script, column) == can


def keeps_null(script: str, column: str) -> bool:
    """Whether SQLite takes a NULL for the column, and keeps it."""
    db = old_database(script)
    names = [name for (name,) in db.execute("SELECT name FROM pragma_table_info('t')")]
    try:
        db.execute(f"INSERT INTO t VALUES ({', '.join('NULL' if name == column.lower() else '1' for name in names)})")
    except sqlite3.IntegrityError:
        return False
    return bool(db.execute(f"SELECT {column} IS NULL FROM t").fetchone() == (1,))
