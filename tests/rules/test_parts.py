"""What is stored otherwise than it is written: numbers of made rows, and references of which a part is NULL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.project import Project

OLD = """
    CREATE TABLE room(floor INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT, PRIMARY KEY (floor, id));
    CREATE TABLE bed(id INTEGER PRIMARY KEY, room_floor INTEGER, room_id INTEGER,
        FOREIGN KEY (room_floor, room_id) REFERENCES room(floor, id));
    INSERT INTO room VALUES (7, 1, 'sun'), (7, 2, 'sol'), (8, 1, 'other');
    INSERT INTO bed VALUES (1, 7, 1), (2, 7, 2), (3, 7, NULL), (4, NULL, 2), (5, NULL, NULL), (6, 8, 1);
"""
BED = """
@table
class Bed:
    id: Annotated[int, Key] = auto()
    room: Annotated[Room | None, References] = None
"""
ROOM = """
class Room:
    floor: Annotated[int, Key]
    id: Annotated[int, Key]
    name: str | None = None
"""
RULES = {  # and what the rows are called that become one with the one called sun
    '@table(merge=Merge(by="name", mapping={"sol": "sun"}))': "sol",
    '@table(duplicates=Duplicates(key="name", compare=(), prefer="floor, id"))': "sun",
}
BEDS = [(1, 7, 1), (2, 7, 1), (3, 7, None), (4, None, 2), (5, None, None), (6, 7, 1), (7, 7, None), (8, None, 1)]


@pytest.mark.parametrize(("rule", "name"), RULES.items(), ids=["merge", "duplicates"])
def test_a_reference_of_which_a_part_is_null_keeps_the_other_part(tmp_path: Path, rule: str, name: str) -> None:
    project = Project.begin(tmp_path, OLD.replace("sol", name), rule + ROOM + BED)
    project.through(
        "INSERT INTO bed VALUES (7, 7, NULL), (8, NULL, 1)", f"UPDATE room SET name = '{name}' WHERE floor = 8"
    )
    assert project.new("SELECT id, room_floor, room_id FROM bed ORDER BY id") == BEDS


NUMBERS = (("900", "0", "0.0"), ("900", "0", "0"), ("'900'", "'0'", "'1.5'"), ("900.0", "0.0", "1"))


@pytest.mark.parametrize(("key", "rank", "weight"), NUMBERS)
def test_a_made_row_is_what_its_columns_make_of_it(tmp_path: Path, key: str, rank: str, weight: str) -> None:
    old = """CREATE TABLE topic(id INTEGER PRIMARY KEY, name TEXT, rank INTEGER, weight REAL);
        CREATE TABLE fact(id INTEGER PRIMARY KEY, topic_id INTEGER REFERENCES topic(id));
        INSERT INTO topic VALUES (1, 'luna', 5, 2.5); INSERT INTO fact VALUES (1, 1);"""
    module = f"""
@table(merge=Merge(by="name", mapping={{"luna": "moon"}},
    create={{"id": "{key}", "rank": "{rank}", "weight": "{weight}"}}))
class Topic:
    id: Annotated[int, Key] = auto()
    name: str | None = None
    rank: int | None = None
    weight: float | None = None

@table
class Fact:
    id: Annotated[int, Key] = auto()
    topic: Annotated[Topic | None, References] = None
"""
    project = Project.begin(tmp_path, old, module)
    project.through("INSERT INTO fact VALUES (2, 1)")
    stored = float(weight.strip("'"))
    found = project.new("SELECT id, name, rank, typeof(rank), weight, typeof(weight) FROM topic")
    assert found == [(900, "moon", 0, "integer", stored, "real")]
    assert project.new("SELECT id, topic_id FROM fact ORDER BY id") == [(1, 900), (2, 900)]
