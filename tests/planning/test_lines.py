"""The line of a field that stands nowhere in the module as a line, because the module computes it."""

from __future__ import annotations

import pytest

from tests.planning.planned import planned

MODULE = """
import dataclasses

def made(name, **fields):
    return table(dataclasses.make_dataclass(name, fields.items(), kw_only=True))

Parent = made("Parent", id=Annotated[int, Key])
made("T", id=Annotated[int, Key], {}={})
"""
OLD = "CREATE TABLE t(id INTEGER PRIMARY KEY, note TEXT)"


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("int", "x: Annotated[int, "),
        ("str", "x: Annotated[str, "),
        ("bytes", "x: Annotated[bytes, "),
        ("float", "x: Annotated[float, "),
        ("Annotated[object, ColumnType('DECIMAL'), NotNull]", "x: Annotated[float, "),
        ("Annotated[int, Column('the x')]", "x: Annotated[int, "),
        ("Parent", "x: Annotated[Parent, "),
    ],
)
def test_it_has_the_type_of_its_values(field: str, shown: str) -> None:
    ((_, _, line),) = planned(OLD, MODULE.format("x", field) + "dropped('t', 'note')").of("no-value")
    assert line == f'{shown}From("SQL over the old row")]'


@pytest.mark.parametrize(
    ("name", "field", "shown"),
    [
        ("notes", "str | None", "str | None"),
        ("notes", "Annotated[str, Default(sql=\"''\")]", "str"),
        ("note", "Parent | None", "Parent | None"),
    ],
)
def test_it_can_be_null_where_the_column_can(name: str, field: str, shown: str) -> None:
    ((_, _, line),) = planned(f"{OLD}; INSERT INTO t VALUES (1, 'a')", MODULE.format(name, field)).of("renamed-column")
    assert line == f'{name}: Annotated[{shown}, Was("note")]'
