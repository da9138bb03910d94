"""The copy of a table as it is: SQLite moves rows and index entries without decoding them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hotmig.errors import Refused
from hotmig.transfer import as_is, build
from hotmig.transfer.copy import copy_all
from hotmig.transfer.identity import read_copies
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from tests.transfer.building import Case, rules, schema

ROWS = 2_000
FILL = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
    " INSERT INTO t SELECT i, 'n' || (i * 7 % 2000), i * 1.5, CAST('b' || i AS BLOB), 'A' || i FROM n"
)
COLUMNS = "a INTEGER NOT NULL, b TEXT NOT NULL, c REAL, d BLOB, e TEXT COLLATE NOCASE"
KEYED = f"{COLUMNS}, PRIMARY KEY (b, a)"
AT_MOST_STEPS = 9  # for each row; 16 to 22 without the transfer optimisation
SHAPES = {
    "integer key": "id INTEGER PRIMARY KEY, b TEXT NOT NULL, c REAL DEFAULT 1.5, d BLOB, e TEXT COLLATE NOCASE",
    "autoincrement": "id INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT, c REAL, d BLOB, e TEXT",
    "text key": f"{COLUMNS}, PRIMARY KEY (b, a DESC)",
    "unique": f"{COLUMNS}, PRIMARY KEY (a), UNIQUE (b), UNIQUE (e, c) ON CONFLICT REPLACE",
    "check": f"{COLUMNS} CHECK (length(e) > 0), PRIMARY KEY (a), CHECK (c > 0)",
    "reference": f"{COLUMNS} REFERENCES t(e) ON DELETE CASCADE, PRIMARY KEY (a), UNIQUE (e)",
}
INDEXES = ("CREATE INDEX one ON t(e, c DESC)", "CREATE UNIQUE INDEX two ON t(lower(b), c) WHERE c > 100")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many steps SQLite's virtual machine took for each copy."""
    taken: list[int] = []

    @contextmanager
    def counted(db: Any, _seconds: float) -> Iterator[None]:
        taken.append(0)

        def step() -> int:
            taken[-1] += 1
            return 0

        db.set_progress_handler(step, 1)
        try:
            yield
        finally:
            db.set_progress_handler(None, 0)

    monkeypatch.setattr(as_is, "at_most", counted)
    return taken


