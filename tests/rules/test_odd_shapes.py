"""Rules over shapes that are seldom met: references that are NULL in part, names that are ours too, made values."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.rules.project import Project

PAIRS = """
    CREATE TABLE place(x INTEGER NOT NULL, y TEXT NOT NULL, name TEXT, PRIMARY KEY (x, y));
    CREATE TABLE visit(id INTEGER PRIMARY KEY, place_x INTEGER, place_y TEXT,
        FOREIGN KEY (place_x, place_y) REFERENCES place(x, y));
    CREATE INDEX visited ON visit(place_x, place_y);
    INSERT INTO place VALUES (1, 'a', 'sun'), (2, 'b', 'sol');
    INSERT INTO visit VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 7, NULL), (4, NULL, 'only this'), (5, NULL, NULL);
"""
PLACES = """
@table(key=["x", "y"], {rule})
class Place:
    x: int
    y: str
    name: str | None = None

@table(foreign_keys=[ForeignKey(["place_x", "place_y"], "Place", ["x", "y"])], indexes=[Index("place_x", "place_y")])
class Visit:
    id: Annotated[int, Key] = auto()
    place_x: {type} | None = None
    place_y: str | None = None
"""
RULES = {
    "merge": 'merge=Merge(by="name", mapping={"sol": "sun"})',
    "duplicates": 'duplicates=Duplicates(key="x", compare=(), prefer="y")',
}


@pytest.mark.parametrize("type_", ["int", "str"])
@pytest.mark.parametrize("rule", RULES)
def test_a_reference_that_is_null_in_part_keeps_its_other_part(tmp_path: Path, rule: str, type_: str) -> None:
    """It refers to nothing, and so there is nothing to follow."""
    script = PAIRS if rule == "merge" else PAIRS.replace("(2, 'b', 'sol')", "(1, 'b', 'sol')").replace("2, 2,", "2, 1,")
    project = Project.begin(tmp_path, script, PLACES.replace("{rule}", RULES[rule]).replace("{type}", type_))
    assert project.messages("orphans") == []
    project.run("migrate")
    project.write("UPDATE visit SET place_x = 8 WHERE id = 3", "INSERT INTO visit VALUES (6, 9, NULL)")
    project.run("drain", "--cutover")
    as_kept = int if type_ == "int" else str
    one, eight, nine = as_kept(1), as_kept(8), as_kept(9)
    assert project.new("SELECT * FROM visit ORDER BY id") == [
        (1, one, "a"), (2, one, "a"), (3, eight, None), (4, None, "only this"), (5, None, None), (6, nine, None),
    ]  # fmt: skip


def test_old_columns_that_are_called_as_columns_of_ours(tmp_path: Path) -> None:
    script = "CREATE TABLE thing(id INTEGER PRIMARY KEY, seen TEXT, live TEXT, planted TEXT, value TEXT)"
    module = """
@table(duplicates=Duplicates(key="seen", compare=("live", "planted", "value"), prefer="live DESC, id"))
class Thing:
    id: Annotated[int, Key] = auto()
    seen: str | None = None
    live: str | None = None
    planted: str | None = None
    value: str | None = None
"""
    project = Project.begin(tmp_path, f"{script}; INSERT INTO thing(seen, live) VALUES ('x', 'a'), ('x', 'b')", module)
    project.through("INSERT INTO thing(seen, live) VALUES ('x', 'c'), ('y', 'a')")
    assert project.new("SELECT seen, live FROM thing ORDER BY id") == [("x", "c"), ("y", "a")]


@pytest.mark.parametrize("create", ["'77'", "77", "77.0", "'77' || ''"])
def test_what_is_made_is_stored_as_its_columns_keep_it(tmp_path: Path, create: str) -> None:
    script = """
        CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT UNIQUE, cost REAL, amount INTEGER, note TEXT, any_value);
        CREATE TABLE use(id INTEGER PRIMARY KEY, tag_id INTEGER REFERENCES tag(id) ON DELETE CASCADE);
        CREATE INDEX used ON use(tag_id);
        INSERT INTO tag(id, name) VALUES (1, 'sol'), (2, 'other');
        INSERT INTO use VALUES (1, 1), (2, 2)"""
    names = ("id", "cost", "amount", "note", "any_value")
    module = f"""
