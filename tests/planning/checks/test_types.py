"""Values that a STRICT table, or an INTEGER PRIMARY KEY, does not take."""

from __future__ import annotations

from tests.planning.checks.building import of_t, t
from tests.planning.planned import planned


def test_strict_refuses_other_types() -> None:
    found = of_t("types", "", "(1), ('a'), (x'00'), (NULL)", "x: int | None", "@table(strict=True)")
    message = "2 values of t.x cannot be stored as integer: id 2, 3; CAST makes 0 of a text that is no number"
    assert found == [("block", message, 'x: Annotated[int | None, From("CAST(x AS INTEGER)")]')]


def test_affinity_comes_first() -> None:
    assert of_t("types", "", "('12'), (3.0)", "x: int | None", "@table(strict=True)") == []
    assert of_t("types", "INT", "(1)", "x: str | None", "@table(strict=True)") == []


def test_an_integer_primary_key_takes_integers() -> None:
    old = "CREATE TABLE t(id INT PRIMARY KEY, x); INSERT INTO t VALUES (1, 1), (NULL, 2), ('a', 3)"
    found = planned(old, t("x: Annotated[object, ColumnType('')]")).of("types")
    assert [each[1] for each in found] == [
        "2 values of t.id cannot be stored as integer: rowid 2, 3; CAST makes 0 of a text that is no number"
    ]


def test_any_takes_all() -> None:
    assert of_t("types", "", "(1), ('a')", "x: Annotated[object, ColumnType('ANY')]", "@table(strict=True)") == []


def test_an_integer_column_of_any_other_table_takes_them_as_they_are_which_is_told() -> None:
    found = of_t("types", "REAL", "(1.0), (2.5), (NULL)", "x: int | None")
    message = (
        "1 value of t.x would be no integer there: the table is not STRICT: id 2; CAST makes 0 of a text that is no"
    )
    assert found == [("warn", f"{message} number", 'x: Annotated[int | None, From("CAST(round(x) AS INTEGER)")]')]
    assert of_t("types", "INTEGER", "(1), (2.5)", "x: int | None") == []


def test_what_is_computed_is_rounded_not_cut_off() -> None:
    found = of_t("types", "REAL", "(19.99)", 'x: Annotated[int, From("x * 100")]', "@table(strict=True)")
    assert [fix for _, _, fix in found] == ['x: Annotated[int, From("CAST(round(x * 100) AS INTEGER)")]']
