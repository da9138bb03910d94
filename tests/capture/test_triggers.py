"""What the capture triggers log. The key of every written row, and of every row that REPLACE evicts."""

from __future__ import annotations

import sqlite3

import pytest

from hotmig.capture.log import create_log, log_width
from hotmig.capture.triggers import capture_triggers
from tests.capture.keys import recorded_tables

Logged = list[tuple[object, ...]]


def recording(*ddl: str) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    for sql in ddl:
        db.execute(sql)
    recorded = recorded_tables(db)
    for sql in (create_log(log_width(recorded)), *(sql for each in recorded for sql in capture_triggers(each))):
        db.execute(sql)
    return db


def logged(db: sqlite3.Connection, *statements: str) -> Logged:
    """Operation and key of what the statements log; the table too, where there are several."""
    db.execute("DELETE FROM _migration_log")
    for sql in statements:
        db.execute(sql)
    rows = db.execute("SELECT * FROM _migration_log ORDER BY id").fetchall()
    tables = {row[2] for row in rows}
    return [(row[1], *row[3:]) if len(tables) < 2 else row[1:] for row in rows]


def test_a_table_with_nothing_but_an_integer_primary_key_needs_three_triggers() -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a)")
    (recorded,) = recorded_tables(db)
    into = "INSERT INTO _migration_log(operation, table_name, key_1)"
    assert capture_triggers(recorded) == (
        f"""CREATE TRIGGER _migration_capture_1_after_insert AFTER INSERT ON "t" """
        f"""BEGIN {into} VALUES ('insert', 't', NEW."id"); END""",
        f"""CREATE TRIGGER _migration_capture_1_before_update BEFORE UPDATE ON "t" """
        f"""BEGIN {into} SELECT 'update', 't', OLD."id" """
        """UNION ALL SELECT 'update', 't', NEW."id" WHERE NEW."id" IS NOT OLD."id"; END""",
        f"""CREATE TRIGGER _migration_capture_1_before_delete BEFORE DELETE ON "t" """
        f"""BEGIN {into} VALUES ('delete', 't', OLD."id"); END""",
    )


def test_a_table_without_key_is_not_recorded() -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t(rowid, oid, _rowid_)")
    (recorded,) = recorded_tables(db)
    assert recorded.key is None
    assert capture_triggers(recorded) == ()


def test_plain_statements_log_each_row_once() -> None:
    db = recording("CREATE TABLE t(id INTEGER PRIMARY KEY, a)")
    assert logged(db, "INSERT INTO t(a) VALUES ('x'), ('y')") == [("insert", 1), ("insert", 2)]
    assert logged(db, "UPDATE t SET a = 'z'") == [("update", 1), ("update", 2)]
    assert logged(db, "DELETE FROM t") == [("delete", 1), ("delete", 2)]


def test_a_key_that_changes_is_logged_before_and_after() -> None:
    db = recording("CREATE TABLE t(id INTEGER PRIMARY KEY, a)", "INSERT INTO t VALUES (1, 'x')")
    assert set(logged(db, "UPDATE t SET rowid = '5'")) == {("update", 1), ("update", 5)}


REKEYED = (
    "UPDATE t SET id = '7' WHERE id = 1",
    "UPDATE t SET a = 'y', rowid = 7.0 WHERE id = 1",
    "UPDATE t SET (oid, a) = (SELECT '7', 'y') WHERE id = 1",
    "UPDATE OR REPLACE t SET id = id + 6 WHERE id IN (1, 3)",
    "UPDATE OR IGNORE t SET id = 2 - (id > 1) * 9",
    "UPDATE t SET id = id + 5 FROM (SELECT 2 AS n) WHERE id = n",
    "INSERT INTO t VALUES (1, 'y') ON CONFLICT(id) DO UPDATE SET id = '7', a = excluded.a",
    "UPDATE t SET a = 'moves it' WHERE id = 1",
    "UPDATE parent SET code = '8' WHERE code = '3'",
)


