"""A key that gave way to a new one is a plain column: whether it stays unique is for the module to say."""

from __future__ import annotations

import pytest

from tests.planning.planned import planned

PART = "CREATE TABLE part(sku TEXT PRIMARY KEY NOT NULL{})"
MODULE = """
@table(was="part"{})
class Item:
    id: Annotated[int, Key] = auto()
    {}
"""
CODE = 'code: Annotated[str, Was("sku")]'
MESSAGE = "item.code, the old primary key, is not unique any more in the new schema: several rows may have the same"


def test_the_line_that_keeps_it_unique() -> None:
    ((severity, message, fix),) = planned(PART.format(""), MODULE.format("", CODE)).of("old-key")
    assert (severity, message, fix) == ("warn", MESSAGE, 'code: Annotated[str, Was("sku"), Unique]')
    assert planned(PART.format(""), MODULE.format("", fix)).findings == ()


def test_by_the_old_collation() -> None:
    ((_, _, fix),) = planned(PART.format(" COLLATE NOCASE"), MODULE.format("", CODE)).of("old-key")
    assert fix == 'code: Annotated[str, Was("sku"), Unique(collate="NOCASE")]'
    assert planned(PART.format(" COLLATE NOCASE"), MODULE.format("", fix)).findings == ()
    is_less = 'code: Annotated[str, Was("sku"), Unique]'
    assert len(planned(PART.format(" COLLATE NOCASE"), MODULE.format("", is_less)).of("old-key")) == 1


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (', unique=["code"]', CODE),
        (', indexes=[Index("code", unique=True)]', CODE),
        ("", 'code: Annotated[str, Was("sku"), Unique(collate="NOCASE")]'),
        ("", 'code: Annotated[str, From("lower(sku)")]'),
    ],
)
def test_what_keeps_it_unique_or_is_another_column(options: str, field: str) -> None:
    assert planned(PART.format(""), MODULE.format(options, field)).of("old-key") == []


@pytest.mark.parametrize("options", ['indexes=[Index("code", unique=True, where="id > 5")]', 'unique=[("id", "code")]'])
def test_what_does_not(options: str) -> None:
    assert len(planned(PART.format(""), MODULE.format(f", {options}", CODE)).of("old-key")) == 1


def test_a_key_of_several_columns() -> None:
    old = """
        CREATE TABLE part(sku TEXT PRIMARY KEY NOT NULL);
        CREATE TABLE stock(shop INT NOT NULL, sku TEXT NOT NULL REFERENCES part, n INT, PRIMARY KEY (shop, sku))
    """
    module = """
@table
class Part:
    id: Annotated[int, Key] = auto()
    sku: Annotated[str, Unique]
@table{}
class Stock:
    id: Annotated[int, Key] = auto()
    shop: int
    part: Annotated[Part, Was("sku")]
    n: int | None
"""
    message = (
        "stock(shop, part_id), the old primary key, is not unique any more in the new schema:"
        " several rows may have the same"
    )
    fix = '@table(…, unique=[("shop", "part_id")])'
    assert planned(old, module.format("")).of("old-key") == [("warn", message, fix)]
    assert planned(old, module.format(fix.removeprefix("@table").replace("…, ", ""))).of("old-key") == []


def test_a_key_that_stays_is_not_mentioned() -> None:
    module = "@table\nclass T:\n    id: Annotated[int, Key] = auto()\n    x: str | None\n"
    assert planned("CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT)", module).findings == ()
