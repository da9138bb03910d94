from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotmig.catalog.model import (
    Check,
    Column,
    ForeignKey,
    Index,
    IndexedColumn,
    PrimaryKey,
    Table,
    UniqueConstraint,
)
from hotmig.catalog.own import OWN_TABLES, is_own
from hotmig.catalog.read import read_catalog, reserved_strangers, unsayable
from hotmig.errors import HotmigError
from hotmig.sqlite import connect, quote, reading
from tests.catalog.databases import catalog, database
from tests.catalog.strategies import ODD_NAMES, tables
from tests.catalog.writing import Writer


def only(*statements: str) -> Table:
    (table,) = catalog(*statements).tables
    return table


def named(*names: str, **how: Any) -> tuple[IndexedColumn, ...]:
    return tuple(IndexedColumn(name, **how) for name in names)


@settings(max_examples=300)
@given(tables())
def test_a_table_that_was_written_is_read_back(table: Table) -> None:
    assert only(*Writer().statements(table)) == table


@given(tables(), st.randoms(use_true_random=False))
def test_however_it_is_spelled(table: Table, dice: Any) -> None:
    found = only(*Writer(dice).statements(table))
    assert [column.name for column in found.columns] == [column.name for column in table.columns]
    assert found.primary_key == table.primary_key
    assert found.rowid_alias == table.rowid_alias
    assert sorted(found.uniques, key=str) == sorted(table.uniques, key=str)
    assert {index.name: index.columns for index in found.indexes} == {
        index.name: index.columns for index in table.indexes
    }


def test_everything_a_column_can_say() -> None:
    table = only(
        """CREATE TABLE t(
          a, b VARCHAR(10, 2) NOT NULL ON CONFLICT REPLACE DEFAULT 'x' COLLATE nocase,
          c AS (b || 'y') STORED, d INT GENERATED ALWAYS AS (1), e NOT NULL ON CONFLICT ABORT)"""
    )
    assert table.columns == (
        Column("a"),
        Column("b", "VARCHAR(10, 2)", True, "REPLACE", "'x'", "NOCASE"),
        Column("c", generated="b || 'y'", stored=True),
        Column("d", "INT", generated="1"),
        Column("e", not_null=True),
    )


@pytest.mark.parametrize(
    ("definition", "alias"),
    [
        ("id INTEGER PRIMARY KEY", "id"),
        ("id integer PRIMARY KEY ASC", "id"),
        ("id 'INTEGER' PRIMARY KEY", "id"),
        ("id INTEGER PRIMARY KEY AUTOINCREMENT", "id"),
        ("id INTEGER, PRIMARY KEY(id)", "id"),
        ("id INTEGER, PRIMARY KEY(id DESC)", "id"),
        ("id INTEGER, PRIMARY KEY((id) COLLATE NOCASE)", "id"),
        ("id INTEGER PRIMARY KEY DESC", None),
        ("id INTEGER, PRIMARY KEY(id, id)", None),
        ("id INT PRIMARY KEY", None),
        ("id BIGINTEGER PRIMARY KEY", None),
        ("id INTEGER, b, PRIMARY KEY(id, b)", None),
        ("id INTEGER UNIQUE", None),
    ],
)
def test_which_primary_key_is_the_rowid(definition: str, alias: str | None) -> None:
    db = database(f"CREATE TABLE t({definition})")
    table = read_catalog(db).tables[0]
    assert table.rowid_alias == alias
    db.execute("INSERT INTO t(rowid) VALUES (42)")
    assert db.execute("SELECT id FROM t").fetchone() == (42 if alias else None,)


def test_a_strict_table_has_the_alias_for_integer_alone() -> None:
    assert only("CREATE TABLE t(id INTEGER PRIMARY KEY) STRICT").rowid_alias == "id"
    table = only("CREATE TABLE t(id INT PRIMARY KEY) STRICT")
    assert table.rowid_alias is None
    assert table.columns[0].not_null  # a key of a STRICT table says so without being asked


def test_without_rowid_has_no_alias_and_its_key_is_not_null() -> None:
    table = only(
        "CREATE TABLE t(id INTEGER PRIMARY KEY ON CONFLICT IGNORE, b) WITHOUT ROWID, STRICT".replace("b)", "b ANY)")
    )
    assert (table.without_rowid, table.strict, table.rowid_alias) == (True, True, None)
    assert table.columns[0].not_null
    assert table.primary_key == PrimaryKey(named("id"), "IGNORE")