@pytest.mark.parametrize("statement", REKEYED)
def test_whatever_moves_a_row_logs_where_it_was_and_where_it_is(statement: str) -> None:
    """Before it is moved: what comes behind that sees the same key."""
    db = recording(
        "CREATE TABLE parent(code TEXT PRIMARY KEY NOT NULL)",
        "INSERT INTO parent VALUES ('1'), ('2'), ('3'), ('7'), ('9'), ('-7')",
        "CREATE TABLE t(id INTEGER PRIMARY KEY REFERENCES parent(code) ON UPDATE CASCADE, a)",
        "CREATE TRIGGER moves BEFORE UPDATE OF a ON t WHEN NEW.a = 'moves it'"
        " BEGIN UPDATE t SET id = 9 WHERE id = OLD.id; END",
        "INSERT INTO t VALUES (1, 'x'), (2, 'x'), (3, 'x')",
        "PRAGMA foreign_keys = ON",
    )
    before = set(db.execute("SELECT * FROM t"))
    found = logged(db, statement)
    moved = before ^ set(db.execute("SELECT * FROM t"))
    assert {row[0] for row in moved} - {row[0] for row in before}
    assert {row[0] for row in moved} <= {row[-1] for row in found}


def test_a_bare_rowid_that_moves_is_logged_too() -> None:
    db = recording("CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2)")
    assert logged(db, "UPDATE t SET oid = '7' WHERE rowid = 1") == [("update", 1), ("update", 7)]
    assert logged(db, "UPDATE OR REPLACE t SET _rowid_ = 2 WHERE rowid = 7") == [("update", 7), ("update", 2)]


@pytest.mark.parametrize(
    ("before", "after"), [("'bob'", "'BOB'"), ("1", "1.0"), ("'a'", "x'61'"), ("0.0", "-0.0"), ("-0.0", "0.0")]
)
def test_a_key_that_is_equal_but_not_the_same_is_logged_before_and_after(before: str, after: str) -> None:
    db = recording(
        "CREATE TABLE t(k PRIMARY KEY NOT NULL COLLATE NOCASE) WITHOUT ROWID", f"INSERT INTO t VALUES ({before})"
    )
    expected = {repr(db.execute(f"SELECT {value}").fetchone()) for value in (before, after)}
    assert {repr(row[1:]) for row in logged(db, f"UPDATE t SET k = {after}")} == expected


def test_replace_logs_the_row_that_a_unique_index_evicts() -> None:
    db = recording("CREATE TABLE t(id INTEGER PRIMARY KEY, email UNIQUE)", "INSERT INTO t VALUES (1, 'x'), (2, 'y')")
    assert logged(db, "INSERT OR REPLACE INTO t VALUES (3, 'x')") == [("replace", 1), ("insert", 3)]
    assert logged(db, "UPDATE OR REPLACE t SET email = 'y' WHERE id = 3") == [("update", 3), ("replace", 2)]


def test_replace_logs_the_old_spelling_of_the_key() -> None:
    db = recording("CREATE TABLE t(k TEXT COLLATE NOCASE NOT NULL PRIMARY KEY, a)", "INSERT INTO t VALUES ('bob', 1)")
    assert logged(db, "REPLACE INTO t VALUES ('BOB', 2)") == [("replace", "bob"), ("insert", "BOB")]


def test_replace_by_the_rowid_logs_the_evicted_key() -> None:
    db = recording("CREATE TABLE t(k TEXT NOT NULL PRIMARY KEY)", "INSERT INTO t(rowid, k) VALUES (7, 'a')")
    assert logged(db, "REPLACE INTO t(rowid, k) VALUES ('7', 'b')") == [("replace", "a"), ("insert", "b")]


def test_replace_puts_the_default_into_a_not_null_column() -> None:
    db = recording(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT 5 UNIQUE)", "INSERT INTO t VALUES (1, '5')"
    )
    assert logged(db, "REPLACE INTO t VALUES (2, NULL)") == [("replace", 1), ("insert", 2)]


