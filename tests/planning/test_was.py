"""What a Was does that is easily overlooked is not passed over in silence."""

from __future__ import annotations

import pytest

from tests.planning.planned import planned


def test_the_names_that_are_taken_instead_are_noted() -> None:
    old = "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t VALUES (1, 'a')"
    module = """
@table(was="tt")
class T:
    id: Annotated[int, Key] = auto()
    x: Annotated[str | None, Was("xx")] = None
"""
    found = planned(old, module)
    assert [(each.severity, each.message) for each in found.findings] == [
        ("note", 't says was="tt", and the old database has no table tt: the rows come from t'),
        ("note", 't.x says Was("xx"), and t has no column xx: the values come from x'),
    ]


OLD = "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t VALUES (1, 'a')"


@pytest.mark.parametrize(
    ("field", "gets", "fix"),
    [
        ("x: str | None", "NULL", 'x: Annotated[str | None, From("x")]'),
        ("x: str = 'b'", "its default 'b'", "x: Annotated[str, From(\"x\")] = 'b'"),
    ],
)
def test_a_field_whose_old_column_another_one_takes(field: str, gets: str, fix: str) -> None:
    module = '@table\nclass T:\n    id: Annotated[int, Key] = auto()\n    y: Annotated[str | None, Was("x")]\n    {}\n'
    message = f"t.x gets {gets} in every row: the old t.x goes to y by its Was"
    assert planned(OLD, module.format(field)).of("was") == [("warn", message, fix)]
    assert planned(OLD, module.format(fix)).objections == ()


def test_one_that_can_not_be_null_blocks() -> None:
    module = (
        '@table\nclass T:\n    id: Annotated[int, Key] = auto()\n    y: Annotated[str | None, Was("x")]\n    x: str\n'
    )
    found = planned(OLD, module)
    message = (
        "t.x is NOT NULL and the rows of t have no value for it: the old t.x goes to y by its Was;"
        " it needs a default or a From"
    )
    assert [(each.severity, each.message, each.fix) for each in found.findings] == [
        ("block", message, 'x: Annotated[str, From("x")]')
    ]


def test_two_fields_that_take_each_others_column_are_fine() -> None:
    old = "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT, y TEXT); INSERT INTO t VALUES (1, 'a', 'b')"
    module = """
@table
class T:
    id: Annotated[int, Key] = auto()
    y: Annotated[str | None, Was("x")]
    x: Annotated[str | None, Was("y")]
"""
    assert planned(old, module).objections == ()


def test_a_new_key_beside_the_old_one_under_another_name_is_fine() -> None:
    module = """
@table
class T:
    id: Annotated[int, Key] = auto()
    number: Annotated[int, Was("id"), Unique]
    x: str | None
"""
    assert planned(OLD, module).objections == ()