def test_a_column_twice_in_a_key() -> None:
    assert only("CREATE TABLE t(a, b, PRIMARY KEY(a, b, a)) WITHOUT ROWID").primary_key == PrimaryKey(named("a", "b"))
    assert only("CREATE TABLE t(a, b, UNIQUE(a, b, a))").uniques == (UniqueConstraint(named("a", "b", "a")),)


def test_keys_inherit_the_collation_of_their_columns() -> None:
    table = only(
        "CREATE TABLE t(a COLLATE NOCASE PRIMARY KEY, b UNIQUE COLLATE RTRIM, UNIQUE(a COLLATE BINARY, b DESC))",
        "CREATE INDEX i ON t(a, b COLLATE NOCASE)",
    )
    assert table.primary_key == PrimaryKey(named("a", collation="NOCASE"))
    assert table.uniques == (
        UniqueConstraint(named("b", collation="RTRIM")),
        UniqueConstraint((IndexedColumn("a"), IndexedColumn("b", None, "RTRIM", True))),
    )
    assert table.indexes == (Index("i", named("a", "b", collation="NOCASE")),)


def test_keys_that_only_begin_alike_are_not_one() -> None:
    table = only("CREATE TABLE t(a, b, PRIMARY KEY(a, b, a), UNIQUE(a, b)) WITHOUT ROWID")
    assert table.uniques == (UniqueConstraint(named("a", "b")),)
    table = only("CREATE TABLE t(a, b, UNIQUE(a, b, a) ON CONFLICT FAIL, UNIQUE(a, b))")
    assert [unique.conflict for unique in table.uniques] == ["FAIL", None]


def test_constraints_that_sqlite_makes_one_are_one() -> None:
    table = only("CREATE TABLE t(a PRIMARY KEY UNIQUE, b UNIQUE UNIQUE ON CONFLICT FAIL, UNIQUE(b), UNIQUE(a, b))")
    assert table.uniques == (UniqueConstraint(named("b"), "FAIL"), UniqueConstraint(named("a", "b")))


def test_a_unique_rowid_alias_keeps_its_own_index() -> None:
    assert only("CREATE TABLE t(id INTEGER PRIMARY KEY UNIQUE)").uniques == (UniqueConstraint(named("id")),)


def test_index_expressions_are_told_from_columns() -> None:
    table = only(
        'CREATE TABLE t(a, b, "desc")',
        """CREATE UNIQUE INDEX i ON t((a), 'b' DESC, a||b COLLATE NOCASE, (lower(a) COLLATE nocase) DESC, -a ASC,
             a + desc, desc DESC) WHERE (a) > 0""",
    )
    assert table.indexes == (
        Index(
            "i",
            (
                IndexedColumn("a"),
                IndexedColumn("b", descending=True),
                IndexedColumn(None, "a||b COLLATE NOCASE"),  # COLLATE binds to b alone
                IndexedColumn(None, "lower(a)", "NOCASE", True),
                IndexedColumn(None, "-a"),
                IndexedColumn(None, "a + desc"),
                IndexedColumn("desc", descending=True),
            ),
            True,
            "(a) > 0",
        ),
    )


def test_foreign_keys_name_the_parents_columns_as_the_parent_does() -> None:
    found = catalog(
        """CREATE TABLE c(x REFERENCES P ON DELETE CASCADE, y REFERENCES nowhere, z REFERENCES nowhere(Q),
             w REFERENCES v)""",
        "CREATE TABLE p(Id INTEGER PRIMARY KEY, Code UNIQUE)",
        "CREATE TABLE d(x REFERENCES p(CODE) ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE e(a, b, PRIMARY KEY(a, b), FOREIGN KEY(b, a) REFERENCES e)",
        "CREATE TABLE f(x REFERENCES e)",
        "CREATE VIEW v AS SELECT 1 AS x",
    )
    keys = {table.name: table.foreign_keys for table in found.tables}
    assert keys["c"] == (
        ForeignKey(("x",), "p", ("Id",), on_delete="CASCADE"),
        ForeignKey(("y",), "nowhere", ()),
        ForeignKey(("z",), "nowhere", ("Q",)),
        ForeignKey(("w",), "v", ()),
    )
    assert keys["d"] == (ForeignKey(("x",), "p", ("Code",), on_update="SET NULL", deferred=True),)
    assert keys["e"] == (ForeignKey(("b", "a"), "e", ("a", "b")),)
    assert keys["f"] == (ForeignKey(("x",), "e", ()),)  # one column can't refer to a key of two


