from __future__ import annotations

import sqlite3

import pytest

from hotmig.catalog.ddl import parse_index, parse_table, virtual_module
from hotmig.catalog.ddl_terms import unwrapped
from hotmig.catalog.model import Check
from hotmig.errors import HotmigError
from hotmig.sqlite import connect


def stored(sql: str) -> str:
    """The statement as SQLite keeps it, so that every example is one that SQLite takes."""
    db = connect(":memory:")
    db.execute(sql)
    return str(db.execute("SELECT sql FROM sqlite_schema").fetchone()[0])


def test_names_in_all_quotings() -> None:
    table = parse_table(stored("""CREATE TABLE 'a''b'("c""d" "e f", [g h] [i], `j``k` 'l', m n o(1, -2))"""), "t")
    assert table.name == "a'b"
    assert [column.name for column in table.columns] == ['c"d', "g h", "j`k", "m"]
    assert [column.type for column in table.columns[3:]] == ["n o(1, -2)"]


def test_keywords_can_be_names_and_types() -> None:
    sql = stored("CREATE TABLE key(key action, match match, replace replace(3), generated, always, desc asc, end)")
    table = parse_table(sql, "key")
    assert [(column.name, column.type) for column in table.columns] == [
        ("key", "action"),
        ("match", "match"),
        ("replace", "replace(3)"),
        ("generated", ""),
        ("always", ""),
        ("desc", "asc"),
        ("end", ""),
    ]


def test_several_of_each_and_the_last_one_counts() -> None:
    sql = stored(
        """CREATE TABLE t(a COLLATE NOCASE DEFAULT 1 CHECK (a > 1) NULL NOT NULL ON CONFLICT FAIL COLLATE "RTRIM"
             DEFAULT 2 CHECK (a > 2) NOT NULL ON CONFLICT IGNORE)"""
    )
    table = parse_table(sql, "t")
    (column,) = table.columns
    assert (column.collation, column.default, column.not_null, column.not_null_conflict) == (
        "RTRIM",
        "2",
        True,
        "IGNORE",
    )
    assert table.checks == [Check("a > 1"), Check("a > 2")]


def test_constraints_of_the_table_need_no_commas() -> None:
    sql = stored(
        """CREATE TABLE t(a, b,
             CHECK (a > 0) CONSTRAINT x UNIQUE (a) FOREIGN KEY (a) REFERENCES t(b) PRIMARY KEY (b) CHECK (b > 0))"""
    )
    table = parse_table(sql, "t")
    assert table.checks == [Check("a > 0"), Check("b > 0", "x")]
    assert [term.name for term in table.uniques[0].terms] == ["a"]
    assert table.primary_key is not None
    assert [term.name for term in table.primary_key.terms] == ["b"]
    assert [(key.columns, key.parent, key.parent_columns) for key in table.foreign_keys] == [(("a",), "t", ("b",))]


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ("a CONSTRAINT x CHECK (a <> 1) CHECK (a <> 2), b CHECK (a <> 3)", (1, 2)),
        ("a CONSTRAINT x NOT NULL CHECK (a <> 1)", (1,)),
        ("a CONSTRAINT x CHECK (a <> 1), CHECK (a <> 2), CHECK (a <> 3)", (1, 2)),
        ("a, CHECK (a <> 1) CONSTRAINT x UNIQUE(a) CHECK (a <> 2), CHECK (a <> 3)", (2,)),
        ("a CONSTRAINT y CONSTRAINT x CHECK (a <> 1)", (1,)),
    ],
)
def test_the_name_of_a_check_is_the_one_that_sqlite_tells(body: str, values: tuple[int, ...]) -> None:
    sql = f"CREATE TABLE t({body})"
    named = [check.expression for check in parse_table(sql, "t").checks if check.name == "x"]
    assert named == [f"a <> {value}" for value in values]
    db = connect(":memory:")
    db.execute(sql)
    for value in values:
        with pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed: x"):
            db.execute("INSERT INTO t(a) VALUES (?)", (value,))


def test_comments_anywhere() -> None:
    sql = stored(
        """CREATE /* a */ TABLE -- b
             t /* ( */ ( -- c )
             a /* , */ INT -- d,
             /**/ CHECK /* ( */ ( a /* ) */ > -- )
             0 ) , b ) -- e
             STRICT""".replace(", b )", ", b ANY )")
    )
    table = parse_table(sql, "t")
    assert [(column.name, column.type) for column in table.columns] == [("a", "INT"), ("b", "ANY")]
    assert [" ".join(check.expression.split()) for check in table.checks] == ["a > 0"]
    assert table.strict


def test_autoincrement_and_conflict_in_either_place() -> None:
    for body in ("id INTEGER PRIMARY KEY ON CONFLICT FAIL AUTOINCREMENT", "id INTEGER, PRIMARY KEY(id AUTOINCREMENT)"):
        key = parse_table(f"CREATE TABLE t({body})", "t").primary_key
        assert key is not None
        assert key.autoincrement
        assert key.conflict == ("FAIL" if "FAIL" in body else None)


