"""Old columns that have no successor."""

from __future__ import annotations

from tests.planning.checks.building import CLIENT, TWO, client, t
from tests.planning.planned import planned


def test_data_is_not_dropped_in_silence() -> None:
    found = planned(f"{CLIENT}; {TWO}", client())
    message = "client.nickname holds 1 value and has no successor"
    assert found.of("dropped-column") == [("block", message, 'dropped("client", "nickname")')]


def test_a_column_of_nothing_but_null_is_only_noted() -> None:
    found = planned(CLIENT, client())
    message = "client.nickname is dropped; it holds nothing but NULL"
    assert found.of("dropped-column") == [("note", message, None)]


def test_a_column_that_a_from_reads_has_a_successor() -> None:
    found = planned(f"{CLIENT}; {TWO}", client("label: Annotated[str, From(\"coalesce(nickname, '')\")]"))
    assert found.findings == ()


def test_a_column_that_looks_renamed_gets_one_message() -> None:
    found = planned(f"{CLIENT}; {TWO}", client("nick_name: Annotated[str, Column('nick')]"))
    message = (
        "client.nickname (1 value) is gone and customer.nick has come: renamed?"
        ' If not, give it up: dropped("client", "nickname")'
    )
    assert [(each.check, each.message, each.fix) for each in found.blocking] == [
        ("renamed-column", message, "nick_name: Annotated[str, Column('nick'), Was(\"nickname\")]")
    ]


def test_what_was_given_up_is_no_rename() -> None:
    found = planned(f"{CLIENT}; {TWO}", client("nick: str | None") + 'dropped("client", "nickname")')
    assert found.findings == ()


def test_the_old_text_keys_are_data_too() -> None:
    old = "CREATE TABLE t(id TEXT PRIMARY KEY, x TEXT); INSERT INTO t VALUES ('a', 'b')"
    message = "t.id holds 1 value and has no successor: new integers take the place of these keys"
    found = planned(old, t("x: str | None"))
    assert found.of("dropped-column") == [("block", message, 'dropped("t", "id")')]
    kept = planned(old, t("x: str | None", more='    code: Annotated[str | None, Was("id")]\n'))
    assert kept.blocking == ()