def copied(case: Case) -> None:
    with case.session() as session:
        case.copy(session)
        build.verify_catalog(session.db, case.schema, triggers=False)
        copies = read_copies(session.db)
        assert copies is not None
        assert {(copy.state, copy.rows) for copy in copies} == {("indexed", ROWS)}
        replay(session)
        prove(session, lambda *_: None)
    assert case.new_rows("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("options", ["", " STRICT", " WITHOUT ROWID"])
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_is_decoded(tmp_path: Path, steps: list[int], shape: str, options: str) -> None:
    if shape == "autoincrement" and options == " WITHOUT ROWID":
        options = ""
    ddl = [f"CREATE TABLE t({SHAPES[shape]}){options}", *INDEXES]
    case = Case(tmp_path, [*ddl, FILL], schema(ddl))
    case.record()
    copied(case)
    (taken,) = steps
    assert taken < AT_MOST_STEPS * ROWS * (1 + 3 / 5 * len(INDEXES))
    assert (
        case.new_rows("SELECT * FROM t ORDER BY 1, 2") == case.app.execute("SELECT * FROM t ORDER BY 1, 2").fetchall()
    )


def test_names_and_columns_behind_the_last_one_differ(tmp_path: Path, steps: list[int]) -> None:
    old = [f"CREATE TABLE t({SHAPES['check']})", "CREATE INDEX one ON t(b)", "CREATE INDEX gone ON t(c)", FILL]
    new = [
        "CREATE TABLE u(a INTEGER NOT NULL, name TEXT NOT NULL, c REAL, d BLOB, e TEXT COLLATE NOCASE CHECK"
        " (length(e) > 0), x TEXT NOT NULL DEFAULT 'it''s', y, z NUMERIC NOT NULL DEFAULT -1.5, w TEXT COLLATE NOCASE,"
        " PRIMARY KEY (a), CHECK (c > 0))",
        "CREATE INDEX other ON u(name)",
        "CREATE INDEX later ON u(x, name)",
    ]
    case = Case(tmp_path, old, schema(new, [rules("u", was="t", name={"was": "b"})]))
    case.record()
    copied(case)
    (taken,) = steps
    assert taken < AT_MOST_STEPS * ROWS * 1.6
    assert case.new_rows("SELECT DISTINCT x, y, z, w FROM u") == [("it's", None, -1.5, None)]
    assert case.new_rows("SELECT a, name, c, d, e FROM u") == case.app.execute("SELECT * FROM t").fetchall()


def test_logged_rows_are_copied_too_and_read_again_by_replay(tmp_path: Path) -> None:
    ddl = [f"CREATE TABLE t({SHAPES['unique']})"]
    case = Case(tmp_path, [*ddl, FILL], schema(ddl))
    case.record()
    case.write(
        "UPDATE t SET c = -1 WHERE a < 10",
        "DELETE FROM t WHERE a = 20",
        f"INSERT INTO t VALUES ({ROWS + 1}, 'x', 0, 0, 0)",
    )
    with case.session() as session:
        case.copy(session)
        assert case.new_rows("SELECT count(*), sum(c = -1) FROM t") == [(ROWS, 9)]
        case.write("UPDATE t SET c = -2 WHERE a < 5", "DELETE FROM t WHERE a = 30")
        replay(session)
        prove(session, lambda *_: None)
    assert case.new_rows("SELECT * FROM t") == case.app.execute("SELECT * FROM t").fetchall()


def test_in_rollback_journal_mode_no_read_is_that_long(tmp_path: Path, steps: list[int]) -> None:
    ddl = [f"CREATE TABLE t({SHAPES['integer key']})"]
    case = Case(tmp_path, [*ddl, FILL], schema(ddl), wal=False)
    case.record()
    copied(case)
    assert steps == []


def test_what_would_take_too_long_is_projected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_is, "SECONDS", 0.0)
    ddl = [f"CREATE TABLE t({SHAPES['check']})", *INDEXES]
    case = Case(tmp_path, [*ddl, FILL], schema(ddl))
    case.record()
    told: list[tuple[str, int]] = []
    with case.session() as session:
        copy_all(session, build.indexes_of(case.schema), lambda *chunk: told.append(chunk))
        assert (told[0], sum(rows for _, rows in told)) == (("t", 0), ROWS)
    copied(case)


def test_what_is_too_large_is_not_tried(tmp_path: Path, steps: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_is, "MOST_BYTES", 30_000)
    ddl = ["CREATE TABLE t(a INTEGER PRIMARY KEY, b, c, d, e)", "CREATE TABLE few(a INTEGER PRIMARY KEY, b)"]
    fill = [FILL.replace("n'", "0'"), "INSERT INTO few SELECT a, zeroblob(5000) FROM t LIMIT 3"]
    case = Case(tmp_path, [*ddl, *fill], schema(ddl), expected={"t": ROWS, "few": 3})
    case.record()
    with case.session() as session:
        case.copy(session)
    assert len(steps) == 1
    assert case.new_rows("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM few)") == [(ROWS, 3)]