@pytest.mark.parametrize(
    ("clause", "deferred"),
    [
        ("DEFERRABLE INITIALLY DEFERRED", True),
        ("DEFERRABLE", False),
        ("DEFERRABLE INITIALLY IMMEDIATE", False),
        ("NOT DEFERRABLE INITIALLY DEFERRED", False),
        ("NOT DEFERRABLE", False),
        ("", False),
    ],
)
def test_only_one_spelling_defers(clause: str, deferred: bool) -> None:
    ddl = f"CREATE TABLE t(id INTEGER PRIMARY KEY, x REFERENCES t {clause})"
    db = database("PRAGMA foreign_keys = ON", ddl, "BEGIN")
    assert read_catalog(db).tables[0].foreign_keys[0].deferred == deferred
    try:
        db.execute("INSERT INTO t VALUES (1, 2)")
    except sqlite3.IntegrityError:
        assert not deferred
    else:
        assert deferred


def test_tables_come_in_the_order_of_creation_with_views_and_triggers_as_stored() -> None:
    found = catalog(
        "CREATE TABLE z(a)",
        "CREATE TABLE b(a)",
        "CREATE VIEW  v AS SELECT a -- why\n FROM z",
        "CREATE TRIGGER IF NOT EXISTS  w AFTER INSERT ON Z BEGIN SELECT 1; END",
        "CREATE TRIGGER x INSTEAD OF DELETE ON v BEGIN SELECT 1; END",
    )
    assert [table.name for table in found.tables] == ["z", "b"]
    assert [(view.name, view.sql) for view in found.views] == [("v", "CREATE VIEW v AS SELECT a -- why\n FROM z")]
    assert [(trigger.name, trigger.table) for trigger in found.triggers] == [("w", "z"), ("x", "v")]
    assert found.triggers[0].sql == "CREATE TRIGGER w AFTER INSERT ON Z BEGIN SELECT 1; END"


def test_virtual_tables_hide_their_shadows() -> None:
    found = catalog("CREATE VIRTUAL TABLE docs USING fts5(a, tokenize = 'porter')", "CREATE TABLE docs2(a)")
    assert [table.name for table in found.tables] == ["docs2"]
    (docs,) = found.virtual_tables
    assert (docs.name, docs.module) == ("docs", "fts5")


def test_sqlites_own_tables_are_left_out() -> None:
    found = catalog(
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a)",
        "CREATE INDEX i ON t(a)",
        "INSERT INTO t(a) VALUES (1)",
        "ANALYZE",
    )
    assert [table.name for table in found.tables] == ["t"]


def test_hotmigs_bookkeeping_is_left_out_and_nothing_else() -> None:
    db = database(
        "CREATE TABLE _migration_log(id INTEGER PRIMARY KEY, operation, table_name, key_1)",
        "CREATE INDEX on_log ON _migration_log(key_1)",
        "CREATE TABLE _schema_identity(id, schema_hash, schema_commit)",
        "CREATE TABLE _migration(a)",
        "CREATE TABLE fence_orders(a)",
        "CREATE TABLE _migration_logs(a)",
        "CREATE VIEW _migration_copy AS SELECT 1",
        "CREATE TRIGGER _migration_fence_1_insert BEFORE INSERT ON _migration BEGIN SELECT 1; END",
        "CREATE TRIGGER _migration_capture_12_update_of_key BEFORE INSERT ON _migration BEGIN SELECT 1; END",
        "CREATE TRIGGER _migration_capture_x BEFORE INSERT ON _migration BEGIN SELECT 1; END",
    )
    found = read_catalog(db)
    assert [table.name for table in found.tables] == ["_migration", "fence_orders", "_migration_logs"]
    assert [view.name for view in found.views] == ["_migration_copy"]
    assert [trigger.name for trigger in found.triggers] == ["_migration_capture_x"]
    assert reserved_strangers(db) == ("_migration_logs", "_migration_copy", "_migration_capture_x")


