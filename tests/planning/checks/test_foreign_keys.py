"""Rows that break a foreign key of the new schema."""

from __future__ import annotations

from tests.planning.checks.building import A_AND_B
from tests.planning.planned import planned

INTEGER_KEYS = "CREATE TABLE a(id INTEGER PRIMARY KEY); CREATE TABLE b(id INTEGER PRIMARY KEY, a INT{})"


def test_rows_that_break_a_new_one() -> None:
    old = f"{INTEGER_KEYS.format('')}; INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1), (2, 7), (3, NULL)"
    message = "1 row of b refers by a_id to no row of a, and the foreign key is new: id 2"
    assert planned(old, A_AND_B.format("")).of("foreign-key") == [("block", message, None)]


def test_seed_rows_are_parents_too() -> None:
    old = "CREATE TABLE b(id INTEGER PRIMARY KEY, a INT); INSERT INTO b VALUES (1, 7), (2, 8)"
    found = planned(old, A_AND_B.format("") + "seven = A(id=7)")
    assert [each[1].rpartition(": ")[2] for each in found.of("foreign-key")] == ["id 2"]


def test_orphans_that_the_old_schema_tolerated_are_carried_over() -> None:
    old = f"{INTEGER_KEYS.format(' REFERENCES a')}; INSERT INTO b VALUES (1, 1), (2, 7)"
    found = planned(old, A_AND_B.format(""))
    message = "2 rows of b refer by a to no row of a; carried over as the old schema had them: id 1, 2"
    assert [(each.severity, each.message) for each in found.findings] == [("warn", message)]


def test_a_child_is_compared_as_its_parent_compares() -> None:
    old = """CREATE TABLE a(id TEXT NOT NULL PRIMARY KEY COLLATE NOCASE) WITHOUT ROWID;
            CREATE TABLE b(id INTEGER PRIMARY KEY, a TEXT{}); INSERT INTO a VALUES ('x'), ('5');
            INSERT INTO b VALUES (1, 'X'), (2, 5), (3, 'y')"""
    module = """
@table(without_rowid=True)
class A:
    id: Annotated[str, Key, Collate("NOCASE")]
@table
class B:
    id: Annotated[int, Key] = auto()
    a: Annotated[A | None, Was("a")]
"""
    for declared, name in (("", "foreign-key"), (" REFERENCES a", "orphans")):
        found = planned(old.format(declared), module)
        assert [each.message.rpartition(": ")[2] for each in found.findings if each.check == name] == ["id 3"]
