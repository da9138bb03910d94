"""The rows that a replay takes out are those that it means, whatever the key's columns hold equal."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.sqlite import execute
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from tests.transfer.building import Case, schema

KEYS = {
    "unique": "CREATE TABLE t(id TEXT NOT NULL COLLATE NOCASE, v, UNIQUE (id COLLATE BINARY))",
    "primary": "CREATE TABLE t(id TEXT NOT NULL COLLATE NOCASE, v, PRIMARY KEY (id COLLATE BINARY))",
    "without rowid": (
        "CREATE TABLE t(id TEXT NOT NULL COLLATE NOCASE, v, PRIMARY KEY (id COLLATE BINARY)) WITHOUT ROWID"
    ),
    "composite": (
        "CREATE TABLE t(id TEXT NOT NULL COLLATE RTRIM, v, n INTEGER NOT NULL DEFAULT 1, UNIQUE (n, id COLLATE BINARY))"
    ),
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("write", ["UPDATE t SET v = 9 WHERE v = 1", "DELETE FROM t WHERE v = 1"])
def test_a_row_that_its_column_holds_equal_to_another_one_stays(tmp_path: Path, key: str, write: str) -> None:
    """Under the fence only the logged keys are proved: such a row would be gone, and nobody would know."""
    ids = "('bob ', 1), ('bob', 2)" if key == "composite" else "('bob', 1), ('BOB', 2)"
    case = Case(tmp_path, [KEYS[key], f"INSERT INTO t(id, v) VALUES {ids}"], schema([KEYS[key]]))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(write)
        replay(session, finish=True)
        assert sorted(case.new_rows("SELECT * FROM t")) == sorted(case.app.execute("SELECT * FROM t"))
        prove(session, lambda *_: None)


@pytest.mark.parametrize(
    "table",
    [
        *(ddl for key, ddl in KEYS.items() if key != "composite"),
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v)",
        "CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, v)",
        "CREATE TABLE t(id TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, v) WITHOUT ROWID",
        "CREATE TABLE t(a TEXT NOT NULL COLLATE NOCASE, b INTEGER NOT NULL, v, PRIMARY KEY (b, a))",
        "CREATE TABLE t(a TEXT NOT NULL, b BLOB NOT NULL, v, PRIMARY KEY (b, a)) WITHOUT ROWID",
        "CREATE TABLE t(v)",
    ],
)
def test_they_are_found_by_the_index_of_the_key(tmp_path: Path, table: str) -> None:
    case = Case(tmp_path, [table], schema([table]))
    case.record()
    with case.session() as session:
        (step,) = session.steps
        plan = execute(session.db, f"EXPLAIN QUERY PLAN DELETE FROM {step.target} AS n WHERE {step.is_doomed('n')}")
        steps = [row[3] for row in plan.fetchall()]
    assert any(each.startswith("SEARCH n") for each in steps), steps
    assert not any(each.startswith("SCAN n") for each in steps), steps