@pytest.mark.parametrize("name", sorted(OWN_TABLES))
def test_a_table_that_only_has_a_name_of_hotmigs_is_read_and_named(name: str) -> None:
    """Left out in silence it would not be carried over, and `reset` would drop it."""
    db = database(f"CREATE TABLE {name}(id INTEGER PRIMARY KEY, note)", f"CREATE INDEX on_note ON {name}(note)")
    found = read_catalog(db)
    assert [(table.name, len(table.indexes)) for table in found.tables] == [(name, 1)]
    assert reserved_strangers(db) == (name,)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("_migration_marker", True),
        ("_MIGRATION_MARKER", True),
        ("_id_mapping", True),
        ("_data_migration", True),
        ("_migration_fence_1_insert", True),
        ("_migration_capture_10_after_update", True),
        ("_migration_capture_10", False),
        ("_migration_capture_10_insert\n", False),
        ("x_migration_capture_10_insert", False),
        ("_migration", False),
        ("orders", False),
    ],
)
def test_is_own(name: str, own: bool) -> None:
    assert is_own(name) is own


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_everywhere(name: str) -> None:
    quoted = quote(name)
    table = only(
        f"""CREATE TABLE {quoted}({quoted} TEXT REFERENCES {quoted}({quoted}) CHECK ({quoted} <> ''), b,
              UNIQUE({quoted}))""",
        f"CREATE INDEX {quote('i' + name)} ON {quoted}({quoted} || 'x') WHERE {quoted} > 1",
    )
    assert table.name == table.columns[0].name == name
    assert table.foreign_keys == (ForeignKey((name,), name, (name,)),)
    assert table.uniques == (UniqueConstraint(named(name)),)
    assert table.checks == (Check(f"{quoted} <> ''"),)
    assert table.indexes == (Index("i" + name, (IndexedColumn(None, f"{quoted} || 'x'"),), False, f"{quoted} > 1"),)


def test_two_thousand_columns() -> None:
    table = only("CREATE TABLE t(" + ", ".join(f"c{number} INT" for number in range(2000)) + ")")
    assert [column.name for column in table.columns] == [f"c{number}" for number in range(2000)]


def test_what_alter_table_leaves() -> None:
    found = catalog(
        "CREATE TABLE t(a, b, c CHECK (c > 0), CHECK (a <> c))",
        "CREATE INDEX i ON t(a)",
        "ALTER TABLE t ADD COLUMN d TEXT DEFAULT (1) COLLATE NOCASE CHECK (d > 0) REFERENCES t",
        'ALTER TABLE t RENAME COLUMN a TO "q r"',
        "ALTER TABLE t DROP COLUMN b",
        'ALTER TABLE t RENAME TO "x y"',
    )
    (table,) = found.tables
    assert table.name == "x y"
    assert table.columns == (Column("q r"), Column("c"), Column("d", "TEXT", default="1", collation="NOCASE"))
    assert table.checks == (Check("c > 0"), Check("d > 0"), Check('"q r" <> c'))
    assert table.indexes == (Index("i", named("q r")),)


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ("INT /* c */ (3)", "INT   (3)"),
        ("INT /* c */ GENERATED ALWAYS AS (b)", "INT"),
        ("GENERATED ALWAYS AS (b)", ""),
        ("INT(3) GENERATED ALWAYS AS (b)", "INT(3)"),
        ("'a -- b'", "a -- b"),
        ("odd /* TEXT */ (3)", "odd /* TEXT */ (3)"),  # for SQLite the comment gives it TEXT affinity
        ("verylongtypename always", "verylongtypename"),  # SQLite cuts it off
        ('"x(y" z', "x(y"),
    ],
)
def test_declared_types_are_what_sqlite_makes_of_them(written: str, declared: str) -> None:
    assert only(f"CREATE TABLE t(b, a {written})").columns[1].type == declared


@pytest.mark.parametrize(
    ("written", "default"),
    [
        ("1", "1"),
        ("- 5", "- 5"),
        ("+5", "+5"),
        ("(1 /* c */ + 2)", "1   + 2"),
        ("((1))", "(1)"),
        ("'it''s'", "'it''s'"),
        ("foo", "'foo'"),
        ("[it's]", "'it''s'"),
        ('"true"', "'true'"),
        ("true", "true"),
        ("NULL", "NULL"),
        ("x'00'", "x'00'"),
        ("current_timestamp", "current_timestamp"),
    ],
)
def test_defaults_can_stand_as_expressions_and_mean_the_same(written: str, default: str) -> None:
    db = database(f"CREATE TABLE t(a DEFAULT {written}, b)", "INSERT INTO t(b) VALUES (1)")
    assert read_catalog(db).tables[0].columns[0].default == default
    assert db.execute(f"SELECT a IS {default} FROM t").fetchone() == (1,)


def test_create_table_as() -> None:
    table = only("CREATE TABLE t AS SELECT 1 AS \"a b\", CAST('x' AS TEXT) AS 'q\"r'")
    assert table.columns == (Column("a b"), Column('q"r', "TEXT"))