def test_one_that_was_killed_begins_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = [f"CREATE TABLE t({SHAPES['integer key']})", INDEXES[0], FILL]
    new = [f"CREATE TABLE t({SHAPES['integer key']}, more TEXT)", INDEXES[0]]
    case = Case(tmp_path, old, schema(new))
    case.record()
    with monkeypatch.context() as patched, case.session() as session:
        patched.setattr(as_is, "definition", lambda _column: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            case.copy(session)
        assert [copy.state for copy in read_copies(session.db) or ()] == ["waiting"]
    copied(case)


# --- what means another thing in the new table


ADDED = "CREATE TABLE t(id INTEGER PRIMARY KEY, status TEXT, u INTEGER{more})"
JOBS = "INSERT INTO t VALUES (1, 'done', 1), (2, 'new', 2), (3, 'new', 2)"


@pytest.mark.parametrize(
    ("index", "more", "found"),
    [
        ('CREATE INDEX i ON t(status) WHERE status <> "added"', ", added TEXT DEFAULT 'new'", [(1,)]),
        ('CREATE INDEX i ON t(status, lower("added"))', ", added TEXT DEFAULT 'new'", [(1,)]),
        ("CREATE INDEX i ON t(status) WHERE oid > 1", ", oid INTEGER DEFAULT 5", [(1,)]),
    ],
)
def test_an_index_that_reads_an_added_column_is_built_behind_it(
    tmp_path: Path, index: str, more: str, found: list[tuple[int]]
) -> None:
    case = Case(tmp_path, [ADDED.format(more=""), index, JOBS], schema([ADDED.format(more=more), index]))
    case.record()
    with case.session() as session:
        case.copy(session)
        replay(session)
        prove(session, lambda *_: None)
    assert case.new_rows("PRAGMA integrity_check") == [("ok",)]
    column = more.split()[1]
    assert case.new_rows(f"SELECT count(*) = 3 FROM t WHERE {column} IS NOT NULL") == found


DEFAULTS = (
    "NULL", "0", "-1", "+7", "999999999999999", "9223372036854775808", "0x7fffffffffffffff", "1.0", "0.5", "-0.0",
    "1e3", "1e999", "TRUE", "FALSE", "'abc'", "'5'", "'1.50'", "''", "x'00ff'",
)  # fmt: skip
TYPES = ("INTEGER", "REAL", "TEXT", "BLOB", "NUMERIC", "", "INT", "DATETIME")
STRICT_TYPES = ("INTEGER", "REAL", "TEXT", "BLOB", "INT", "ANY")


@pytest.mark.parametrize(
    ("type_", "strict"), [*((each, "") for each in TYPES), *((each, " STRICT") for each in STRICT_TYPES)]
)
def test_an_old_row_has_the_default_that_a_new_one_gets(tmp_path: Path, type_: str, strict: str) -> None:
    """One table for each default; a STRICT one that does not take it is left out: there the plan blocks."""
    plain = sqlite3.connect(":memory:")
    new, expected = {}, {}
    for number, default in enumerate(DEFAULTS):
        name, added = f"t{number}", f", added {type_} DEFAULT {default}"
        ddl = f"CREATE TABLE {name}(id INTEGER PRIMARY KEY, a TEXT{{}}){strict}"
        plain.execute(ddl.format(added))
        try:
            plain.execute(f"INSERT INTO {name}(id) VALUES (1)")
        except sqlite3.IntegrityError:
            continue
        new[name] = ddl
        expected[name] = added, plain.execute(f"SELECT typeof(added), quote(added) FROM {name}").fetchone()
    old = [sql for name in new for sql in (new[name].format(""), f"INSERT INTO {name} VALUES (1, 'copied')")]
    case = Case(tmp_path, old, schema([new[name].format(expected[name][0]) for name in new]))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(*(f"INSERT INTO {name} VALUES (2, 'replayed')" for name in new))
        replay(session)
        prove(session, lambda *_: None)
    found = {name: case.new_rows(f"SELECT DISTINCT typeof(added), quote(added) FROM {name}") for name in new}
    assert found == {name: [value] for name, (_, value) in expected.items()}
    assert case.new_rows("PRAGMA integrity_check") == [("ok",)]
    assert {step.how for step in case.plan.steps} == {"as-is", "projected"}


def test_rows_that_are_longer_than_their_table_says_are_found_by_the_proof(tmp_path: Path) -> None:
    """Somebody took the last column out of the definition: its values are still in the rows."""
    new = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, w INTEGER DEFAULT 7)"
    hide = "UPDATE sqlite_schema SET sql = 'CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT)' WHERE name = 't'"
    longer = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INTEGER)"
    script = [
        longer,
        "INSERT INTO t VALUES (1, 'a', 99)",
        "PRAGMA writable_schema = 1",
        hide,
        "PRAGMA writable_schema = RESET",
    ]
    case = Case(tmp_path, script, schema([new]))
    case.record()
    with case.session() as session:
        case.copy(session)
        replay(session)
        with pytest.raises(Refused, match="1 row not as the old database says"):
            prove(session, lambda *_: None)
