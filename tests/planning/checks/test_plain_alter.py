"""A change that ALTER TABLE makes by itself is told as a note, and no other one is."""

from __future__ import annotations

import pytest

from hotmig.catalog.read import read_catalog
from hotmig.planning.checking import Context
from hotmig.planning.checks.plain_alter import findings
from hotmig.planning.copy_plan import build_plan
from tests.planning.planned import old_database, schema_of

OLD = """CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL, CHECK (price >= 0));;
    CREATE TABLE note(id INTEGER PRIMARY KEY, item_id INTEGER REFERENCES item(id));;
    CREATE INDEX by_name ON item(name)"""
ITEM = """
@table({table}, {options}indexes=[Index("name", name="by_name")], checks=[Check("price >= 0")])
class Item:
    id: Annotated[int, Key] = auto()
    {name}
    price: float | None = None
{more}
"""
NOTE = """
@table("note")
class Note:
    id: Annotated[int, Key] = auto()
    item_id: Annotated[int | None, {reference}] = None
"""


def told(item: str, note: str = NOTE.format(reference='References("Item")'), more: str = "") -> list[str]:
    schema = schema_of(item + note + more)
    plan = build_plan(read_catalog(old_database(OLD)), schema)
    return [each.severity for each in findings(Context(plan, schema))]


def item(name: str = "name: str", more: str = "", options: str = "", table: str = '"item"') -> str:
    return ITEM.format(name=name, more=more, options=options, table=table)


PLAIN = {
    "a column behind the last": item(more="    stock: int = 0"),
    "another name of a column": item('title: Annotated[str, Was("name")]').replace('Index("name"', 'Index("title"'),
    "another name of the table": item(options='was="item", ', table='"thing"'),
    "another index": item().replace('name="by_name"', 'name="by_its_name"'),
    "a view": item() + '\n@view("v", sql="SELECT id FROM item")\nclass V:\n    id: int\n',
    "a table": item() + '\n@table("fresh")\nclass Fresh:\n    id: Annotated[int, Key] = auto()\n',
}  # fmt: skip
REBUILT = {
    "another type": item().replace("price: float", "price: int"),
    "NULL is allowed": item(name="name: str | None"),
    "a CHECK less": item().replace(', checks=[Check("price >= 0")]', ""),
    "another CHECK": item().replace("price >= 0", "price >= 1"),
    "a UNIQUE constraint more": item().replace("checks=", 'unique=[("price",)], checks='),
    "STRICT": item().replace("checks=", "strict=True, checks="),
    "a From": item(name='name: Annotated[str, From("upper(name)")]'),
    "rows that become one": item(options='duplicates=Duplicates(key="name", compare=(), prefer="id"), '),
    "a data migration": item(more="    stock: int = 0")
    + '\n@data_migration("001_fill")\ndef fill(db):\n    db.execute("UPDATE item SET stock = 1")\n',
    "a table that is dropped": item() + '\ndropped("note")\n',
}


@pytest.mark.parametrize("module", PLAIN.values(), ids=PLAIN)
def test_it_is_told(module: str) -> None:
    assert told(module) == ["note"]


@pytest.mark.parametrize("module", REBUILT.values(), ids=REBUILT)
def test_it_is_not_told_where_rows_or_constraints_change(module: str) -> None:
    note = "" if "dropped(" in module else NOTE.format(reference='References("Item")')
    assert told(module, note) == []


def test_a_foreign_key_that_changes_is_none() -> None:
    assert told(item(), NOTE.format(reference='References("Item", on_delete="CASCADE")')) == []


def test_nothing_is_told_where_nothing_changes() -> None:
    assert told(item()) == []
