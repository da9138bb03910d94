"""Whether the new file can begin as a copy of the old one's pages, and what makes the new tables of these."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hotmig.catalog.read import read_catalog
from hotmig.planning.as_is import MOST_BYTES
from hotmig.planning.copy_plan import build_plan
from hotmig.planning.model import CopyPlan
from hotmig.planning.pages import MOST_FREE, alterations, goes_by_pages
from tests.planning.checks.test_plain_alter import NOTE as NOTES
from tests.planning.checks.test_plain_alter import OLD, PLAIN, REBUILT, item
from tests.planning.planned import old_database, schema_of

SIZE = 1_000_000
NOTE = NOTES.format(reference='References("Item")')


def plan_of(module: str, old: str = OLD) -> CopyPlan:
    return build_plan(read_catalog(old_database(old)), schema_of(module))


@pytest.mark.parametrize("module", PLAIN.values(), ids=PLAIN)
def test_what_alter_table_can_do_goes_by_pages(module: str) -> None:
    assert goes_by_pages(plan_of(module + NOTE), size=SIZE, free=0)


@pytest.mark.parametrize("module", [REBUILT[name] for name in REBUILT if name != "a data migration"])
def test_what_it_cannot_do_goes_table_by_table(module: str) -> None:
    note = "" if "dropped(" in module else NOTE
    assert not goes_by_pages(plan_of(module + note), size=SIZE, free=0)


def test_a_data_migration_changes_the_new_file_when_it_is_there() -> None:
    assert goes_by_pages(plan_of(REBUILT["a data migration"] + NOTE), size=SIZE, free=0)


@pytest.mark.parametrize(
    ("size", "free", "goes"),
    [
        (MOST_BYTES, 0, True),
        (MOST_BYTES + 1, 0, False),
        (SIZE, SIZE // MOST_FREE, True),
        (SIZE, SIZE // MOST_FREE + 1, False),
        (None, 0, False),
        (SIZE, None, False),
        (0, 0, False),
    ],
)
def test_a_large_file_and_one_of_free_pages_go_table_by_table(size: int | None, free: int | None, goes: bool) -> None:
    assert goes_by_pages(plan_of(PLAIN["a view"] + NOTE), size=size, free=free) is goes


def test_a_database_without_tables_or_with_virtual_ones_does_not_go_by_pages() -> None:
    wanted = plan_of(PLAIN["a view"] + NOTE)
    assert not goes_by_pages(plan_of(item(), ""), size=SIZE, free=0)
    virtual = read_catalog(old_database(f"{OLD};;CREATE VIRTUAL TABLE words USING fts5(word)")).virtual_tables
    assert not goes_by_pages(replace(wanted, old=replace(wanted.old, virtual_tables=virtual)), size=SIZE, free=0)


def test_the_statements_say_what_differs() -> None:
    old = """CREATE TABLE client(id INTEGER PRIMARY KEY, name TEXT NOT NULL, mail TEXT);;
        CREATE INDEX by_name ON client(name);;CREATE INDEX by_mail ON client(mail);;
        CREATE INDEX gone ON client(name, id)"""
    module = """
@table("customer", was="client", indexes=[Index("full", name="by_name"), Index("mail", "id", name="by_mail")])
class Customer:
    id: Annotated[int, Key] = auto()
    full: Annotated[str, Was("name")]
    mail: str | None = None
    tier: Annotated[str, Collate("NOCASE")] = "it's"
"""
    assert list(alterations(plan_of(module, old))) == [
        'DROP INDEX main."by_mail"',
        'DROP INDEX main."gone"',
        'ALTER TABLE main."client" RENAME COLUMN "name" TO "full"',
        'ALTER TABLE main."client" RENAME TO "customer"',
        'ALTER TABLE main."customer" ADD COLUMN "tier" TEXT NOT NULL DEFAULT \'it\'\'s\' COLLATE "NOCASE"',
    ]


def test_an_index_that_gets_the_name_of_another_is_not_taken_for_it() -> None:
    old = "CREATE TABLE item(id INTEGER PRIMARY KEY, a, b);;CREATE INDEX x ON item(a);;CREATE INDEX y ON item(b)"
    module = """
@table("item", indexes=[Index("b", name="x"), Index("a", name="y")])
class Item:
    id: Annotated[int, Key] = auto()
    a: Annotated[object, ColumnType("")] = None
    b: Annotated[object, ColumnType("")] = None
"""
    assert list(alterations(plan_of(module, old))) == ['DROP INDEX main."x"', 'DROP INDEX main."y"']


@pytest.mark.parametrize(
    ("one", "two"), [('"ONE", was="one"', '"two"'), ('"two", was="one"', '"one", was="two"')], ids=["case", "places"]
)
def test_a_name_that_an_old_table_has_is_more_than_alter_table_can_give(one: str, two: str) -> None:
    old = "CREATE TABLE one(id INTEGER PRIMARY KEY, a TEXT);;CREATE TABLE two(id INTEGER PRIMARY KEY, b TEXT)"
    columns = "    id: Annotated[int, Key] = auto()\n    {}: str | None = None\n"
    module = f"@table({one})\nclass One:\n{columns.format('a')}\n@table({two})\nclass Two:\n{columns.format('b')}"
    plan = plan_of(module, old)
    assert {step.how for step in plan.steps} == {"as-is"}
    assert not goes_by_pages(plan, size=SIZE, free=0)
