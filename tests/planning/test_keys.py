from __future__ import annotations

import pytest

from hotmig.catalog.model import Table
from hotmig.catalog.read import read_catalog
from hotmig.planning.keys import can_be_null, row_key
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


def test_a_primary_key_of_a_rowid_table_accepts_null() -> None:
    assert can_be_null(table("CREATE TABLE t(a TEXT PRIMARY KEY)"), "A")
    assert not can_be_null(table("CREATE TABLE t(a TEXT PRIMARY KEY) WITHOUT ROWID"), "a")
    assert not can_be_null(table("CREATE TABLE t(a INTEGER PRIMARY KEY)"), "a")
