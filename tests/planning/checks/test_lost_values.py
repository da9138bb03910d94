"""Values that lose something when the type changes."""

from __future__ import annotations

import pytest

from tests.planning.checks.building import T, of_t, t
from tests.planning.planned import planned


@pytest.mark.parametrize(
    ("declared", "value", "field"),
    [
        ("TEXT", "'0123'", "x: int | None"),
        ("TEXT", "'1e3'", "x: int | None"),
        ("TEXT COLLATE NOCASE", "'1.0E+30'", "x: float | None"),
        ("INT", "9007199254740993", "x: float | None"),
        ("REAL", "0.1 + 0.2", "x: str | None"),
        ("", "' 7'", "x: int | None"),
    ],
)
def test_values_that_do_not_come_back(declared: str, value: str, field: str) -> None:
    (found,) = of_t("lost-values", declared, f"({value})", field)
    assert found[0] == "block"
    assert found[1].endswith(": id 1")


@pytest.mark.parametrize(
    ("declared", "value", "field"),
    [
        ("TEXT", "'123'", "x: int | None"),
        ("TEXT", "'abc'", "x: int | None"),
        ("INT", "5", "x: str | None"),
        ("INT", "9007199254740992", "x: float | None"),
        ("REAL", "1.0", "x: int | None"),
        ("REAL", "1.5", "x: str | None"),
        ("", "x'00ff'", "x: str | None"),
        ("", "NULL", "x: int | None"),
    ],
)
def test_values_that_come_back(declared: str, value: str, field: str) -> None:
    assert of_t("lost-values", declared, f"({value})", field) == []


def test_the_message() -> None:
    (found,) = of_t("lost-values", "TEXT", "('1'), ('01'), ('007')", "x: int | None")
    message = "2 values lose something when t.x turns from TEXT to INTEGER: id 2, 3"
    assert found == ("block", message, 'x: Annotated[int | None, From("CAST(x AS INTEGER)")]')


def test_a_declared_conversion_is_accepted() -> None:
    assert of_t("lost-values", "TEXT", "('01')", 'x: Annotated[int, From("CAST(x AS INTEGER)")]') == []


def test_each_column_has_its_own_count() -> None:
    old = f"{T.format('TEXT, y TEXT')}; INSERT INTO t(x, y) VALUES ('01', '1'), ('2', '02'), ('3', '03')"
    found = planned(old, t("x: int | None", more="    y: int | None\n")).of("lost-values")
    assert [message.partition(" turns")[0] + message[message.rindex(":") :] for _, message, _ in found] == [
        "1 value loses something when t.x: id 1",
        "2 values lose something when t.y: id 2, 3",
    ]