@table(merge=Merge(by="name", mapping={{"sol": "sun"}}, create={dict.fromkeys(names, create)!r}))
class Tag:
    id: Annotated[int, Key] = auto()
    name: Annotated[str | None, Unique] = None
    cost: float | None = None
    amount: int | None = None
    note: str | None = None
    any_value: Annotated[object, ColumnType("")] = None

@table
class Use:
    id: Annotated[int, Key] = auto()
    tag: Annotated[Tag | None, References(on_delete="CASCADE"), Index] = None
"""
    project = Project.begin(tmp_path, script, module)
    project.through("INSERT INTO use VALUES (3, 1)")
    expected = project.old(
        "CREATE TEMP TABLE kept(id INTEGER PRIMARY KEY, cost REAL, amount INTEGER, note TEXT, any_value)"
    ) or project.old(f"INSERT INTO temp.kept VALUES ({', '.join([create] * 5)}) RETURNING *, typeof(any_value)")
    assert project.new("SELECT id, cost, amount, note, any_value, typeof(any_value) FROM tag WHERE name = 'sun'") == (
        expected
    )
    assert project.new("SELECT id, tag_id FROM use ORDER BY id") == [(1, 77), (2, 2), (3, 77)]


OWNED = """
    CREATE TABLE owner(id INTEGER PRIMARY KEY);
    CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT UNIQUE, owner_id INTEGER REFERENCES owner(id));
    INSERT INTO owner VALUES (1), (2);
    INSERT INTO tag VALUES (1, 'sol', 1);
"""
OWNERS = """
@table
class Owner:
    id: Annotated[int, Key] = auto()

@table(merge=Merge(by="name", mapping={"sol": "sun", "luna": "moon"}, create={"id": "900", "owner_id": "2"}))
class Tag:
    id: Annotated[int, Key] = auto()
    name: Annotated[str | None, Unique] = None
    owner: Annotated[Owner | None, References()] = None
"""


def test_a_made_row_whose_parent_is_taken_away_meanwhile_is_refused(tmp_path: Path) -> None:
    project = Project.begin(tmp_path, OWNED, OWNERS)
    project.run("migrate")
    project.write("DELETE FROM owner WHERE id = 2")
    refused = project.run("drain", "--cutover", code=3)
    what = 'a row that Merge makes for table "tag" refers by owner_id to no row of "owner": 2'
    assert what in " ".join(refused.stderr.split())
    project.write("INSERT INTO owner VALUES (2)")
    project.run("drain", "--cutover")
    assert project.new("SELECT * FROM tag") == [(900, "sun", 2)]
    assert project.new("PRAGMA foreign_key_check") == []


def test_a_made_row_that_nothing_asks_for_is_found_by_the_proof(tmp_path: Path) -> None:
    project = Project.begin(tmp_path, OWNED, OWNERS)
    old = next(tmp_path.glob("app-*.sqlite"))
    project.run("migrate")
    (new,) = (path for path in tmp_path.glob("app-*.sqlite") if path != old)
    db = sqlite3.connect(new, isolation_level=None)
    (table,) = db.execute("SELECT name FROM sqlite_schema WHERE name GLOB '_migration_created_*'").fetchone()
    db.execute(f"INSERT INTO {table} VALUES ('moon', 1, 1, 901, 2)")
    db.execute("INSERT INTO tag VALUES (901, 'moon', 2)")
    db.close()
    refused = project.run("drain", "--cutover", code=3)
    assert 'the proof failed: table "tag" has 1 row made by Merge without need' in refused.stderr
