"""Seed rows beside old rows: at its key a seed wins, and no old row is given the key of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.schema.model import SeedRow
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


@pytest.mark.parametrize("kind", ["NOT NULL PRIMARY KEY", "NOT NULL PRIMARY KEY DESC"])
@pytest.mark.parametrize(
    ("old_type", "old_key", "seed_key"),
    [("NUMERIC", "5", "5"), ("STRING", "5", "5"), ("INT", "5", "5"), ("TEXT", "'5'", 5)],
)
@pytest.mark.parametrize("if_absent", [True, False])
def test_an_old_row_of_the_same_digits_is_another_row(
    tmp_path: Path, kind: str, old_type: str, old_key: str, seed_key: object, if_absent: bool
) -> None:
    """A column's type would make '5' and 5 the same, and the old row the seed's own."""
    old = [
        f"CREATE TABLE tag(code {old_type} {kind}, n TEXT)",
        f"INSERT INTO tag VALUES (4, 'four'), ({old_key}, 'old')",
    ]
    wanted = schema(
        ["CREATE TABLE tag(code NOT NULL PRIMARY KEY, n TEXT)"],
        [rules("tag", seeds=[seed(if_absent, code=seed_key, n="seed")])],
    )
    case = Case(tmp_path, old, wanted)
    assert case.plan.steps[0].keys == "kept"
    case.record()
    with case.session() as session:
        case.copy(session)
        prove(session, lambda *_: None)
        assert case.new_rows("SELECT n FROM tag ORDER BY n") == [("four",), ("old",), ("seed",)]
        case.write(f"UPDATE tag SET n = 'older' WHERE code = {old_key}")
        replay(session)
        prove(session, lambda *_: None)
        assert case.new_rows("SELECT n FROM tag ORDER BY n") == [("four",), ("older",), ("seed",)]
        case.write(f"DELETE FROM tag WHERE code = {old_key}")
        replay(session)
        prove(session, lambda *_: None)
        assert case.new_rows("SELECT n FROM tag ORDER BY n") == [("four",), ("seed",)]


@pytest.mark.parametrize("keys", ["kept", "mapped"])
def test_a_seed_that_is_not_there_is_missed_by_the_proof(tmp_path: Path, keys: str) -> None:
    ddl = ["CREATE TABLE role(id INTEGER PRIMARY KEY, code TEXT NOT NULL)"]
    wanted = schema(ddl, [rules("role", seeds=[seed(id=1, code="a"), seed(if_absent=True, id=2, code="b")])])
    old = ddl if keys == "kept" else ["CREATE TABLE role(code TEXT NOT NULL PRIMARY KEY)"]
    case = Case(tmp_path, old, wanted)
    assert case.plan.steps[0].keys == keys
    case.record()
    with case.session() as session:
        case.copy(session)
        prove(session, lambda *_: None)
        session.db.execute("DELETE FROM role WHERE id = 2")
        with pytest.raises(Refused, match='table "role" has not all of its seed rows: 2'):
            prove(session, lambda *_: None)


def test_also_of_a_table_without_old_rows(tmp_path: Path) -> None:
    ddl = "CREATE TABLE role(id INTEGER PRIMARY KEY, code TEXT)"
    case = Case(
        tmp_path, ["CREATE TABLE x(id INTEGER PRIMARY KEY)"], schema([ddl], [rules("role", seeds=[seed(id=7)])])
    )
    case.record()
    with case.session() as session:
        case.copy(session)
        prove(session, lambda *_: None)
        session.db.execute("UPDATE role SET id = 8")
        with pytest.raises(Refused, match='table "role" has not all of its seed rows: 7'):
            prove(session, lambda *_: None)


def test_also_where_the_whole_table_is_compared(tmp_path: Path) -> None:
    old = ["CREATE TABLE tag(code NUMERIC NOT NULL PRIMARY KEY, n TEXT)", "INSERT INTO tag VALUES (5, 'old')"]
    new = "CREATE TABLE tag(code NOT NULL PRIMARY KEY, n TEXT)"
    case = Case(tmp_path, old, schema([new], [rules("tag", seeds=[seed(True, code="5", n="seed")])]))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write("INSERT INTO _migration_log(operation, table_name) VALUES ('table', 'tag')")
        replay(session)
        prove(session, lambda *_: None)
    assert case.new_rows("SELECT n FROM tag ORDER BY n") == [("old",), ("seed",)]


@pytest.mark.parametrize("default", ["CURRENT_TIMESTAMP", "(random())", "5"])
def test_a_column_that_only_a_seed_gives_has_its_default_in_other_rows_whatever_that_is(
    tmp_path: Path, default: str
) -> None:
    old = "CREATE TABLE role(id INTEGER PRIMARY KEY, code TEXT)"
    new = f"CREATE TABLE role(id INTEGER PRIMARY KEY, code TEXT, made DEFAULT {default}, n DEFAULT 5)"
    wanted = schema([new], [rules("role", seeds=[seed(id=1, made="seed"), seed(id=2, n=7)])])
    case = Case(tmp_path, [old, "INSERT INTO role VALUES (1, 'a'), (2, 'b'), (3, 'c')"], wanted)
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write("UPDATE role SET code = code || 'x'")
        replay(session)
        prove(session, lambda *_: None)
        for key in (1, 2) if default == "5" else (1,):  # what a default was once, nobody knows later
            (was,) = session.db.execute("SELECT made FROM role WHERE id = ?", (key,)).fetchone()
            session.db.execute("UPDATE role SET made = 'other' WHERE id = ?", (key,))
            with pytest.raises(Refused, match=f'table "role" has 1 row not as the old database says: {key}'):
                prove(session, lambda *_: None)
            session.db.execute("UPDATE role SET made = ? WHERE id = ?", (was, key))
    assert case.new_rows("SELECT id, code, made = 'seed', made IS NULL, n FROM role") == [
        (1, "ax", 1, 0, 5),
        (2, "bx", 0, 0, 7),
        (3, "cx", 0, 0, 5),
    ]


@pytest.mark.parametrize("others", [[], [seed(id=9, code="z", n=1)]], ids=["alone", "beside one that wins"])
@pytest.mark.parametrize("default", ["5", "(5 + 0)"])
def test_an_old_row_that_is_like_the_seed_that_yields_to_it_has_nothing_of_that(
    tmp_path: Path, default: str, others: list[SeedRow]
) -> None:
    old = "CREATE TABLE role(id INTEGER PRIMARY KEY, code TEXT NOT NULL)"
    new = f"CREATE TABLE role(id INTEGER PRIMARY KEY, code TEXT NOT NULL, n DEFAULT {default})"
    wanted = schema([new], [rules("role", seeds=[seed(if_absent=True, id=1, code="a", n=7), *others])])
    case = Case(tmp_path, [old], wanted)
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows("SELECT * FROM role WHERE id = 1") == [(1, "a", 7)]
        case.write("INSERT INTO role(code) VALUES ('a')")
        replay(session)
        prove(session, lambda *_: None)
    assert case.new_rows("SELECT * FROM role WHERE id = 1") == [(1, "a", 5)]
