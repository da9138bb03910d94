"""What the copy leaves out because of a parent that comes and goes meanwhile is there after the first replay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.transfer.build import indexes_of
from hotmig.transfer.copy import copy_all
from hotmig.transfer.proof import prove
from hotmig.transfer.ranges import FIRST_ROWS
from hotmig.transfer.replay import catch_up, replay
from hotmig.transfer.session import Session
from tests.transfer.building import Case, rules, schema

OLD = [
    "CREATE TABLE country(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE)",
    "CREATE TABLE city(id INTEGER PRIMARY KEY, country TEXT REFERENCES country(code))",
    "INSERT INTO country VALUES (1, 'a'), (2, 'x')",
    "INSERT INTO city VALUES (10, 'b'), (11, 'a')",
]
NEW = [
    "CREATE TABLE country(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE)",
    "CREATE TABLE city(id INTEGER PRIMARY KEY, country_id INTEGER REFERENCES country(id))",
]
CITIES = "SELECT * FROM city ORDER BY 1"
FOUND = "SELECT o.id, (SELECT q.id FROM country AS q WHERE q.code = +o.country) FROM city AS o ORDER BY 1"


def cities(directory: Path, old: Sequence[str] = OLD, new: Sequence[str] = NEW, was: str = "country") -> Case:
    case = Case(directory, old, schema(new, [rules("city", country_id={"was": was, "orphans": "null"})]))
    case.record()
    return case


def copy(case: Case, session: Session, after: str, *writes: str) -> None:
    """The application writes when the first chunk of the table ``after`` is there."""
    waiting = list(writes)

    def report(table: str, _rows: int) -> None:
        if table == after:
            case.write(*waiting)
            waiting.clear()

    copy_all(session, indexes_of(case.schema), report)


@pytest.mark.parametrize(
    ("comes", "goes"),
    [
        ("INSERT INTO country VALUES (3, 'b')", "DELETE FROM country WHERE id = 3"),
        ("UPDATE country SET code = 'b' WHERE id = 1", "UPDATE country SET code = 'c' WHERE id = 1"),
    ],
    ids=["a row", "its name"],
)
def test_a_parent_that_is_there_while_its_children_are_copied(tmp_path: Path, comes: str, goes: str) -> None:
    case = cities(tmp_path)
    with case.session() as session:
        copy(case, session, "country", comes)
        case.write(goes)
        replay(session)
        prove(session, lambda *_: None)
    assert case.new_rows(CITIES) == case.app.execute(FOUND).fetchall()


def test_where_the_keys_are_made_anew(tmp_path: Path) -> None:
    old = [*OLD[:1], OLD[1].replace("id INTEGER PRIMARY KEY", "name TEXT NOT NULL PRIMARY KEY"), *OLD[2:]]
    new = [*NEW[:1], NEW[1].replace("id INTEGER PRIMARY KEY", "id INTEGER PRIMARY KEY, name TEXT")]
    case = cities(tmp_path, old, new)
    with case.session() as session:
        copy(case, session, "country", "INSERT INTO country VALUES (3, 'b')")
        case.write("DELETE FROM country WHERE id = 3")
        replay(session)
        prove(session, lambda *_: None)
    assert case.new_rows("SELECT name, country_id FROM city ORDER BY 1") == [("10", None), ("11", 1)]


def test_and_the_children_of_these(tmp_path: Path) -> None:
    """A shop names its city in any case, so that it counts as logged with it."""
    old = [
        OLD[0],
        "CREATE TABLE city(name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE, country TEXT REFERENCES country(code))",
        "CREATE TABLE shop(id INTEGER PRIMARY KEY, city TEXT REFERENCES city(name))",
        OLD[2],
        "INSERT INTO city VALUES ('Rom', 'b'), ('Ulm', 'a')",
        "INSERT INTO shop VALUES (100, 'ROM'), (101, 'ulm')",
    ]
    new = [
        NEW[0],
        "CREATE TABLE city(id INTEGER PRIMARY KEY, name TEXT, country_id INTEGER REFERENCES country(id))",
        "CREATE TABLE shop(id INTEGER PRIMARY KEY, city_id INTEGER REFERENCES city(id))",
    ]
    said = [rules("city", country_id={"was": "country", "orphans": "null"}), rules("shop", city_id={"was": "city"})]
    case = Case(tmp_path, old, schema(new, said))
    case.record()
    with case.session() as session:
        copy(case, session, "country", "INSERT INTO country VALUES (3, 'b')")
        assert case.new_rows("SELECT * FROM shop") == [(101, 2)]
        case.write("DELETE FROM country WHERE id = 3")
        replay(session)
        prove(session, lambda *_: None)
    assert case.new_rows("SELECT shop.id, name FROM shop JOIN city ON city.id = city_id ORDER BY 1") == [
        (100, "Rom"),
        (101, "Ulm"),
    ]


MANY = f"WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= {FIRST_ROWS}) INSERT INTO"
TREE = [
    "CREATE TABLE node(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, up TEXT REFERENCES node(code))",
    "INSERT INTO node VALUES (1, 'child', 'parent'), (100000, 'parent', NULL)",
    f"{MANY} node SELECT i, 'other ' || i, NULL FROM n",
]


@pytest.mark.parametrize(
    "write",
    [
        "UPDATE node SET code = 'else' WHERE id = 100000",
        "DELETE FROM node WHERE id = 100000",
        "UPDATE node SET id = 200000, code = 'else' WHERE id = 100000",
    ],
    ids=["renamed", "gone", "another key"],
)
def test_a_parent_that_is_left_out_when_its_child_is_copied_already(tmp_path: Path, write: str) -> None:
    new = ["CREATE TABLE node(id INTEGER PRIMARY KEY, code TEXT NOT NULL, up_id INTEGER REFERENCES node(id))"]
    case = Case(tmp_path, TREE, schema(new, [rules("node", up_id={"was": "up", "orphans": "null"})]))
    case.record()
    with case.session() as session:
        copy(case, session, "node", write)
        assert case.new_rows("SELECT up_id FROM node WHERE id = 1") == [(100000,)]
        replay(session)
        prove(session, lambda *_: None)
    assert case.new_rows("SELECT up_id FROM node WHERE id = 1") == [(None,)]


def test_a_parent_that_has_another_name_in_each_part_of_the_log(tmp_path: Path) -> None:
    """A child that is read when the log is replayed in part would be read against a name that nobody remembers."""
    noise = ["CREATE TABLE noise(id INTEGER PRIMARY KEY, v INTEGER)", f"{MANY} noise SELECT i, 0 FROM n"]
    case = cities(tmp_path, [*OLD, *noise], [*NEW, noise[0]])
    with case.session() as session:
        case.copy(session)
        replay(session)
        case.write(
            "UPDATE city SET id = id WHERE id = 10",
            "UPDATE noise SET v = 1",
            "UPDATE country SET code = 'b' WHERE id = 1",
        )
        rounds = catch_up(session)
        next(rounds)
        case.write("UPDATE country SET code = 'c' WHERE id = 1")
        assert [done.entries for done in rounds] == [], "all at once"
        replay(session)
        assert case.new_rows(CITIES) == [(10, None), (11, None)]
        prove(session, lambda *_: None)


def test_a_child_of_a_parent_that_was_never_copied_is_named(tmp_path: Path) -> None:
    """Its key was mapped already, and the child has it: nothing is taken out from which a child would be left."""
    old = [
        "CREATE TABLE tag(name TEXT NOT NULL PRIMARY KEY, note TEXT)",
        "CREATE TABLE post(id INTEGER PRIMARY KEY, tag TEXT REFERENCES tag(name))",
        "CREATE TABLE first(id INTEGER PRIMARY KEY)",
        "INSERT INTO tag VALUES ('red', ''), ('blue', '')",
        "INSERT INTO post VALUES (1, 'red'), (2, 'blue')",
    ]
    new = [
        "CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT NOT NULL, note TEXT, first INTEGER REFERENCES first(id))",
        "CREATE TABLE post(id INTEGER PRIMARY KEY, tag_id INTEGER REFERENCES tag(id))",
        old[2],
    ]
    case = Case(tmp_path, old, schema(new, [rules("post", tag_id={"was": "tag"})]))
    case.record()
    with case.session() as session:
        copy(case, session, "first", "DELETE FROM tag WHERE name = 'red'")
        assert case.new_rows("SELECT * FROM post") == [(1, 2), (2, 1)]
        with pytest.raises(Refused, match=r'"post" \(tag_id\) refers to no row .* with id 1: tag_id 2'):
            replay(session)


def test_also_where_keys_are_kept_and_the_foreign_key_is_new(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE first(id INTEGER PRIMARY KEY, tag_id INTEGER)",
        "CREATE TABLE tag(id INTEGER PRIMARY KEY, first_id INTEGER)",
        "INSERT INTO tag VALUES (1, NULL), (2, NULL)",
        "INSERT INTO first VALUES (10, 1), (11, 2)",
    ]
    # Each refers to the other, so that a child is copied before its parent.
    new = [
        old[0].replace("tag_id INTEGER", "tag_id INTEGER REFERENCES tag(id)"),
        old[1].replace("first_id INTEGER", "first_id INTEGER REFERENCES first(id)"),
    ]
    case = Case(tmp_path, old, schema(new))
    case.record()
    with case.session() as session:
        copy(case, session, "first", "DELETE FROM tag WHERE id = 1")
        assert case.new_rows("SELECT count(*) FROM tag UNION ALL SELECT count(*) FROM first") == [(1,), (2,)]
        with pytest.raises(Refused, match=r'"first" \(tag_id\) refers to no row .* with id 10: tag_id 1'):
            replay(session)
