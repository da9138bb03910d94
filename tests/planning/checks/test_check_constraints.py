"""Rows that break a CHECK of the new schema."""

from __future__ import annotations

from tests.planning.checks.building import T, of_t, t
from tests.planning.planned import planned


def test_rows_that_break_a_new_check() -> None:
    found = of_t("check", "INT", "(1), (-1), (NULL), (-2)", 'x: Annotated[int | None, Check("x > 0")]')
    assert found == [("block", "2 rows break the new CHECK (x > 0) of t: id 2, 4", None)]


def test_it_is_judged_with_the_new_types_and_collations() -> None:
    field = 'x: Annotated[str, Collate("NOCASE"), Check("x = \'a\' OR x = 5")]'
    assert of_t("check", "", "('A'), (5), ('5')", field) == []
    assert len(of_t("check", "", "('A'), (6)", field)) == 1


def test_it_is_judged_with_the_affinity_of_a_computed_column() -> None:
    field = "x: Annotated[int, From('x + 0'), Check(\"x = '5'\")]"
    assert of_t("check", "INT", "(5)", field) == []
    assert len(of_t("check", "INT", "(6)", field)) == 1
    field = "x: Annotated[str, From(\"x || ''\"), Check('x <> 5')]"
    assert len(of_t("check", "TEXT", "('5')", field)) == 1
    assert of_t("check", "TEXT", "('6')", field) == []


def test_of_generated_columns() -> None:
    more = '    y: Annotated[int | None, Generated("x * 2"), Check("y < 10")] = auto()\n'
    found = planned(f"{T.format('INT')}; INSERT INTO t(x) VALUES (1), (5)", t("x: int | None", more=more))
    assert [each[1] for each in found.of("check")] == ["1 row breaks the new CHECK (y < 10) of t: id 2"]


def test_what_held_is_not_asked() -> None:
    field = 'x: Annotated[int | None, Check("x>0")]'
    same = planned(T.format("INTEGER CHECK (x  >  0)"), t(field))
    assert [answer for answer in same.context.answers if answer.probe.check == "check"] == []
    other = planned(T.format("TEXT CHECK (x > 0)"), t(field))
    assert len([answer for answer in other.context.answers if answer.probe.check == "check"]) == 1


def test_each_has_its_own_count() -> None:
    field = 'x: Annotated[int | None, Check("x > 0"), Check("x < 9")]'
    assert [each[1] for each in of_t("check", "INT", "(-1), (10), (11)", field)] == [
        "1 row breaks the new CHECK (x > 0) of t: id 1",
        "2 rows break the new CHECK (x < 9) of t: id 2, 3",
    ]
