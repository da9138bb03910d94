"""Schema classes as an application uses them, and as a type checker sees them."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest

from hotmig.schema import Key, auto, table, view
from hotmig.schema.declare import snake_case


def test_a_plain_class_becomes_a_keyword_only_dataclass() -> None:
    @table
    class Customer:
        id: Annotated[int, Key] = auto()
        tier: str = "basic"
        name: str

    customer = Customer(name="Ada")
    assert dataclasses.is_dataclass(Customer)
    assert (customer.name, customer.tier, repr(customer.id)) == ("Ada", "basic", "auto()")
    assert customer == Customer(name="Ada")
    with pytest.raises(TypeError, match="takes its fields by their names"):
        Customer("Ada")  # type: ignore[call-arg, misc]


def test_over_a_dataclass_its_options_stay() -> None:
    @table("customers")
    @dataclasses.dataclass(frozen=True, slots=True, order=True)
    class Customer:
        id: Annotated[int, Key] = auto()
        name: str

    customer = Customer(name="Ada")
    assert customer < Customer(name="Bob")
    with pytest.raises(dataclasses.FrozenInstanceError):
        customer.name = "Bob"  # type: ignore[misc]
    with pytest.raises(TypeError, match="takes its fields by their names"):
        Customer("Ada")


def test_a_view_is_a_dataclass_too() -> None:
    @view(sql="SELECT 1 AS one")
    class One:
        one: int

    assert One(one=1).one == 1


@pytest.mark.parametrize(
    ("cls", "table"),
    [
        ("Customer", "customer"),
        ("OrderLine", "order_line"),
        ("HTTPLog", "http_log"),
        ("MyHTTPLog2", "my_http_log2"),
        ("A", "a"),
        ("already_snake", "already_snake"),
        ("Over_Both", "over_both"),
    ],
)
def test_snake_case(cls: str, table: str) -> None:
    assert snake_case(cls) == table


CHECKED = """
import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from hotmig.schema import (
    Check, Column, ColumnType, Default, ForeignKey, From, Generated, Index, Key, NotNull, References, Unique, Was,
    auto, dropped, seed, sql, table, trigger, view,
)

Money = Annotated[int, Check("total_cents >= 0")]


@table(was="client")
class Customer:
    id: Annotated[int, Key(autoincrement=True)] = auto()
    tier: Literal["basic", "gold"] = "basic"
    full_name: Annotated[str, From("first_name || ' ' || last_name")]
    email: Annotated[str, Unique(collate="NOCASE")]


@table("orders", indexes=["note", Index("placed_at")], strict=True, unique=["note", ("note", "total_cents")])
@dataclass(kw_only=True)
class Order:
    id: Annotated[int, Key] = auto()
    customer: Annotated[Customer, References(on_delete="CASCADE")]
    before: Annotated["Order", References(deferred=True)] | None = None
    total_cents: Annotated[Money, From("round(total * 100)")]
    placed_at: Annotated[dt.datetime, Was("placed"), Default(sql="CURRENT_TIMESTAMP")] = auto()
    double: Annotated[int, Generated("total_cents * 2")] = auto()
    anything: Annotated[object, ColumnType("ANY"), NotNull] = 3
    note: str | None = None


@table(key=Key("a", "b DESC"), foreign_keys=[ForeignKey(("a", "b"), "Pair", ("b", "a"))], checks=["a < b"])
@dataclass
class Pair:
    a: int
    b: Annotated[int, Column("B")]


@view(joins=[(Order, Customer)])
class Sale:
    full_name: str
    total_cents: int


ADA = Customer(id=1, full_name="Ada", email="ada@example.org")
seed([Order(id=1, customer=ADA, total_cents=3)], if_absent=True)
dropped("client", "nickname")
dropped("basket")
trigger("CREATE TRIGGER t AFTER INSERT ON orders BEGIN SELECT 1; END", on_replay=True)
sql("CREATE VIRTUAL TABLE words USING fts5(word)")
"""


def mypy(file: Path) -> str:
    arguments = ["--strict", "--no-error-summary", f"--cache-dir={file.parent / 'cache'}", str(file)]
    child = subprocess.run([sys.executable, "-m", "mypy", *arguments], capture_output=True, text=True, check=False)
    return child.stdout + child.stderr


def test_a_module_is_clean_under_mypy_strict_and_its_rows_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "checked.py"
    wrong = "Customer(full_name='Ada')\nCustomer(full_name=1, email='')\nCustomer(1)\n"
    file.write_text(CHECKED + wrong)
    lines = len(CHECKED.splitlines())
    found = mypy(file).splitlines()
    assert [line.split(":")[1] for line in found if "error" in line][:2] == [str(lines + 1), str(lines + 2)]
    assert not [line for line in found if "error" in line and int(line.split(":")[1]) <= lines]
    assert any("error" in line and line.split(":")[1] == str(lines + 3) for line in found)
