"""Seed rows beside the old rows: what would only fail when they are planted is said before."""

from __future__ import annotations

import pytest

from tests.planning.planned import planned

OLD = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT UNIQUE, up INT); INSERT INTO t VALUES (1, 'a', NULL), (2, 'b', 1)"
MODULE = """
@table
class T:
    id: Annotated[int, Key] = auto()
    v: Annotated[str | None, Unique{}] = None
    up: Annotated[int | None, ColumnType("int"), References("t")] = None

rows = [{}]
"""


def of(rows: str, collate: str = "") -> list[tuple[str, str]]:
    found = planned(OLD, MODULE.format(collate, rows)).of("seed-conflict")
    return [(severity, message.partition(" (/")[0]) for severity, message, _ in found]


@pytest.mark.parametrize("rows", ["T(id=7, v='b')", "T(id=7, v='b', up=1), T(id=8, v='c')"])
def test_a_value_that_an_old_row_has(rows: str) -> None:
    assert of(rows) == [("block", "the seed row of t has the same v as an old row, which is Unique")]


def test_under_the_collation_of_the_key() -> None:
    assert of("T(id=7, v='B')") == []
    assert len(of("T(id=7, v='B')", "(collate='NOCASE')")) == 1


@pytest.mark.parametrize("rows", ["T(id=2, v='b')", "T(id=2, v='z'), T(id=3, v='b')", "T(id=7, v=None)", "T(id=7)"])
def test_an_old_row_that_becomes_the_seed_is_no_conflict(rows: str) -> None:
    assert of(rows) == []


def test_a_parent_that_is_nowhere() -> None:
    assert of("T(id=7, up=99)") == [("block", "the seed row of t refers by up to no row of t")]


@pytest.mark.parametrize("rows", ["T(id=7, up=2)", "T(id=7, up=8), T(id=8, up=None)"])
def test_old_rows_and_other_seed_rows_are_parents(rows: str) -> None:
    assert of(rows) == []


def test_a_table_without_old_rows() -> None:
    module = MODULE.format("", "T(id=1, up=1), T(id=2, up=9)")
    assert len(planned("CREATE TABLE x(id INTEGER PRIMARY KEY)", module).of("seed-conflict")) == 1


def test_more_seed_rows_than_a_compound_select_has_terms() -> None:
    rows = "*(T(id=n, v=str(n), up=n) for n in range(10, 1010)), T(id=9, v='b', up=1010)"
    assert len(of(rows)) == 2
    child = "@table\nclass C:\n    id: Annotated[int, Key] = auto()\n    t: T\n"
    old = f"{OLD}; CREATE TABLE c(id INTEGER PRIMARY KEY, t_id INT NOT NULL); INSERT INTO c VALUES (1, 1009), (2, 5)"
    found = planned(old, MODULE.format("", rows) + child)
    assert found.of("unanswered") == []
    assert [message.rpartition(": ")[2] for _, message, _ in found.of("foreign-key") if " of c " in message] == ["id 2"]
