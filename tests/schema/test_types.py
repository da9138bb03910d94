"""The published table of types, line by line."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import re
import sqlite3
import uuid
from typing import Annotated, Any, Literal, NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotmig.schema.markers import Check, Key
from hotmig.schema.types import TYPE_TABLE, declared, literal, stored, take_apart


class Tier(enum.Enum):
    BASIC = "basic"
    GOLD = "gold"


class Level(enum.IntEnum):
    LOW = 1


Money = NewType("Money", int)
ID = uuid.UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("python", "sql"),
    [
        (int, "INTEGER"),
        (float, "REAL"),
        (str, "TEXT"),
        (bytes, "BLOB"),
        (bool, "INTEGER"),
        (dt.datetime, "TEXT"),
        (dt.date, "TEXT"),
        (decimal.Decimal, "TEXT"),
        (uuid.UUID, "TEXT"),
        (Tier, "TEXT"),
        (Level, "INTEGER"),
        (Literal["a", "b"], "TEXT"),
        (Literal[1, 2], "INTEGER"),
        (Literal[b"x"], "BLOB"),
        (Literal[Tier.GOLD], "TEXT"),
    ],
)
def test_declared_types(python: Any, sql: str) -> None:
    found = declared(python)
    assert found is not None
    assert found.type == sql


@pytest.mark.parametrize("python", [list, dict, object, Any, int | str, Literal[1, "a"], complex, dt.timedelta])
def test_types_without_a_column_type(python: Any) -> None:
    assert declared(python) is None


def test_the_values_that_are_allowed() -> None:
    assert declared(Tier).values == ("basic", "gold")  # type: ignore[union-attr]
    assert declared(Literal[Tier.GOLD]).values == ("gold",)  # type: ignore[union-attr]
    assert declared(str).values == ()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("python", "sql"),
    [
        (None, None),
        (7, 7),
        (True, 1),
        (0.5, 0.5),
        (math.inf, math.inf),
        ("a", "a"),
        (bytearray(b"a\0"), b"a\0"),
        (dt.datetime(2024, 5, 1, 13, 30), "2024-05-01 13:30:00"),
        (dt.datetime(2024, 5, 1, 13, 30, 0, 5000, dt.UTC), "2024-05-01 13:30:00.005000+00:00"),
        (dt.date(2024, 5, 1), "2024-05-01"),
        (decimal.Decimal("9.90"), "9.90"),
        (ID, "12345678-1234-5678-1234-567812345678"),
        (Tier.GOLD, "gold"),
        (Level.LOW, 1),
    ],
)
def test_stored_values(python: object, sql: object) -> None:
    assert (stored(python), type(stored(python))) == (sql, type(sql))


def test_a_datetime_looks_as_current_timestamp_does() -> None:
    sql = sqlite3.connect(":memory:").execute("SELECT CURRENT_TIMESTAMP").fetchone()[0]
    assert stored(dt.datetime.fromisoformat(sql)) == sql


@pytest.mark.parametrize("python", [2**63, -(2**63) - 1, math.nan, "\ud800", object(), [1], dt.timedelta(1)])
def test_what_sqlite_cannot_keep(python: object) -> None:
    with pytest.raises(ValueError, match=r"64 bits|NaN|Unicode|no form in SQLite"):
        stored(python)


# Below, SQLite's reading of a decimal number can be off by the last bit, and it has no other way to write a REAL.
SMALLEST_EXACT = 1e-300


@given(
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False).filter(lambda value: value == 0 or abs(value) >= SMALLEST_EXACT)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    | st.binary()
)
def test_a_literal_is_its_value(value: int | float | str | bytes | None) -> None:
    db = sqlite3.connect(":memory:")
    found = db.execute(f"SELECT {literal(value)}").fetchone()[0]
    assert (found, type(found)) == (value, type(value))


def test_take_apart() -> None:
    key, check = Key(), Check("x")
    for annotation in (
        Annotated[int | None, key, check],
        Annotated[int, key, check] | None,
        Annotated[Annotated[int, key] | None, check],
        Annotated[Money, key, check] | None,
    ):
        taken = take_apart(annotation)
        assert (taken.core, taken.nullable, set(taken.metadata)) == (int, True, {key, check})
    assert take_apart(int).nullable is False
    assert take_apart(Literal["a", None]).nullable is True
    assert take_apart(Literal["a", None]).core == Literal["a"]
    assert take_apart(int | str | None).core == int | str


def test_the_published_table_names_each_type() -> None:
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in TYPE_TABLE.splitlines()]
    names = [name for first, *_ in cells for name in re.findall(r"`([^`]+)`", first)]
    plain = ["int", "float", "str", "bytes", "bool", "datetime", "date", "Decimal", "UUID", "Enum", "Literal"]
    assert names == [*plain, "X \\| None", 'Annotated[X, ColumnType("…")]', 'Annotated[object, ColumnType("")]']
    assert {len(row) for row in cells} == {4}
