"""Rows that are equal under a key of the new schema."""

from __future__ import annotations

import pytest

from tests.planning.checks.building import T, of_t, t
from tests.planning.planned import planned


def test_equal_values_are_counted() -> None:
    found = of_t(
        "unique",
        "TEXT",
        "('a'), ('A'), ('b'), (NULL), (NULL)",
        'x: Annotated[str | None, Unique(collate="NOCASE")]',
    )
    assert found == [("block", "2 rows of t are equal under the new unique x: x 'A'", None)]


def test_of_projected_values() -> None:
    field = 'x: Annotated[str, From("trim(x)"), Unique]'
    assert len(of_t("unique", "TEXT", "('a'), (' a')", field)) == 1
    assert of_t("unique", "TEXT", "('a'), (' b')", field) == []


def test_partial_and_expression_indexes() -> None:
    table = "@table(indexes=[Index('lower(x)', where='x > 1', unique=True, name='u')])"
    (found,) = of_t("unique", "TEXT", "('a'), ('A'), ('0'), ('0')", "x: str | None", table)
    assert found[1] == "2 rows of t are equal under the new unique index u: lower(x) 'a'"


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
    module = """
@table
class A:
    id: Annotated[int, Key] = auto()
    code: str | None
@table
class B:
    id: Annotated[int, Key] = auto()
    a: Annotated[A | None, Was("a"), Unique]
"""
    assert [each[1] for each in planned(old, module).of("unique")] == [
        "2 rows of b are equal under the new unique a_id: a_id 'X'"
    ]


def test_each_key_has_its_own_count() -> None:
    table = "@table(indexes=[Index('lower(x)', unique=True, name='u')])"
    found = of_t("unique", "TEXT", "('a'), ('A'), ('b'), ('b')", "x: Annotated[str | None, Unique]", table)
    assert [each[1] for each in found] == [
        "2 rows of t are equal under the new unique x: x 'b'",
        "4 rows of t are equal under the new unique index u: lower(x) 'a', 'b'",
    ]
