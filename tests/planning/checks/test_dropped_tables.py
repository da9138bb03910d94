"""Old tables that have no successor."""

from __future__ import annotations

import pytest

from tests.planning.checks.building import CLIENT, TWO, client
from tests.planning.planned import planned

OLD = f"{CLIENT}; CREATE TABLE log(at TEXT, what TEXT)"
NEW = client("nickname: str | None", table="@table('client')")


def test_rows_are_not_dropped_in_silence() -> None:
    found = planned(f"{OLD}; INSERT INTO log VALUES (1, 2), (3, 4)", NEW)
    assert found.of("dropped-table") == [("block", "log has 2 rows and no successor", 'dropped("log")')]


def test_an_empty_table_is_only_noted() -> None:
    assert planned(OLD, NEW).of("dropped-table") == [("note", "log is dropped; it has no rows", None)]


def test_a_table_that_is_given_up_is_not_mentioned() -> None:
    assert planned(f"{OLD}; INSERT INTO log VALUES (1, 2)", NEW + 'dropped("log")').findings == ()


def test_a_table_that_looks_renamed() -> None:
    found = planned(f"{CLIENT}; {TWO}", client("nickname: str | None", table="@table"))
    message = 'client (2 rows) is gone and customer has come: renamed? If not, give it up: dropped("client")'
    assert [(each.check, each.message, each.fix) for each in found.blocking] == [
        ("renamed-table", message, '@table(was="client")')
    ]


def test_a_table_that_looks_renamed_keeps_the_name_that_the_class_does_not_say() -> None:
    found = planned(f"{CLIENT}; {TWO}", client("nickname: str | None", table="@table('buyers')"))
    assert [each.fix for each in found.blocking] == ['@table("buyers", was="client")']


PERSON = """
    CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, mail TEXT, born TEXT);
    INSERT INTO person(name) VALUES ('x')
"""


def test_a_table_is_recognised_while_its_columns_change_too() -> None:
    fields = "first_name: str\n    last_name: str\n    email: str | None\n    born: str | None\n"
    found = planned(PERSON, f"@table\nclass Customer:\n    id: Annotated[int, Key] = auto()\n    {fields}")
    assert [(each.check, each.fix) for each in found.blocking] == [("renamed-table", '@table(was="person")')]


def test_a_table_is_recognised_by_its_name() -> None:
    found = planned(PERSON, "@table\nclass Persons:\n    code: Annotated[str, Key]\n")
    assert [(each.check, each.fix) for each in found.blocking] == [("renamed-table", '@table(was="person")')]


def test_the_only_new_table_is_mentioned_however_different_it_is() -> None:
    found = planned(PERSON, "@table\nclass Buyer:\n    code: Annotated[str, Key]\n")
    message = 'person has 1 row and no successor; if it is buyer now: @table(was="person")'
    assert found.of("dropped-table") == [("block", message, 'dropped("person")')]


def test_of_two_old_tables_the_more_alike_one_is_the_new_one() -> None:
    old = (
        f"CREATE TABLE access(id INTEGER PRIMARY KEY, name TEXT, at TEXT); INSERT INTO access(at) VALUES (1); {PERSON}"
    )
    fields = "name: str | None\n    mail: str | None\n    born: str | None\n"
    found = planned(old, f"@table\nclass Customer:\n    id: Annotated[int, Key] = auto()\n    {fields}")
    assert {each.fix for each in found.blocking} == {'@table(was="person")', 'dropped("access")'}


@pytest.mark.parametrize(("name", "fix"), [("Person", "@table"), ("Persons", '@table("person")')])
def test_a_class_that_lacks_its_decorator_is_named(name: str, fix: str) -> None:
    other = "@table\nclass Other:\n    id: Annotated[int, Key]\n"
    found = planned(PERSON, f"{other}@dataclass\nclass {name}:\n    id: Annotated[int, Key]\n    name: str | None\n")
    message = f'person has 1 row and no successor: class {name} has no @table. If it is given up: dropped("person")'
    assert found.of("dropped-table") == [("block", message, fix)]


def test_a_base_of_tables_and_a_class_of_another_name_are_not_meant() -> None:
    base = "class Person:\n    id: Annotated[int, Key]\n"
    found = planned(PERSON, f"{base}@table\nclass Other(Person):\n    x: int\nclass Buyer:\n    y: int\n")
    assert len(found.blocking) == 1
    assert "has no @table" not in found.blocking[0].message