def test_a_deferrable_clause_reaches_back_to_the_last_foreign_key() -> None:
    table = parse_table(stored("CREATE TABLE t(a REFERENCES t, b DEFERRABLE INITIALLY DEFERRED)"), "t")
    assert [key.deferred for key in table.foreign_keys] == [True]


def test_options_in_any_order() -> None:
    for options in ("WITHOUT ROWID, STRICT", "strict , without rowid"):
        table = parse_table(stored(f"CREATE TABLE t(a INT PRIMARY KEY) {options}"), "t")
        assert (table.strict, table.without_rowid) == (True, True)


def test_what_older_versions_and_editors_left_in_the_schema_table() -> None:
    table = parse_table(
        "CREATE TEMPORARY TABLE IF NOT EXISTS main.t(a, FOREIGN KEY(a COLLATE x ASC) REFERENCES t);", "t"
    )
    assert (table.name, table.foreign_keys[0].columns) == ("t", ("a",))
    assert parse_index("CREATE INDEX IF NOT EXISTS main.i ON t(a) WHERE a;", "i").where == "a"


@pytest.mark.parametrize(
    ("term", "expression", "name", "collation", "descending"),
    [
        ("a", "a", "a", None, False),
        ("((a))", "a", "a", None, False),
        ("a COLLATE NOCASE DESC", "a", "a", "NOCASE", True),
        ("(a COLLATE rtrim) COLLATE NOCASE ASC", "a", "a", "NOCASE", False),
        ("a + 1", "a + 1", None, None, False),
        ("(a) + (1)", "(a) + (1)", None, None, False),
        ("lower(a) COLLATE NOCASE", "lower(a)", None, "NOCASE", False),
        ("a || b COLLATE NOCASE", "a || b COLLATE NOCASE", None, None, False),
        ("(a || b) COLLATE NOCASE", "a || b", None, "NOCASE", False),
        ("- a COLLATE NOCASE", "- a", None, "NOCASE", False),
        ("desc", "desc", "desc", None, False),
        ("desc desc", "desc", "desc", None, True),
        ("a + asc", "a + asc", None, None, False),
        ("a IS asc", "a IS asc", None, None, False),
    ],
)
def test_terms_of_an_index(
    term: str, expression: str, name: str | None, collation: str | None, descending: bool
) -> None:
    db = connect(":memory:")
    db.execute("CREATE TABLE t(a, b, asc, desc)")
    db.execute(f"CREATE INDEX i ON t({term}, b)")
    sql = db.execute("SELECT sql FROM sqlite_schema WHERE type = 'index'").fetchone()[0]
    found, _ = parse_index(sql, "i").terms
    assert (found.expression, found.name, found.collation, found.descending) == (
        expression,
        name,
        collation,
        descending,
    )
    reported = db.execute('SELECT coll, "desc" FROM pragma_index_xinfo(?)', ("i",)).fetchone()
    assert reported == (collation or "BINARY", int(descending))


@pytest.mark.parametrize(
    ("expression", "bare"), [("((a > 1))", "a > 1"), ("(a) > (1)", "(a) > (1)"), ("a", "a"), ("( a )", "a"), ("", "")]
)
def test_unwrapped(expression: str, bare: str) -> None:
    assert unwrapped(expression) == bare


def test_the_module_of_a_virtual_table() -> None:
    assert virtual_module("CREATE VIRTUAL TABLE [a b] USING \"fts5\"(x, content='')", "a b") == "fts5"


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "CREATE TABLE t",
        "CREATE TABLE t(",
        "CREATE TABLE t()",
        "CREATE TABLE t(a",
        "CREATE TABLE t(a,)x",
        "CREATE TABLE t(a CHECK)",
        "CREATE TABLE t(a CHECK ())",
        "CREATE TABLE t(a DEFAULT",
        "CREATE TABLE t(a UNIQUE ON CONFLICT)",
        "CREATE TABLE t(a UNIQUE ON CONFLICT PANIC)",
        "CREATE TABLE t(a REFERENCES p ON DELETE EXPLODE)",
        "CREATE TABLE t(a PRIMARY KEY, PRIMARY KEY(a))",
        "CREATE TABLE t(a, FOREIGN KEY(a + 1) REFERENCES t)",
        "CREATE TABLE t(a) WITHOUT COLUMNS",
        "CREATE TABLE t(a) STRICT STRICT",
        "CREATE TABLE t(a 'b)",
        "CREATE VIEW t AS SELECT 1",
    ],
)
def test_what_cannot_be_parsed_names_the_table(sql: str) -> None:
    with pytest.raises(HotmigError, match="cannot read the definition of table my table: "):
        parse_table(sql, "my table")


@pytest.mark.parametrize("sql", ["CREATE INDEX i ON t", "CREATE INDEX i ON t()", "CREATE INDEX i ON t(a) WHERE"])
def test_what_cannot_be_parsed_names_the_index(sql: str) -> None:
    with pytest.raises(HotmigError, match="cannot read the definition of index my index: "):
        parse_index(sql, "my index")
