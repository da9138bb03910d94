"""The shop's schema modules: the first one describes the first database, the second one all that a demo must show."""

from __future__ import annotations

from pathlib import Path

from hotmig.catalog.read import read_catalog
from hotmig.demo.shop import NEW_SCHEMA, OLD_SCHEMA, create_shop
from hotmig.schema.load import load
from hotmig.sqlite import reading
from tests.scenarios.harness import ROOT

SCHEMAS = ROOT / "schemas"


def test_the_first_schema_is_that_of_the_first_database(tmp_path: Path) -> None:
    create_shop(tmp_path / "shop.sqlite", rows=100)
    with reading(tmp_path / "shop.sqlite") as db:
        assert read_catalog(db) == load(SCHEMAS / OLD_SCHEMA).catalog


def test_the_second_schema_declares_every_kind_of_change() -> None:
    old, new = load(SCHEMAS / OLD_SCHEMA), load(SCHEMAS / NEW_SCHEMA)
    rules = {table.table: table for table in new.tables}
    columns = [column for table in new.tables for column in table.columns]
    assert rules["customer"].was == "client"
    assert {column.was for column in columns} >= {"joined", "placed"}
    assert [column.column for column in columns if column.source] == ["full_name", "total_cents"]
    assert [(given.table, given.column) for given in new.dropped] == [("client", "nickname")]
    assert {table.name for table in new.catalog.tables} - {table.name for table in old.catalog.tables} == {
        "customer",
        "coupon",
        "price_change",
    }
    assert new.catalog.views
    assert new.catalog.triggers
    assert new.catalog.table("product").rowid_alias == "id"  # type: ignore[union-attr]
    assert old.catalog.table("product").rowid_alias is None  # type: ignore[union-attr]
    orders = new.catalog.table("orders")
    assert orders is not None
    assert [foreign.parent for foreign in orders.foreign_keys] == ["customer"]
    assert "placed_at" in [index.columns[0].name for index in orders.indexes]