def test_attached_and_temporary_databases(tmp_path: Path) -> None:
    db = database("CREATE TABLE t(a)", "CREATE TEMP TABLE t(b)", "CREATE TEMP TABLE u(b)")
    db.execute("ATTACH ? AS [o d]", (str(tmp_path / "o.sqlite"),))
    db.execute("CREATE TABLE [o d].t(c UNIQUE REFERENCES t)")
    db.execute("CREATE INDEX [o d].i ON t(c)")
    assert [(table.name, table.columns[0].name) for table in read_catalog(db).tables] == [("t", "a")]
    assert [(table.name, table.columns[0].name) for table in read_catalog(db, "temp").tables] == [
        ("t", "b"),
        ("u", "b"),
    ]
    (table,) = read_catalog(db, "o d").tables
    assert (table.columns[0].name, len(table.uniques), len(table.indexes)) == ("c", 1, 1)


def test_reading_a_file_read_only(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    db = connect(path, "rwc")
    db.execute("CREATE TABLE t(a)")
    db.close()
    with reading(path) as db:
        assert [table.name for table in read_catalog(db).tables] == ["t"]


def test_collations_and_functions_of_the_application_need_not_be_there(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    db = connect(path, "rwc")
    db.create_collation("German", lambda a, b: (a > b) - (a < b))
    db.create_function("mine", 1, abs, deterministic=True)
    db.execute("CREATE TABLE t(a COLLATE German UNIQUE, CHECK (mine(a) > 0))")
    db.execute("CREATE INDEX i ON t(mine(a), a COLLATE german)")
    db.close()
    with reading(path) as db:
        (table,) = read_catalog(db).tables
    assert table.columns[0].collation == "German"
    assert table.uniques[0].columns[0].collation == "German"
    assert table.indexes[0].columns[0].expression == "mine(a)"


def test_desc_in_a_file_of_the_oldest_format_is_not_in_effect(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    db = connect(path, "rwc")
    db.execute("CREATE TABLE t(a)")
    db.execute("CREATE INDEX i ON t(a DESC)")
    db.close()
    header = bytearray(path.read_bytes())
    header[44:48] = (1).to_bytes(4, "big")  # the schema format number
    path.write_bytes(header)
    with reading(path) as db:
        assert read_catalog(db).tables[0].indexes == (Index("i", named("a")),)


def test_a_definition_that_disagrees_with_sqlite_is_an_error() -> None:
    db = database("CREATE TABLE t(a NOT NULL)", "PRAGMA writable_schema = ON")
    db.execute("UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a)'")
    with pytest.raises(HotmigError, match=r"table t: its SQL says False for NOT NULL of column a, SQLite reports True"):
        read_catalog(db)


def test_a_definition_that_cannot_be_read_is_an_error_that_names_the_table() -> None:
    db = database("CREATE TABLE t(a)", "PRAGMA writable_schema = ON")
    db.execute("UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a CHECK a > 0)'")
    with pytest.raises(HotmigError, match="cannot read the definition of table t: expected"):
        read_catalog(db)


def test_names_that_are_no_utf_8_are_an_error() -> None:
    db = database("CREATE TABLE t(a)", "PRAGMA writable_schema = ON")
    db.execute("UPDATE sqlite_schema SET sql = CAST(x'435245415445205441424C4520742861FF29' AS TEXT)")
    with pytest.raises(HotmigError, match="not valid UTF-8"):
        read_catalog(db)


def test_what_cannot_be_said_is_named() -> None:
    db = database(
        """CREATE TABLE t(a CONSTRAINT here NOT NULL -- why
             , b REFERENCES t MATCH FULL, CONSTRAINT pk PRIMARY KEY (a),
             CONSTRAINT kept CHECK (a > 0) ON CONFLICT FAIL)""",
        "CREATE INDEX i ON t(b /* which */)",
        "CREATE VIEW v AS SELECT a -- carried\n FROM t",
        "CREATE TABLE plain(a REFERENCES t DEFERRABLE)",
        "CREATE TABLE _migration_log(id, operation, table_name /* ours */)",
        "CREATE INDEX ours ON _migration_log(id /* ours */)",
    )
    assert unsayable(db) == (
        "table t: MATCH FULL of the foreign key to t, which has no effect",
        "table t: the ON CONFLICT clause of CHECK (a > 0), which has no effect",
        "table t: the constraint name here",
        "table t: the constraint name pk",
        "table t: comments",
        "index i: comments",
        "table plain: a DEFERRABLE clause that has no effect",
    )
