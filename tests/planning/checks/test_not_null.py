"""NULLs where the new schema has NOT NULL."""

from __future__ import annotations

from tests.planning.checks.building import T, of_t, t
from tests.planning.planned import planned


def test_nulls_are_counted_with_their_first_keys() -> None:
    found = of_t("not-null", "TEXT", "(NULL), ('a'), (NULL), (NULL), (NULL)", "x: str")
    message = "4 rows have NULL in t.x, which is NOT NULL: id 1, 3, 4, …"
    assert found == [("block", message, "x: Annotated[str, From(\"coalesce(x, '')\")]")]


def test_of_what_a_from_makes() -> None:
    found = of_t("not-null", "TEXT", "('a')", "x: Annotated[int, From(\"nullif(x, 'a') + 0\")]")
    assert found[0][1:] == (
        "1 row has NULL in t.x, which is NOT NULL: id 1",
        "x: Annotated[int, From(\"coalesce(nullif(x, 'a') + 0, 0)\")]",
    )


def test_what_held_is_not_asked() -> None:
    found = planned(f"{T.format('TEXT NOT NULL')}", t("x: str"))
    assert [answer.probe.check for answer in found.context.answers] == []
