"""Merges by the primary key itself, children that name their parent, and keys that are new as well."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.rules.project import Project

TAGS = """
    CREATE TABLE tag(name TEXT PRIMARY KEY NOT NULL, colour TEXT);
    CREATE TABLE note(id INTEGER PRIMARY KEY, tag TEXT REFERENCES tag(name) ON DELETE CASCADE ON UPDATE CASCADE);
    INSERT INTO tag VALUES ('sun', 'gold'), ('Sol', 'red'), ('luna', 'grey'), ('other', NULL);
    INSERT INTO note VALUES (1, 'sun'), (2, 'Sol'), (3, 'luna'), (4, 'other'), (5, NULL);
"""
BY_KEY = """
@table(merge=Merge(by="name", mapping={"sol": "sun", "luna": "moon"}, fold_case=True, create={"colour": "'made'"}))
class Tag:
    name: Annotated[str, Key]
    colour: str | None = None

@table
class Note:
    id: Annotated[int, Key] = auto()
    tag: Annotated[str | None, References(Tag, "name", on_delete="CASCADE", on_update="CASCADE"), Index] = None
"""
NOTES = "SELECT id, tag FROM note ORDER BY id"
TAGGED = [(1, "sun"), (2, "sun"), (3, "moon"), (4, "other"), (5, None)]


def test_a_merge_by_the_primary_key(tmp_path: Path) -> None:
    project = Project.begin(tmp_path, TAGS, BY_KEY)
    project.through()
    assert project.new("SELECT * FROM tag ORDER BY name") == [("moon", "made"), ("other", None), ("sun", "gold")]
    assert project.new(NOTES) == TAGGED
    assert project.new("PRAGMA foreign_key_check") == []
    assert "Nothing to do" in project.run("plan").output


def test_what_is_written_under_old_keys_meanwhile(tmp_path: Path) -> None:
    project = Project.begin(tmp_path, TAGS, BY_KEY)
    project.run("migrate")
    project.write(
        "INSERT INTO tag VALUES ('SOL', 'late')",
        "INSERT INTO note VALUES (6, 'SOL'), (7, 'luna')",
        "INSERT INTO tag VALUES ('moon', 'real')",
        "PRAGMA foreign_keys = ON",
        "DELETE FROM tag WHERE name = 'Sol'",
    )
    project.run("drain", "--cutover")
    assert project.new("SELECT * FROM tag ORDER BY name") == [("moon", "real"), ("other", None), ("sun", "gold")]
    assert project.new(NOTES) == [(1, "sun"), (3, "moon"), (4, "other"), (5, None), (6, "sun"), (7, "moon")]


def test_a_made_row_goes_when_no_alias_is_left_and_comes_back_the_same(tmp_path: Path) -> None:
    module = BY_KEY.replace("'made'", "lower(hex(randomblob(8)))")
    project = Project.begin(tmp_path, TAGS, module)
    project.run("migrate")
    project.write("DELETE FROM note WHERE tag = 'luna'", "DELETE FROM tag WHERE name = 'luna'")
    project.run("drain", "--hold", "0.01")
    time.sleep(0.05)  # until the fence has lapsed
    project.write("INSERT INTO tag VALUES ('LUNA', 'late')", "INSERT INTO note VALUES (9, 'LUNA')")
    project.run("drain", "--cutover")
    ((colour,),) = project.new("SELECT colour FROM tag WHERE name = 'moon'")
    assert len(colour) == 16
    assert project.new("SELECT tag FROM note WHERE id = 9") == [("moon",)]


PEOPLE = """
    CREATE TABLE person(id INTEGER PRIMARY KEY, email TEXT NOT NULL, nick TEXT NOT NULL UNIQUE, seen INTEGER);
    CREATE TABLE visit(id INTEGER PRIMARY KEY, nick TEXT NOT NULL REFERENCES person(nick) ON DELETE CASCADE);
    CREATE INDEX visit_nick ON visit(nick);
    INSERT INTO person VALUES (1, 'a@x', 'ann', 1), (2, 'A@X', 'anna', 2), (3, 'b@x', 'bob', 1);
    INSERT INTO visit VALUES (1, 'ann'), (2, 'anna'), (3, 'bob');
"""
BY_NICK = """
@table(duplicates=Duplicates(key="email", compare=(), prefer="seen DESC, id"))
class Person:
    id: Annotated[int, Key] = auto()
    email: Annotated[str, Unique(collate="NOCASE")]
    nick: Annotated[str, Unique]
    seen: int | None = None

@table
class Visit:
    id: Annotated[int, Key] = auto()
    nick: Annotated[str, References(Person, "nick", on_delete="CASCADE"), Index]
"""


@pytest.mark.parametrize("wal", [True, False])
def test_a_child_that_names_a_loser_names_the_winner_afterwards(tmp_path: Path, wal: bool) -> None:
    project = Project.begin(tmp_path, PEOPLE, BY_NICK, wal=wal)
    project.run("migrate")
    project.write("UPDATE person SET seen = 9 WHERE id = 1", "INSERT INTO person VALUES (4, 'B@x', 'bobby', 5)")
    project.write("INSERT INTO visit VALUES (4, 'bobby')")
    project.run("drain", "--cutover")
    assert project.new("SELECT id, nick FROM person ORDER BY id") == [(1, "ann"), (4, "bobby")]
    assert project.new("SELECT id, nick FROM visit ORDER BY id") == [
        (1, "ann"), (2, "ann"), (3, "bobby"), (4, "bobby"),
    ]  # fmt: skip
    assert project.new("PRAGMA foreign_key_check") == []


def test_new_keys_for_a_table_whose_rows_become_one(tmp_path: Path) -> None:
    module = """
