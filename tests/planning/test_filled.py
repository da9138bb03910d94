"""Columns that the old row does not fill: a default or a generated value can break a constraint as well."""

from __future__ import annotations

import pytest

from tests.planning.planned import planned

OLD = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, '5'), (2, 'x'), (3, NULL)"


def of(check: str, field: str, options: str = "", old: str = OLD) -> list[tuple[str, str, str | None]]:
    module = f"@table({options})\nclass T:\n    id: Annotated[int, Key] = auto()\n    v: str | None\n    {field}\n"
    return planned(old, module).of(check)


@pytest.mark.parametrize("stored", ["", ", stored=True"])
def test_a_generated_column_that_is_not_null(stored: str) -> None:
    field = f"w: Annotated[str, Generated('v || 1'{stored})] = auto()"
    assert of("not-null", field) == [("block", "1 row has NULL in t.w, which is NOT NULL: id 3", None)]
    assert of("not-null", field.replace("v || 1", "coalesce(v, 1)")) == []


def test_one_that_the_old_table_had_is_not_looked_at_again() -> None:
    field = "w: Annotated[str, Generated('coalesce(v, 1)')] = auto()\n    z: int = 1"
    old = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, w TEXT NOT NULL AS (coalesce(v, 1)))"
    module = f"@table\nclass T:\n    id: Annotated[int, Key] = auto()\n    v: str | None\n    {field}\n"
    asked = {(each.probe.check, each.probe.subject) for each in planned(old, module).context.answers}
    assert ("not-null", "t.w") not in asked


def test_a_default_that_is_null() -> None:
    field = "w: Annotated[str, Default(sql='nullif(1, 1)')] = auto()"
    assert of("not-null", field) == [("block", "3 rows have NULL in t.w, which is NOT NULL: id 1, 2, 3", None)]


def test_a_generated_column_of_a_strict_table() -> None:
    field = "w: Annotated[int | None, Generated('v')] = auto()"
    message = "1 value of t.w cannot be stored as integer: id 2"
    assert of("types", field, "strict=True") == [("block", message, None)]


def test_a_default_of_a_strict_table() -> None:
    field = """w: Annotated[int, Default(sql="'abc'")] = auto()"""
    message = "3 values of t.w cannot be stored as integer: id 1, 2, 3"
    assert of("types", field, "strict=True") == [("block", message, None)]
    assert of("types", field.replace("abc", "12"), "strict=True") == []
