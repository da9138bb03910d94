"""Rows that are equal under a key of the new schema."""

from __future__ import annotations

import pytest

from tests.planning.checks.building import CODED, T, of_t, t
from tests.planning.planned import planned

NAMED = """
@table(was="t")
class Thing:
    id: Annotated[int, Key] = auto()
    x: Annotated[str | None, Unique]
"""


def test_equal_values_are_counted() -> None:
    found = of_t(
        "unique",
        "TEXT",
        "('a'), ('A'), ('b'), (NULL), (NULL)",
        'x: Annotated[str | None, Unique(collate="NOCASE")]',
    )
    assert found == [("block", "2 rows of t are equal under the new unique x: rows with id 1, 2: x 'A'", None)]


def test_of_projected_values() -> None:
    field = 'x: Annotated[str, From("trim(x)"), Unique]'
    assert len(of_t("unique", "TEXT", "('a'), (' a')", field)) == 1
    assert of_t("unique", "TEXT", "('a'), (' b')", field) == []


def test_partial_and_expression_indexes() -> None:
    table = "@table(indexes=[Index('lower(x)', where='x > 1', unique=True, name='u')])"
    (found,) = of_t("unique", "TEXT", "('a'), ('A'), ('0'), ('0')", "x: str | None", table)
    assert found[1] == "2 rows of t are equal under the new unique index u: rows with id 1, 2: lower(x) 'a'"


@pytest.mark.parametrize(
    ("declared", "field", "asked"),
    [
        ("TEXT UNIQUE", "x: Annotated[str | None, Unique]", False),
        ("TEXT COLLATE NOCASE UNIQUE", "x: Annotated[str | None, Unique]", False),
        ("TEXT UNIQUE", 'x: Annotated[str | None, Unique(collate="NOCASE")]', True),
        ("TEXT UNIQUE", 'x: Annotated[str | None, Unique, From("x || id")]', True),
        ("TEXT UNIQUE", "x: Annotated[int | None, Unique]", True),
        ("TEXT", "x: Annotated[str | None, Unique]", True),
    ],
)
def test_what_held_is_not_asked(declared: str, field: str, asked: bool) -> None:
    found = planned(T.format(declared), t(field))
    assert ("unique" in {answer.probe.check for answer in found.context.answers}) == asked


def test_a_wider_key_than_an_old_one_holds() -> None:
    old = "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT NOT NULL UNIQUE, y TEXT)"
    module = t("x: str", '@table(unique=[("x", "y")])', "    y: str | None\n")
    assert "unique" not in {answer.probe.check for answer in planned(old, module).context.answers}


def test_references_that_are_translated_are_compared_as_their_parents() -> None:
    old = """CREATE TABLE a(code TEXT PRIMARY KEY COLLATE NOCASE); INSERT INTO a VALUES ('x'), ('y');
            CREATE TABLE b(id INTEGER PRIMARY KEY, a TEXT REFERENCES a); INSERT INTO b(a) VALUES ('x'), ('X'), ('y')"""
    assert [each[1] for each in planned(old, CODED.format(", Unique")).of("unique")] == [
        "2 rows of b are equal under the new unique a_id: rows with id 1, 2: a_id 'X'"
    ]


def test_each_key_has_its_own_count() -> None:
    table = "@table(indexes=[Index('lower(x)', unique=True, name='u')])"
    found = of_t("unique", "TEXT", "('a'), ('A'), ('b'), ('b')", "x: Annotated[str | None, Unique]", table)
    assert [each[1] for each in found] == [
        "2 rows of t are equal under the new unique x: rows with id 3, 4: x 'b'",
        "4 rows of t are equal under the new unique index u: rows with id 1, 2: lower(x) 'a'; id 3, 4: lower(x) 'b'",
    ]


def test_the_first_keys_of_the_first_groups_and_both_names() -> None:
    values = "('a'), ('b'), ('a'), ('c'), ('b'), ('a'), ('a'), ('c'), ('d'), ('d')"
    found = planned(f"{T.format('TEXT')}; INSERT INTO t(x) VALUES {values}", NAMED)
    message = (
        "10 rows of t are equal under the new unique x of thing:"
        " rows with id 1, 3, 6, …: x 'a'; id 2, 5: x 'b'; id 4, 8: x 'c'; …"
    )
    assert found.of("unique") == [("block", message, None)]


def test_keys_of_several_columns() -> None:
    old = """CREATE TABLE t(a TEXT NOT NULL COLLATE NOCASE, b INT NOT NULL, x TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
        INSERT INTO t VALUES ('p', 2, 'i'), ('p', 1, 'i'), ('q', 1, 'i')"""
    module = "@table(key=['a', 'b'])\nclass T:\n    a: str\n    b: int\n    x: Annotated[str | None, Unique]\n"
    assert [each[1] for each in planned(old, module).of("unique")] == [
        "3 rows of t are equal under the new unique x: rows with (a, b) ('p', 1), ('p', 2), ('q', 1): x 'i'"
    ]


def test_one_part_of_a_divided_reference_tells_no_rows_apart() -> None:
    """The values come with the copy: two shelves of one room are not two values."""
    old = """CREATE TABLE shelf(id INTEGER PRIMARY KEY, room TEXT NOT NULL, number INT NOT NULL, UNIQUE (room, number));
        CREATE TABLE item(id INTEGER PRIMARY KEY, shelf_id INT REFERENCES shelf(id));
        INSERT INTO shelf VALUES (1, 'a', 1), (2, 'a', 2); INSERT INTO item VALUES (1, 1), (2, 1)"""
    module = """
@table(key=["room", "number"])
class Shelf:
    room: str
    number: Annotated[int, ColumnType("INT")]
@table(unique=[{}])
class Item:
    id: Annotated[int, Key] = auto()
    shelf: Annotated[Shelf | None, Was("shelf_id")]
dropped("shelf", "id")
"""
    assert planned(old, module.format('"shelf_room"')).of("unique") == []
    assert len(planned(old, module.format('("shelf_room", "shelf_number")')).of("unique")) == 1
