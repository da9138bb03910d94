"""What no trigger sees: application_id, user_version, and the marks above which AUTOINCREMENT gives its keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.sqlite import connect, execute
from hotmig.transfer.high_water import high_water_moved
from hotmig.transfer.replay import replay
from tests.phases.shops import open_shop
from tests.transfer.building import Case, rules, schema, seed

OLD = "CREATE TABLE item(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)"
NEW = "CREATE TABLE thing(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, rank INTEGER NOT NULL DEFAULT 0)"
MARKS = "SELECT name, seq FROM sqlite_sequence ORDER BY name"


def moved(case: Case) -> str | None:
    new, old = connect(case.new_path, "ro"), connect(case.old_path, "ro")
    try:
        return high_water_moved(new, old, case.plan)
    finally:
        new.close()
        old.close()


@pytest.mark.parametrize(
    ("before", "late", "mark"),
    [
        (["INSERT INTO item(id) VALUES (1), (90)", "DELETE FROM item WHERE id = 90"], [], 90),
        (["INSERT INTO item(id) VALUES (90)", "DELETE FROM item"], [], 90),
        (["INSERT INTO item(id) VALUES (1)"], ["INSERT INTO item(id) VALUES (90)", "DELETE FROM item"], 90),
        (["INSERT INTO item(id) VALUES (1)"], ["UPDATE sqlite_sequence SET seq = 90"], 90),
        (["INSERT INTO item(id) VALUES (7)", "UPDATE sqlite_sequence SET seq = 3"], [], 7),
        (["INSERT INTO item(id) VALUES (7)", "DELETE FROM sqlite_sequence"], [], 7),
    ],
    ids=["deleted at the top", "all deleted", "come and gone", "set by hand", "set back by hand", "no mark"],
)
def test_a_key_that_was_given_is_never_given_again(
    tmp_path: Path, before: list[str], late: list[str], mark: int
) -> None:
    case = Case(tmp_path, [OLD, *before], schema([NEW], [rules("thing", was="item")]))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(*late)
        replay(session, finish=True)
    assert case.new_rows(MARKS) == [("thing", mark)]
    assert moved(case) is None


def test_a_mark_that_is_higher_already_stays(tmp_path: Path) -> None:
    said = rules("thing", was="item", seeds=[seed(id=500, name="seed")])
    case = Case(tmp_path, [OLD, "INSERT INTO item(id) VALUES (90)"], schema([NEW], [said]))
    case.record()
    with case.session() as session:
        case.copy(session)
        replay(session, finish=True)
    assert case.new_rows(MARKS) == [("thing", 500)]
    assert moved(case) is None


def test_a_table_that_never_had_a_row_gets_its_mark(tmp_path: Path) -> None:
    case = Case(tmp_path, [OLD, "INSERT INTO item(id) VALUES (90)"], schema([NEW], [rules("thing", was="item")]))
    case.record()
    with case.session() as session:
        case.copy(session)
        execute(session.db, "DELETE FROM main.sqlite_sequence")
        assert moved(case) == 'the AUTOINCREMENT mark of "thing"'
        replay(session, finish=True)
    assert case.new_rows(MARKS) == [("thing", 90)]


def test_of_keys_that_are_new_there_is_no_mark_to_carry(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE item(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL)",
        "INSERT INTO item VALUES (90, 'a')",
    ]
    new = "CREATE TABLE thing(number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL)"
    case = Case(tmp_path, old, schema([new], [rules("thing", was="item")]))
    case.record()
    with case.session() as session:
        case.copy(session)
        replay(session, finish=True)
    assert case.new_rows(MARKS) == [("thing", 1)]
    assert moved(case) is None


@pytest.mark.parametrize("new", [OLD.replace(" AUTOINCREMENT", ""), OLD])
def test_a_table_that_has_no_marks_on_one_side_carries_none(tmp_path: Path, new: str) -> None:
    old = OLD if "AUTOINCREMENT" not in new else OLD.replace(" AUTOINCREMENT", "")
    case = Case(tmp_path, [old, "INSERT INTO item VALUES (90, 'a')"], schema([new]))
    case.record()
    with case.session() as session:
        case.copy(session)
        replay(session, finish=True)
    assert moved(case) is None


def test_only_the_last_replay_carries_them_and_what_moves_after_it_is_told(tmp_path: Path) -> None:
    case = Case(tmp_path, [OLD, "INSERT INTO item(id) VALUES (90)"], schema([NEW], [rules("thing", was="item")]))
    case.record()
    numbers = "SELECT * FROM pragma_application_id, pragma_user_version"
    with case.session() as session:
        case.copy(session)
        for name, last in (("application_id", 2**31 - 1), ("user_version", -5)):
            case.write(f"PRAGMA {name} = 3")
            replay(session)
            assert moved(case) == f"PRAGMA {name}"
            case.write(f"PRAGMA {name} = {last}")
            replay(session, finish=True)
            assert moved(case) is None
        assert case.new_rows(numbers) == [(2**31 - 1, -5)]
        case.write("UPDATE sqlite_sequence SET seq = 91")
        assert moved(case) == 'the AUTOINCREMENT mark of "thing"'
        replay(session, finish=True)
        assert moved(case) is None


MODULE = """from typing import Annotated
from hotmig.schema import Key, Was, auto, table

database = "shop"

@table
class Item:
    id: Annotated[int, Key(autoincrement=True)] = auto()
    title: Annotated[str | None, Was("name")] = None
"""


@pytest.mark.parametrize(
    ("late", "told"),
    [
        ("PRAGMA user_version = 8", "PRAGMA user_version"),
        ("PRAGMA application_id = 8", "PRAGMA application_id"),
        ("UPDATE sqlite_sequence SET seq = 800", 'the AUTOINCREMENT mark of "item"'),
    ],
)
def test_what_no_fence_keeps_out_is_carried_over_by_another_drain(tmp_path: Path, late: str, told: str) -> None:
    script = (
        f"{OLD}; PRAGMA user_version = 7; INSERT INTO item VALUES (1, 'a'), (70, 'b'); DELETE FROM item WHERE id = 70;"
    )
    shop = open_shop(tmp_path / "shop", script=script, module=MODULE)
    shop.run("migrate")
    shop.run("drain")
    shop.write(late)
    refused = shop.run("cutover", code=3)
    assert f"{told} of the old database changed since the drain" in refused.output
    shop.run("drain")
    shop.run("cutover")
    for question in ("PRAGMA user_version", "PRAGMA application_id", MARKS):
        assert shop.ask(question, shop.new) == shop.ask(question, shop.old)
    shop.write("INSERT INTO item(title) VALUES ('c')", file=shop.new)
    given = shop.ask("SELECT max(id) FROM item", shop.new)[0][0]
    assert given == (801 if "sequence" in late else 71)
