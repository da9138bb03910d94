"""What the keys and indexes of a table read."""

from __future__ import annotations

import pytest

from hotmig.catalog.read import read_catalog
from hotmig.planning.rows import indexed_columns
from tests.planning.planned import old_database


@pytest.mark.parametrize(
    ("ddl", "known"),
    [
        ("CREATE TABLE t(a, b, c, d, PRIMARY KEY (a, b))", {"a", "b"}),
        ("CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE, C, d)", {"a", "b"}),
        ("CREATE TABLE t(a, b, c, d, UNIQUE (D, c))", {"c", "d"}),
        ("CREATE TABLE t(a, b, c, d)", set()),
        ("CREATE TABLE t(a, b, c, d); CREATE INDEX i ON t(a, b + C) WHERE d > 0", {"a", "b", "c", "d"}),
        ("CREATE TABLE t(a, b, c AS (a + 1), d)", None),
    ],
)
def test_what_keys_and_indexes_know(ddl: str, known: set[str] | None) -> None:
    (table,) = read_catalog(old_database(ddl)).tables
    assert indexed_columns(table) == known
