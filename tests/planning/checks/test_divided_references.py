"""A column that alone was a reference becomes a part of one, beside a column that keeps its values: they must agree."""

from __future__ import annotations

import pytest

from tests.planning.planned import planned

OLD = """CREATE TABLE orders(id INTEGER PRIMARY KEY, tenant TEXT{}, no INTEGER NOT NULL, UNIQUE (tenant, no));
    CREATE TABLE line(id INTEGER PRIMARY KEY, tenant{}, order_id INTEGER REFERENCES orders(id));
    INSERT INTO orders VALUES (1, 'A', 5), (2, 'B', 5), (3, 'C', 7);
    INSERT INTO line VALUES (10, 'A', 1), (11, 'B', 2), (12, 'B', NULL), {}"""
MODULE = """
@table(key=["tenant", "no"])
class Orders:
    tenant: Annotated[str, Collate("{}")]
    no: int
@table(foreign_keys=[ForeignKey(["tenant", "order_no"], "orders", ["tenant", "no"])])
class Line:
    id: Annotated[int, Key] = auto()
    tenant: Annotated[str | None, {}] = None
    order_no: Annotated[int | None, Was("order_id")]
dropped("orders", "id")
"""


def of(lines: str, *, parent: str = " NOT NULL", child: str = " TEXT", said: str = "Check('1')") -> list[str]:
    old = OLD.format(parent, child, lines)
    collation = "NOCASE" if "NOCASE" in parent else "BINARY"
    found = planned(old, MODULE.format(collation, said))
    assert found.of("unanswered") == []
    assert {each.severity for each in found.findings if each.check == "divided-reference"} <= {"block"}
    return [message for _, message, _ in found.of("divided-reference")]


@pytest.mark.parametrize(
    "line", ["(13, 'B', 1)", "(13, 'X', 1)", "(13, NULL, 1)"], ids=["another row", "no row", "nothing"]
)
def test_a_row_whose_column_does_not_name_its_parent(line: str) -> None:
    message = (
        "1 row of line refers by order_id to a row of orders with another tenant than its own, and the two together are"
        " the reference now: id 13"
    )
    assert of(line) == [message]


def test_rows_that_agree() -> None:
    assert of("(13, 'A', 1), (14, 'C', 3)") == []


def test_a_row_without_a_parent_is_for_another_check() -> None:
    assert of("(13, 'A', 99)") == []


def test_they_are_compared_as_the_new_foreign_key_compares() -> None:
    assert of("(13, 'a', 1), (14, 'b', 2)", parent=" NOT NULL COLLATE NOCASE") == []
    assert len(of("(13, 'a', 1), (14, 'b', 2)")) == 1
    assert of("(13, 'A', 1)", child="") == []


def test_what_a_from_makes_of_the_column_is_compared() -> None:
    said = 'From("substr(tenant, 1, 1)")'
    assert of("(13, 'A and more', 1)", said=said) == []
    assert [message[-5:] for message in of("(13, 'B and more', 1)", said=said)] == ["id 13"]


def test_several_rows_are_counted() -> None:
    (message,) = of("(13, 'B', 1), (14, 'C', 2)")
    assert message.startswith("2 rows of line refer by order_id ")
    assert message.endswith(": id 13, 14")
