from __future__ import annotations

import sqlite3

import pytest

from hotmig.catalog.fingerprint import equal
from hotmig.catalog.misquoted import corrected, row_names
from hotmig.catalog.model import Column, Table
from hotmig.catalog.read import read_catalog


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ('a = "x"', "a = 'x'"),
        ('"A" = "it\'s"', "\"A\" = 'it''s'"),
        ('"say ""so""" <> a', "'say \"so\"' <> a"),
        ('"t"."a" > 0', '"t"."a" > 0'),
        ('"abs"(a) > 0', '"abs"(a) > 0'),
        ('a COLLATE "NOCASE" = `x`', 'a COLLATE "NOCASE" = `x`'),
        ('CAST(a AS "TEXT") = [x]', 'CAST(a AS "TEXT") = [x]'),
    ],
)
def test_only_what_sqlite_takes_for_a_text_is_corrected(sql: str, said: str) -> None:
    assert corrected(sql, ["a"]) == said


def test_the_rowid_can_be_named_where_there_is_one() -> None:
    table = Table("t", (Column("a"), Column("OID")))
    assert row_names(table, rowid=True) == ("a", "OID", "rowid", "_rowid_")
    assert row_names(table, rowid=False) == ("a", "OID")
    assert row_names(Table("t", (Column("a"),), without_rowid=True), rowid=True) == ("a",)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("CREATE TABLE t(a CHECK (a <> \"x\"))", "CREATE TABLE t(a CHECK (a <> 'x'))", True),
        ("CREATE TABLE t(a, b AS (a || \"x\"))", "CREATE TABLE t(a, b AS (a || 'x'))", True),
        ("CREATE TABLE t(a CHECK (a <> \"a\"))", "CREATE TABLE t(a CHECK (a <> 'a'))", False),
        ("CREATE TABLE t(a CHECK (a <> \"rowid\"))", "CREATE TABLE t(a CHECK (a <> 'rowid'))", False),
        ("CREATE TABLE t(a, b AS (a || \"rowid\"))", "CREATE TABLE t(a, b AS (a || 'rowid'))", True),
    ],
)  # fmt: skip
def test_schemas_are_equal_where_sqlite_acts_the_same(one: str, other: str, same: bool) -> None:
    catalogs = []
    for sql in (one, other):
        db = sqlite3.connect(":memory:")
        db.execute(sql)
        catalogs.append(read_catalog(db))
    assert equal(*catalogs) is same
