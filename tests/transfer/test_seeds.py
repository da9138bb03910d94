"""Seed rows beside old rows: at its key a seed wins, and no old row is given the key of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from tests.transfer.building import Case, rules, schema, seed


@pytest.mark.parametrize("key", ["id", "ID", "Äid", "ſ", "İ"])
def test_no_old_row_gets_the_key_of_a_seed(tmp_path: Path, key: str) -> None:
    wanted = schema(
        [f'CREATE TABLE kind("{key}" INTEGER PRIMARY KEY, code TEXT NOT NULL)'],
        [rules("kind", seeds=[seed(**{key: 1, "code": "seed"})])],
    )
    old = ["CREATE TABLE kind(code TEXT PRIMARY KEY NOT NULL)", "INSERT INTO kind VALUES ('a'), ('b')"]
    case = Case(tmp_path, old, wanted)
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write("INSERT INTO kind VALUES ('c')")
        replay(session)
        prove(session, lambda *_: None)
    assert case.new_rows("SELECT * FROM kind ORDER BY 1") == [(1, "seed"), (2, "a"), (3, "b"), (4, "c")]


@pytest.mark.parametrize("key", ["id", "Äid"])
def test_a_seed_is_no_row_too_many(tmp_path: Path, key: str) -> None:
    ddl = [f'CREATE TABLE kind("{key}" INTEGER PRIMARY KEY, code TEXT NOT NULL)']
    wanted = schema(ddl, [rules("kind", seeds=[seed(**{key: 1, "code": "seed"})])])
    case = Case(tmp_path, [*ddl, "INSERT INTO kind VALUES (2, 'a')"], wanted)
    case.record()
    with case.session() as session:
        case.copy(session)
        assert prove(session, lambda *_: None).rows == 1
    assert case.new_rows("SELECT * FROM kind ORDER BY 1") == [(1, "seed"), (2, "a")]


@pytest.mark.parametrize("kept", ["COLLATE NOCASE", ""])
@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE, n INTEGER", "name"),
        ("name TEXT NOT NULL COLLATE NOCASE, n INTEGER NOT NULL, PRIMARY KEY (name, n)", "name, n"),
        ("name TEXT NOT NULL UNIQUE COLLATE NOCASE, n INTEGER", "name"),
    ],
)
def test_beside_a_seed_rows_are_found_in_the_order_of_their_keys_collation(
    tmp_path: Path, key: str, named: str, kept: str
) -> None:
    names = ["apple", "Banana", "cherry", "Zebra", "banana-x", "Äpfel"]
    ddl = f"CREATE TABLE tag(name TEXT NOT NULL {kept}, n INTEGER NOT NULL, PRIMARY KEY ({named}))"
    wanted = schema([ddl], [rules("tag", seeds=[seed(name="system", n=0)])])
    values = ", ".join(f"('{name}', {number})" for number, name in enumerate(names))
    case = Case(tmp_path, [f"CREATE TABLE tag({key})", f"INSERT INTO tag VALUES {values}"], wanted)
    case.record()
    with case.session() as session:
        case.copy(session)
        assert prove(session, lambda *_: None).rows == len(names)
    assert {name for (name,) in case.new_rows("SELECT name FROM tag")} == {*names, "system"}


def test_a_seed_that_yields_waits_where_its_old_row_is_written_to(tmp_path: Path) -> None:
    ddl = ["CREATE TABLE role(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE)"]
    wanted = schema(ddl, [rules("role", seeds=[seed(if_absent=True, id=1, code="admin")])])
    case = Case(tmp_path, [*ddl, "INSERT INTO role VALUES (1, 'administrator'), (2, 'admin')"], wanted)
    case.record()
    case.write("UPDATE role SET code = 'administrators' WHERE id = 1")
    with case.session() as session:
        case.copy(session)
        assert case.new_rows("SELECT * FROM role") == [(2, "admin")]
        replay(session)
        prove(session, lambda *_: None)
        assert case.new_rows("SELECT * FROM role") == [(1, "administrators"), (2, "admin")]
        case.write("DELETE FROM role")
        replay(session)
    assert case.new_rows("SELECT * FROM role") == [(1, "admin")]