def test_a_default_that_cannot_be_repeated_marks_the_whole_table() -> None:
    db = recording("CREATE TABLE t(id INTEGER PRIMARY KEY, a NOT NULL DEFAULT (random() % 2) UNIQUE)")
    assert logged(db, "INSERT INTO t VALUES (1, 5)") == [("insert", 1)]
    assert logged(db, "REPLACE INTO t VALUES (2, NULL)") == [("table", None), ("insert", 2)]


def test_an_expression_over_an_unassigned_rowid_marks_the_whole_table() -> None:
    db = recording("CREATE TABLE t(id INTEGER PRIMARY KEY, a)", "CREATE UNIQUE INDEX i ON t(id + 0)")
    assert logged(db, "INSERT INTO t(a) VALUES (1)") == [("table", None), ("insert", 1)]
    assert logged(db, "INSERT INTO t(id) VALUES (5)") == [("insert", 5)]


def test_a_blob_in_a_text_column_of_an_expression_marks_the_whole_table() -> None:
    db = recording("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT)", "CREATE UNIQUE INDEX i ON t(lower(a))")
    assert logged(db, "INSERT INTO t VALUES (1, x'61')") == [("table", None), ("insert", 1)]


@pytest.mark.parametrize(
    ("index", "old", "new"),
    [
        ("i ON t(lower(a))", "'bob'", "'BOB'"),
        ("i ON t(a COLLATE NOCASE)", "'bob'", "'BOB'"),
        ("i ON t(a = 5)", "5", "'5'"),  # true by the TEXT affinity of a, which NEW.a alone doesn't have
        ("i ON t(n > '3')", "4", "5"),
        ("i ON t(a) WHERE n = '1'", "'x'", "'x'"),
        ("i ON t(lower(a)) WHERE n = '1'", "'x'", "'X'"),
        ("i ON t(json_extract(a, '$.k')) WHERE json_valid(a)", """'{"k":1}'""", """'{"k": 1}'"""),
    ],
)
def test_expressions_collations_and_partial_indexes_are_probed(index: str, old: str, new: str) -> None:
    db = recording(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, n INTEGER)",
        f"CREATE UNIQUE INDEX {index}",
        f"INSERT INTO t VALUES (1, {old}, 1)",
    )
    assert logged(db, f"REPLACE INTO t VALUES (2, {new}, 1)") == [("replace", 1), ("insert", 2)]
    assert db.execute("SELECT id FROM t").fetchall() == [(2,)]


def test_an_expression_is_not_evaluated_on_rows_outside_of_its_index() -> None:
    db = recording(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT)",
        "CREATE UNIQUE INDEX i ON t(json_extract(a, '$.k')) WHERE json_valid(a)",
        "INSERT INTO t VALUES (1, 'no JSON'), (2, '{}')",
    )
    assert logged(db, "INSERT INTO t VALUES (3, 'none'), (4, '{}')") == [("insert", 3), ("insert", 4)]
    assert logged(db, "UPDATE t SET a = 'gone' WHERE id = 4") == [("update", 4)]


@pytest.mark.parametrize("kept", ["VIRTUAL", "STORED"])
def test_generated_columns_of_an_update_are_probed(kept: str) -> None:
    # In BEFORE UPDATE, SQLite computes NEW.g from columns that the triggers name; any other counts as NULL.
    db = recording(
        f"CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, g TEXT AS (a + b) {kept} UNIQUE)",
        "INSERT INTO t VALUES (1, 10, 20), (2, 5, 20)",
    )
    assert logged(db, "UPDATE OR REPLACE t SET a = 10 WHERE id = 2") == [("update", 2), ("replace", 1)]


def test_upserts_and_ignored_rows_are_logged() -> None:
    db = recording("CREATE TABLE t(id INTEGER PRIMARY KEY, a)", "INSERT INTO t VALUES (1, 'x')")
    assert logged(db, "INSERT INTO t VALUES (1, 'y') ON CONFLICT DO UPDATE SET a = 'z'") == [("update", 1)]
    assert logged(db, "INSERT OR IGNORE INTO t VALUES (1, 'y')") == []


