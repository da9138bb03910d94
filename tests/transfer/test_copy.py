"""The copy: in chunks, at different moments, killed and gone on with, and yet one state of the old database."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.transfer import build
from hotmig.transfer.copy import copy_all
from hotmig.transfer.identity import read_copies
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from tests.transfer.building import Case, rules, schema


def ignore(_table: str, _rows: int) -> None:
    pass


class KilledError(Exception):
    pass


KEYS = {
    "integer": "id INTEGER PRIMARY KEY, v TEXT",
    "text": "id TEXT NOT NULL PRIMARY KEY, v TEXT",
    "nocase": "id TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, v TEXT",
    "real": "id REAL NOT NULL PRIMARY KEY, v TEXT",
    "blob": "id BLOB NOT NULL PRIMARY KEY, v TEXT",
    "descending": "id TEXT NOT NULL, v TEXT, PRIMARY KEY (id DESC)",
    "unique": "id TEXT NOT NULL UNIQUE, v TEXT",
    "other collation": "id TEXT NOT NULL, v TEXT, UNIQUE (id COLLATE NOCASE)",
    "rowid": "id TEXT, v TEXT",
}


@pytest.mark.parametrize("wal", [True, False])
@pytest.mark.parametrize("key", KEYS)
def test_a_copy_that_was_killed_goes_on_where_it_stood(tmp_path: Path, key: str, wal: bool) -> None:
    ddl = [f"CREATE TABLE t({KEYS[key]})"]
    fill = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
        " INSERT INTO t SELECT CAST(i * 7 % 3001 AS {}), 'v' || i FROM n"
    ).format("BLOB" if key == "blob" else "INTEGER")
    # A column in front: row by row, not as it is.
    case = Case(tmp_path, [*ddl, fill], schema([f"CREATE TABLE t(w TEXT, {KEYS[key]})"]), wal=wal)
    case.record()
    chunks = 0

    def killed_after_one_chunk(_table: str, _rows: int) -> None:
        nonlocal chunks
        chunks += 1
        raise KilledError

    for _ in range(2):
        with case.session() as session, pytest.raises(KilledError):
            copy_all(session, {}, killed_after_one_chunk)
        case.write(
            "DELETE FROM t WHERE v IN ('v5', 'v2500')", f"UPDATE t SET v = 'w{chunks}' WHERE v IN ('v6', 'v2600')"
        )
    with case.session() as session:
        case.copy(session)
        copies = read_copies(session.db)
        assert copies is not None
        assert [copy.state for copy in copies] == ["indexed"]
        replay(session)
        assert prove(session, ignore).rows == 2998
    assert sorted(case.new_rows("SELECT id, v FROM t")) == sorted(case.app.execute("SELECT id, v FROM t"))


def test_a_unique_value_that_moves_to_a_later_key_during_the_copy_does_no_harm(tmp_path: Path) -> None:
    ddl = ["CREATE TABLE t(id INTEGER PRIMARY KEY, u INTEGER UNIQUE)"]
    fill = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
        " INSERT INTO t SELECT i, i FROM n"
    )
    case = Case(tmp_path, [*ddl, fill], schema(ddl))
    case.record()
    moved = False

    def move(_table: str, _rows: int) -> None:
        nonlocal moved
        if not moved:
            case.write("UPDATE t SET u = -1 WHERE id = 10", "UPDATE t SET u = 10 WHERE id = 4990")
            moved = True

    with case.session() as session:
        copy_all(session, build.indexes_of(case.schema), move)
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT id, u FROM t WHERE id IN (10, 4990)") == [(10, -1), (4990, 10)]


def test_a_conflict_clause_of_the_new_table_does_not_drop_rows_in_silence(tmp_path: Path) -> None:
    wanted = schema(["CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE ON CONFLICT REPLACE)"])
    case = Case(
        tmp_path, ["CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT)", "INSERT INTO t VALUES (1, 'a'), (2, 'a')"], wanted
    )
    case.record()
    with case.session() as session, pytest.raises(Refused, match=r"UNIQUE constraint failed: t\.u"):
        case.copy(session)


def test_two_thousand_columns(tmp_path: Path) -> None:
    columns = ", ".join(f'"c {number}" INTEGER' for number in range(1999))
    ddl = [f"CREATE TABLE t(id INTEGER PRIMARY KEY, {columns})"]
    case = Case(tmp_path, [*ddl, 'INSERT INTO t(id, "c 0", "c 1998") VALUES (1, 5, 6), (2, 7, 8)'], schema(ddl))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write('UPDATE t SET "c 1998" = 9 WHERE id = 2')
        replay(session)
        prove(session, ignore)
    assert case.new_rows('SELECT id, "c 0", "c 1998" FROM t') == [(1, 5, 6), (2, 7, 9)]


def test_a_table_without_a_key_gets_one_and_a_keyed_one_loses_it(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE a(v TEXT)",
        "CREATE TABLE b(k TEXT PRIMARY KEY NOT NULL, v TEXT)",
        "INSERT INTO a VALUES ('x'), ('y')",
        "INSERT INTO b VALUES ('p', 'x'), ('q', 'y')",
    ]
    wanted = schema(["CREATE TABLE a(id INTEGER PRIMARY KEY, v TEXT)", "CREATE TABLE b(k TEXT, v TEXT)"])
    case = Case(tmp_path, old, wanted)
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(
            "INSERT INTO a VALUES ('z')",
            "DELETE FROM a WHERE v = 'x'",
            "UPDATE b SET v = 'z' WHERE k = 'q'",
            "INSERT INTO b VALUES ('r', 'n')",
            "DELETE FROM b WHERE k = 'p'",
        )
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT v FROM a ORDER BY 1") == [("y",), ("z",)]
    assert case.new_rows("SELECT * FROM b ORDER BY 1") == [("q", "z"), ("r", "n")]


def test_values_of_every_kind_arrive_as_they_are(tmp_path: Path) -> None:
    ddl = ["CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT, c REAL, d NUMERIC, e BLOB)"]
    values = [
        "NULL",
        "9223372036854775807",
        "-9223372036854775807 - 1",
        "9e999",
        "-9e999",
        "-0.0",
        "0.0",
        "''",
        "x''",
        "CAST(x'ff00fe' AS TEXT)",
        "'a' || char(0) || 'b'",
        "zeroblob(100000)",
        "1",
        "1.0",
        "'1'",
    ]
    fill = [f"INSERT INTO t VALUES ({number}, {', '.join([value] * 5)})" for number, value in enumerate(values)]
    case = Case(tmp_path, [*ddl, *fill], schema(ddl))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write("UPDATE t SET a = 0.0 WHERE id = 5", "UPDATE t SET a = -0.0 WHERE id = 6")
        replay(session)
        assert prove(session, ignore).rows == len(values)
    every = "SELECT id, typeof(a), hex(a), typeof(b), hex(b), typeof(c), hex(c), typeof(d), hex(d), hex(e) FROM t"
    assert case.new_rows(every) == case.app.execute(every).fetchall()
    assert [repr(row[0]) for row in case.new_rows("SELECT a FROM t WHERE id IN (5, 6)")] == ["0.0", "-0.0"]


def test_a_generated_column_is_computed_by_the_new_table(tmp_path: Path) -> None:
    wanted = schema(
        ["CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, w TEXT AS (v || '!') STORED, x TEXT AS (w || '?'))"]
    )
    case = Case(tmp_path, ["CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO t VALUES (1, 'a')"], wanted)
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write("UPDATE t SET v = 'b'")
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT * FROM t") == [(1, "b", "b!", "b!?")]


def test_a_whole_table_mark_makes_the_replay_compare_every_row(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE t(k TEXT PRIMARY KEY NOT NULL, v INTEGER)",
        "INSERT INTO t VALUES ('a', 1), ('b', 2), ('c', 3)",
    ]
    wanted = schema(
        ["CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT NOT NULL, w INTEGER)"], [rules("t", w={"source": "v * 2"})]
    )
    case = Case(tmp_path, old, wanted)
    case.record()
    with case.session() as session:
        case.copy(session)
        for event in ("before_insert", "after_insert", "before_update", "after_update", "before_delete"):
            case.write(f"DROP TRIGGER IF EXISTS _migration_capture_1_{event}")
        case.write(
            "DELETE FROM t WHERE k = 'a'",
            "UPDATE t SET v = 9 WHERE k = 'b'",
            "INSERT INTO t VALUES ('d', 4)",
            "INSERT INTO _migration_log(operation, table_name) VALUES ('table', 't')",
        )
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT k, w FROM t ORDER BY 1") == [("b", 18), ("c", 6), ("d", 8)]


CHILDREN = (
    "CREATE TABLE parent(code {parent} NOT NULL PRIMARY KEY)",
    "CREATE TABLE child(id INTEGER PRIMARY KEY, code {child} NOT NULL REFERENCES parent(code))",
    "INSERT INTO parent VALUES ('b'), ('A'), (10)",
    "INSERT INTO child VALUES (1, 'A'), (2, 'b'), (3, 'B'), (4, 10), (5, '10')",
)
FOLLOWED = (
    "CREATE TABLE parent(id INTEGER PRIMARY KEY, code TEXT NOT NULL)",
    "CREATE TABLE child(id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES parent(id))",
)


@pytest.mark.parametrize("parent", ["TEXT", "TEXT COLLATE NOCASE", "", "NUMERIC"])
@pytest.mark.parametrize("child", ["TEXT", "TEXT COLLATE NOCASE", "", "NUMERIC"])
def test_a_child_finds_in_the_copy_the_parent_that_sqlite_finds(tmp_path: Path, parent: str, child: str) -> None:
    old = [sql.format(parent=parent, child=child) for sql in CHILDREN]
    case = Case(tmp_path, old, schema(FOLLOWED, [rules("child", parent_id={"was": "code"})]))
    found = "SELECT child.id, parent.code FROM child JOIN parent ON parent.code = +child.code ORDER BY 1"
    wanted = case.app.execute(found).fetchall()
    kept = ", ".join(str(key) for key, _ in wanted)
    case.write(f"DELETE FROM child WHERE id NOT IN ({kept})")
    case.record()
    with case.session() as session:
        case.copy(session)
        prove(session, lambda _table, _rows: None)
    joined = case.new_rows("SELECT child.id, parent.code FROM child JOIN parent ON parent.id = parent_id ORDER BY 1")
    assert [(key, str(code)) for key, code in joined] == [(key, str(code)) for key, code in wanted]
