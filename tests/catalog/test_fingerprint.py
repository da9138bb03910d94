from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotmig.catalog.fingerprint import canonical, differences, digest, equal
from hotmig.catalog.model import Catalog, Table
from tests.catalog.databases import catalog
from tests.catalog.strategies import tables
from tests.catalog.writing import Writer


def of(table: Table) -> Catalog:
    return Catalog((table,))


@settings(max_examples=200)
@given(tables(), st.randoms(use_true_random=False))
def test_spelling_is_not_in_the_canonical_text(table: Table, dice: Any) -> None:
    plain, dressed = catalog(*Writer().statements(table)), catalog(*Writer(dice).statements(table))
    assert canonical(plain) == canonical(dressed)
    assert differences(plain, dressed) == ()


@settings(max_examples=200)
@given(tables(), tables())
def test_there_are_differences_if_and_only_if_the_texts_differ(a: Table, b: Table) -> None:
    one, other = of(a), of(b)
    assert equal(one, other) == (canonical(one) == canonical(other)) == (differences(one, other) == ())
    assert bool(differences(one, other)) == bool(differences(other, one))


@settings(max_examples=200)
@given(st.data(), tables())
def test_every_change_of_a_column_shows(data: st.DataObject, table: Table) -> None:
    number = data.draw(st.integers(0, len(table.columns) - 1))
    column = table.columns[number]
    changed = data.draw(
        st.sampled_from(
            [
                replace(column, name=column.name + "x"),
                replace(column, type=column.type + "X"),
                replace(column, not_null=not column.not_null),
                replace(column, not_null_conflict="REPLACE" if column.not_null_conflict is None else None),
                replace(column, default="77" if column.default is None else None),
                replace(column, collation="RTRIM" if column.collation != "RTRIM" else "BINARY"),
                replace(column, generated="77" if column.generated is None else None),
                replace(column, stored=not column.stored),
            ]
        )
    )
    columns = (*table.columns[:number], changed, *table.columns[number + 1 :])
    other = replace(table, columns=columns)
    assert canonical(of(table)) != canonical(of(other))
    assert differences(of(table), of(other)) != ()


BASE = (
    "CREATE TABLE p(id INTEGER PRIMARY KEY, code UNIQUE)",
    "CREATE TABLE t(a INT, b TEXT DEFAULT 'x', c, e, UNIQUE(a, b), CHECK (a > 0), FOREIGN KEY(a) REFERENCES p)",
    "CREATE INDEX i ON t(a, lower(b)) WHERE c > 0",
    "CREATE VIEW v AS SELECT a, b FROM t",
    "CREATE TRIGGER r AFTER INSERT ON t WHEN new.a > 0 BEGIN DELETE FROM p; END",
)


@pytest.mark.parametrize(
    "statements",
    [
        (
            'create table "t"([a] int,\n b text default (\'x\'), `c`, e, foreign key("a") references P(ID),\n'
            " check((A > 0)) unique (A, b))",
            "create table p(id integer primary key, code unique) -- parents",
            'create index i on t("a", LOWER("b")) where ((c) > 0)'.replace("((c) > 0)", "(c > 0)"),
            'create trigger "r" after insert on "t" when new."a" > 0 begin delete from p; end',
            "create view 'v' as select a, b /* both */ from t",
        ),
    ],
)
def test_order_case_quotes_layout_and_comments_do_not_count(statements: tuple[str, ...]) -> None:
    assert differences(catalog(*BASE), catalog(*statements)) == ()


