"""The findings of a plan as they are printed: each says its table once, and its line can be pasted as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from hotmig.cli.app import cli
from tests.phases.files import OLD, application_database

SHOP = """
    CREATE TABLE part(sku TEXT PRIMARY KEY, name TEXT);
    CREATE TABLE client(room TEXT NOT NULL, number INTEGER NOT NULL, nickname TEXT, PRIMARY KEY (room, number));
    CREATE TABLE used(id INTEGER PRIMARY KEY, sku TEXT NOT NULL REFERENCES part, room TEXT, number INTEGER, price REAL,
        FOREIGN KEY (room, number) REFERENCES client);
    INSERT INTO part VALUES ('a', 'x');
    INSERT INTO client VALUES ('r', 1, 'nick'), ('s', 1, NULL);
    INSERT INTO used VALUES (1, 'a', 'r', 1, 19.9), (2, 'a', 's', 1, 0.5), (3, 'a', 'x', NULL, 0.5);
"""
MODULE = """from typing import Annotated

from hotmig.schema import Key, Unique, Was, auto, dropped, table

database = "shop"

@table
class Part:
    id: Annotated[int, Key] = auto()
    sku: Annotated[str, Unique]
    name: str | None

@table(was="client", unique=[("room", "number")])
class Customer:
    id: Annotated[int, Key] = auto()
    room: str
    number: int

@table
class Used:
    id: Annotated[int, Key] = auto()
    part: Part
    customer: Customer | None
    price_cents: int
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    application_database(tmp_path / OLD, SHOP, wal=True)
    return tmp_path


def findings(directory: Path, module: str) -> list[str]:
    (directory / "schema.py").write_text(module)
    shown = CliRunner().invoke(cli, ["plan", "--dir", str(directory)]).stdout.splitlines()
    return [line.strip() for line in shown if line.endswith("]") or line.startswith("      write: ")]


def test_what_blocks(shop: Path) -> None:
    assert findings(shop, MODULE)[:9] == [
        "customer: client.nickname holds 1 value and has no successor  [dropped-column]",
        'write: dropped("client", "nickname")',
        "used.room (3 values), used.number (2 values) are gone and used.customer_id has come: the reference to client"
        ' that room, number were? If not, give them up: dropped("used", "room"); dropped("used", "number")'
        "  [renamed-column]",
        'write: customer: Annotated[Customer | None, Was("room", "number")]',
        "used.sku (3 values) is gone and used.part_id has come: the reference to part that sku was? If not, give it up:"
        ' dropped("used", "sku")  [renamed-column]',
        'write: part: Annotated[Part, Was("sku")]',
        'used.price (3 values) is gone and used.price_cents has come, of another type. The same values: Was("price").'
        ' Computed from them: say how. Neither: dropped("used", "price")  [renamed-column]',
        'write: price_cents: Annotated[int, From("SQL over the old row")]',
        "the PRIMARY KEY (sku) of part is not declared NOT NULL, and SQLite then lets NULLs into it: its rows are found"
        " by rowid, which VACUUM renumbers; don't VACUUM the old database while migrating; a later migration finds them"
        " by sku if it is NOT NULL in the new schema  [key]",
    ]


def test_what_is_warned_of_once_the_lines_are_pasted(shop: Path) -> None:
    mended = MODULE + 'dropped("client", "nickname")\n'
    for field, pasted in (
        ("part: Part", 'part: Annotated[Part, Was("sku")]'),
        ("customer: Customer | None", 'customer: Annotated[Customer | None, Was("room", "number")]'),
        ("price_cents: int", 'cost: Annotated[float | None, Was("price")]\n    price: float | None = None'),
        ("sku: Annotated[str, Unique]", "sku: str"),
    ):
        mended = mended.replace(field, pasted)
    assert findings(shop, mended)[1:] == [
        "part.sku, the old primary key, is not unique any more in the new schema: several rows may have the same"
        "  [old-key]",
        "write: sku: Annotated[str, Unique]",
        "no index of used begins with sku, by which each round of replay finds the rows that refer to a changed row of"
        " part: it reads the whole table each time. If that is large, run in the old database, before `hotmig migrate`:"
        " CREATE INDEX ix_used_sku ON used(sku)  [child-index]",
        "1 row has NULL in a part of used(room, number), which refers to nothing: used.customer_id becomes NULL: id 3"
        "  [orphans]",
        "used.price gets NULL in every row: the old used.price goes to cost by its Was  [was]",
        'write: price: Annotated[float | None, From("price")] = None',
    ]
