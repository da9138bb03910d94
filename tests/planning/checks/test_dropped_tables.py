"""Old tables that have no successor."""

from __future__ import annotations

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