@pytest.mark.parametrize(
    ("at", "old", "new", "told"),
    [
        (1, "c,", "c, d,", "table t: column d appeared"),
        (1, "e,", "", "table t: column e dropped"),
        (1, "a INT, b TEXT DEFAULT 'x'", "b TEXT DEFAULT 'x', a INT", "table t: the order of columns changed"),
        (1, "a INT,", "z, a INT,", "table t: columns appeared between others"),
        (1, "a INT", "a TEXT", "table t: type of column a was INT, is TEXT"),
        (1, "DEFAULT 'x'", "DEFAULT 'X'", "table t: default of column b was 'x', is 'X'"),
        (1, "DEFAULT 'x'", "NOT NULL DEFAULT 'x'", "table t: column b is NOT NULL now"),
        (1, "b TEXT", "b TEXT COLLATE NOCASE", "table t: collation of column b was binary, is nocase"),
        (1, "UNIQUE(a, b)", "UNIQUE(b, a)", "table t: unique constraint (b, a) appeared"),
        (1, "UNIQUE(a, b)", "UNIQUE(b, a)", "table t: unique constraint (a, b) dropped"),
        (1, "a > 0", "a >= 0", "table t: check (a >= 0) appeared"),
        (1, "CHECK", "CONSTRAINT positive CHECK", "table t: check positive (a > 0) appeared"),
        (1, "REFERENCES p", "REFERENCES p ON DELETE CASCADE", "table t: foreign key (a) to p appeared"),
        (1, "REFERENCES p", "REFERENCES p ON UPDATE CASCADE", "table t: foreign key (a) to p appeared"),
        (1, "REFERENCES p", "REFERENCES p DEFERRABLE INITIALLY DEFERRED", "table t: foreign key (a) to p dropped"),
        (1, "REFERENCES p", "REFERENCES p(code)", "table t: foreign key (a) to p appeared"),
        (1, "UNIQUE(a, b)", "UNIQUE(a, b) ON CONFLICT IGNORE", "table t: unique constraint (a, b) appeared"),
        (1, "UNIQUE(a, b)", "UNIQUE(a, b COLLATE NOCASE)", "table t: unique constraint (a, b) appeared"),
        (1, "UNIQUE(a, b)", "UNIQUE(a, b DESC)", "table t: unique constraint (a, b) appeared"),
        (1, "e,", "e AS (a) STORED,", "table t: generated of column e was none, is a"),
        (0, "PRIMARY KEY", "PRIMARY KEY ON CONFLICT REPLACE", "table p: primary key changed"),
        (2, "ON t(a", "ON t(a COLLATE NOCASE", "table t: index i changed"),
        (2, "lower(b)", "upper(b)", "table t: index i changed"),
        (2, " WHERE c > 0", "", "table t: index i changed"),
        (4, "AFTER", "BEFORE", "trigger r changed"),
        (1, "c,", "c PRIMARY KEY,", "table t: primary key changed"),
        (0, "PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT", "table p: primary key changed"),
        (0, "PRIMARY KEY", "PRIMARY KEY DESC", "table p: primary key changed"),
        (0, "code UNIQUE)", "code UNIQUE) WITHOUT ROWID", "table p: WITHOUT ROWID appeared"),
        (0, "code UNIQUE)", "code ANY UNIQUE) STRICT", "table p: STRICT appeared"),
        (2, "INDEX", "UNIQUE INDEX", "table t: index i changed"),
        (2, "ON t(a", "ON t(a DESC", "table t: index i changed"),
        (2, "c > 0", 'c > "0"', "table t: index i changed"),
        (2, "INDEX i", "INDEX j", "table t: index j appeared"),
        (2, "INDEX i", "INDEX j", "table t: index i dropped"),
        (3, "a, b", "a, c", "view v changed"),
        (3, "VIEW v", "VIEW w", "view w appeared"),
        (4, "DELETE FROM p", "DELETE FROM p WHERE id = 1", "trigger r changed"),
        (4, "TRIGGER r", "TRIGGER s", "trigger r dropped"),
    ],
)
def test_every_real_change_is_told(at: int, old: str, new: str, told: str) -> None:
    changed = list(BASE)
    assert old in changed[at]
    changed[at] = changed[at].replace(old, new, 1)
    before, after = catalog(*BASE), catalog(*changed)
    assert told in differences(before, after)
    assert not equal(before, after)


def test_tables_come_and_go() -> None:
    assert differences(catalog("CREATE TABLE a(x)"), catalog("CREATE TABLE b(x)")) == (
        "table a dropped",
        "table b appeared",
    )


def test_virtual_tables_count_by_their_arguments() -> None:
    a = catalog("CREATE VIRTUAL TABLE f USING fts5(a, b)")
    assert equal(a, catalog("create virtual table f using FTS5( a,b )"))
    assert differences(a, catalog("CREATE VIRTUAL TABLE f USING fts5(a, B)")) == ("virtual table f changed",)


def test_the_canonical_text_is_json_with_all_kinds_of_objects() -> None:
    described = json.loads(canonical(catalog(*BASE)))
    assert {kind: [each["name"] for each in objects] for kind, objects in described.items()} == {
        "table": ["p", "t"],
        "view": ["v"],
        "trigger": ["r"],
        "virtual table": [],
    }


def test_a_digest_tells_how_its_parts_were_cut() -> None:
    assert digest("a", "b") == digest("a", "b")
    assert len({digest("a", "b"), digest("ab"), digest("", "ab"), digest("a", "b", ""), digest('a","b')}) == 5
    assert len(digest("😀")) == 16
    assert set(digest("😀")) <= set("0123456789abcdef")