@table("tag", duplicates=Duplicates(key="colour", compare=(), prefer="name"))
class Tag:
    id: Annotated[int, Key] = auto()
    name: str
    colour: Annotated[str | None, Unique] = None

@table
class Note:
    id: Annotated[int, Key] = auto()
    tag: Annotated[Tag | None, References(on_delete="CASCADE"), Was("tag"), Index] = None
"""
    project = Project.begin(tmp_path, TAGS, module)
    project.write("INSERT INTO tag VALUES ('aurum', 'gold')")
    project.run("migrate")
    project.write(
        "UPDATE tag SET colour = 'gold' WHERE name = 'luna'", "UPDATE tag SET colour = 'x' WHERE name = 'aurum'"
    )
    project.run("drain", "--cutover")
    tags = "SELECT n.id, t.name FROM note n LEFT JOIN tag t ON t.id = n.tag_id ORDER BY n.id"
    assert project.new(tags) == [(1, "luna"), (2, "Sol"), (3, "luna"), (4, "other"), (5, None)]
    assert project.new("PRAGMA foreign_key_check") == []


TAKEN = """
    CREATE TABLE g(id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE c(id INTEGER PRIMARY KEY, g_id INTEGER REFERENCES g(id) ON DELETE CASCADE);
    INSERT INTO g VALUES (1, 'Sol'), (2, 'helios'); INSERT INTO c VALUES (1, 1), (2, 2);
"""
NUMBERED = """
@table(merge=Merge(by="name", mapping={"Sol": "sun", "helios": "sun"}, create={"id": "3"}))
class G:
    id: Annotated[int, Key] = auto()
    name: str | None

@table
class C:
    id: Annotated[int, Key] = auto()
    g: Annotated[G | None, References(on_delete="CASCADE"), Index] = None
"""


@pytest.mark.parametrize("name", ["other", "Sol"])
def test_a_row_that_takes_the_key_of_a_made_one_is_named_until_it_is_gone(tmp_path: Path, name: str) -> None:
    project = Project.begin(tmp_path, TAKEN, NUMBERED)
    project.run("migrate")
    project.write(f"INSERT INTO g(name) VALUES ('{name}')")
    if name == "other":
        for _ in range(2):
            refused = project.run("drain", code=3)
            assert 'table "g": rows were written under keys that create= gave to rows that are made' in refused.stderr
    project.write("DELETE FROM g WHERE id = 3")
    project.run("drain", "--cutover")
    assert project.new("SELECT * FROM g") == [(3, "sun")]
    assert project.new("SELECT * FROM c") == [(1, 3), (2, 3)]
    assert project.new("PRAGMA foreign_key_check") == []


def test_a_made_row_that_is_needed_again_names_who_has_its_key_meanwhile(tmp_path: Path) -> None:
    project = Project.begin(tmp_path, TAKEN, NUMBERED)
    project.run("migrate")
    project.write("PRAGMA foreign_keys = ON", "DELETE FROM g WHERE id IN (1, 2)", "INSERT INTO g VALUES (3, 'other')")
    project.run("drain", "--hold", "0.001")
    project.write("INSERT INTO g VALUES (7, 'Sol')")
    refused = project.run("drain", code=3)
    assert 'table "g": rows stand under keys that create= gave to rows that are made: 3' in refused.stderr
    project.write("DELETE FROM g WHERE id = 3")
    project.run("drain", "--cutover")
    assert project.new("SELECT * FROM g") == [(3, "sun")]


UNRECORDED = "DROP TRIGGER _migration_capture_2_before_delete", "DELETE FROM g WHERE id = 9"


def test_a_row_too_many_beside_a_made_one_is_found_by_the_proof(tmp_path: Path) -> None:
    project = Project.begin(tmp_path, f"{TAKEN} INSERT INTO g VALUES (9, 'other');", NUMBERED)
    project.run("migrate")
    trigger = project.app.execute("SELECT sql FROM sqlite_schema WHERE name = '_migration_capture_2_before_delete'")
    (sql,) = trigger.fetchone()
    project.write(*UNRECORDED, sql)
    refused = project.run("drain", code=3)
    assert 'the proof failed: table "g" has rows that the old database does not have: 9' in refused.stderr


def test_a_row_too_many_beside_a_made_one_goes_with_a_whole_table_mark(tmp_path: Path) -> None:
    project = Project.begin(tmp_path, f"{TAKEN} INSERT INTO g VALUES (9, 'other');", NUMBERED)
    project.run("migrate")
    trigger = project.app.execute("SELECT sql FROM sqlite_schema WHERE name = '_migration_capture_2_before_delete'")
    (sql,) = trigger.fetchone()
    project.write(*UNRECORDED, sql, "INSERT INTO _migration_log(operation, table_name) VALUES ('insert', 'g')")
    project.run("drain", "--cutover")
    assert project.new("SELECT * FROM g") == [(3, "sun")]
    assert project.new("SELECT * FROM c") == [(1, 3), (2, 3)]