def test_foreign_key_actions_are_logged() -> None:
    db = recording(
        "CREATE TABLE parent(id INTEGER PRIMARY KEY)",
        "CREATE TABLE child(id INTEGER PRIMARY KEY, p REFERENCES parent ON DELETE CASCADE ON UPDATE SET NULL)",
        "INSERT INTO parent VALUES (1), (2)",
        "INSERT INTO child VALUES (10, 1), (20, 2)",
        "PRAGMA foreign_keys = ON",
    )
    assert logged(db, "DELETE FROM parent WHERE id = 1") == [("delete", "parent", 1), ("delete", "child", 10)]
    assert ("update", "child", 20) in logged(db, "UPDATE parent SET id = 3")


def test_a_key_that_the_foreign_key_check_distorts_is_logged_as_it_is_stored() -> None:
    # Looking for children by the index on an INTEGER column, SQLite makes 5 of NEW.code, which stays '05' in the row.
    for options in ("", "WITHOUT ROWID"):
        db = recording(
            f"CREATE TABLE parent(code TEXT NOT NULL PRIMARY KEY) {options}",
            "CREATE TABLE child(id INTEGER PRIMARY KEY, p INTEGER UNIQUE REFERENCES parent)",
            "PRAGMA foreign_keys = ON",
        )
        assert logged(db, "INSERT INTO parent VALUES ('05')") == [("insert", "05")]
        assert ("update", "06") in logged(db, "UPDATE parent SET code = '06'")


def test_a_row_that_replaces_its_own_parent_is_logged_with_it() -> None:
    db = recording(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, parent REFERENCES t ON DELETE CASCADE)",
        "INSERT INTO t VALUES (5, NULL), (6, 5)",
        "PRAGMA foreign_keys = ON",
    )
    assert {("update", 6), ("update", 5)} <= set(logged(db, "UPDATE OR REPLACE t SET id = 5 WHERE id = 6"))
    assert db.execute("SELECT * FROM t").fetchall() == []


def test_an_update_of_other_columns_probes_nothing() -> None:
    db = recording("CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, b)", "INSERT INTO t VALUES (1, 'x', 0)")
    assert logged(db, "UPDATE t SET b = b + 1") == [("update", 1)]


def test_a_rolled_back_write_leaves_no_log() -> None:
    db = recording("CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE)", "INSERT INTO t VALUES (1, 'x')")
    db.execute("BEGIN")
    db.execute("INSERT INTO t VALUES (2, 'y')")
    db.execute("ROLLBACK")
    assert logged(db) == []


@pytest.mark.parametrize("name", ["new", "old", "rowid", "NEW", 'q"q', "it's", "a b", "select", "Größe", "[x]", "`"])
def test_any_name_of_table_and_column(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    db = recording(
        f"CREATE TABLE {quoted}(id INTEGER PRIMARY KEY, {quoted} TEXT UNIQUE, g AS (upper({quoted})) UNIQUE)",
        f"CREATE UNIQUE INDEX i ON {quoted}(lower({quoted}))",
        f"INSERT INTO {quoted} VALUES (1, 'x')",
    )
    assert set(logged(db, f"REPLACE INTO {quoted} VALUES (2, 'X')")) == {("replace", 1), ("insert", 2)}
    assert db.execute("SELECT DISTINCT table_name FROM _migration_log").fetchall() == [(name,)]


def test_columns_that_hide_two_names_of_the_rowid() -> None:
    db = recording("CREATE TABLE t(rowid UNIQUE, oid)", "INSERT INTO t VALUES ('a', 'b')")
    assert logged(db, "REPLACE INTO t VALUES ('a', 'c')") == [("replace", 1), ("insert", 2)]


def test_a_table_of_2000_columns() -> None:
    columns = ", ".join(f"c{number} NOT NULL DEFAULT 0" for number in range(1_998))
    db = recording(
        f"CREATE TABLE t(id INTEGER PRIMARY KEY, {columns}, g AS (c7 + c1990) UNIQUE)", "INSERT INTO t(id) VALUES (1)"
    )
    assert logged(db, "REPLACE INTO t(id) VALUES (2)") == [("replace", 1), ("insert", 2)]
