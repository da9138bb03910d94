"""Which tables can be copied as they are, and what keeps the others from it."""

from __future__ import annotations

import pytest

from hotmig.catalog.read import read_catalog
from hotmig.planning.as_is import added_columns, moved_indexes
from hotmig.planning.copy_plan import build_plan
from hotmig.planning.model import TableStep
from tests.planning.planned import old_database, schema_of

OLD = """CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, price REAL DEFAULT 0.0,
    CHECK (price >= 0));;
    CREATE INDEX by_name ON item(name, price DESC);;CREATE UNIQUE INDEX by_part ON item(price) WHERE price > 5"""
ID, NAME = "    id: Annotated[int, Key] = auto()", '    name: Annotated[str, Collate("NOCASE")]'
PRICE = "    price: float | None = 0"
CHECKED = 'checks=[Check("price >= 0")]'


def step(*columns: str, table: str = f'"item", {CHECKED}', old: str = OLD) -> TableStep:
    module = f"@table({table})\nclass Item:\n" + "\n".join(columns) + "\n"
    (found,) = build_plan(read_catalog(old_database(old)), schema_of(module)).steps
    return found


SAME = {
    "unchanged": ((ID, NAME, PRICE), f'"item", {CHECKED}'),
    "another name": ((ID, NAME, PRICE), f'"thing", was="item", {CHECKED}'),
    "a column under another name": (
        (ID, '    title: Annotated[str, Collate("NOCASE"), Was("name")]', PRICE), f'"item", {CHECKED}',
    ),
    "columns behind it": (
        (ID, NAME, PRICE, "    extra: str = 'x'", "    more: int | None = None", "    last: int = -1"),
        f'"item", {CHECKED}',
    ),
    "a CHECK less": ((ID, NAME, PRICE), '"item"'),
}  # fmt: skip
PROJECTED = {
    "a From": ((ID, NAME, '    price: Annotated[float | None, From("price * 2")] = 0'), "price is not filled by"),
    "another order": ((ID, PRICE, NAME), "price is not filled by the old column in its place"),
    "another type": ((ID, NAME, "    price: int | None = 0"), "price has another type"),
    "another collation": ((ID, "    name: str", PRICE), "name has another collation"),
    "NULL allowed": (
        (ID, '    name: Annotated[str | None, Collate("NOCASE")]', PRICE), "name has another NOT NULL"
    ),
    "another default": ((ID, NAME, "    price: float | None = 1"), "price has another default"),
    "a time for a default": (
        (ID, NAME, PRICE, '    at: Annotated[str, Default(sql="CURRENT_TIMESTAMP")] = auto()'),
        "at cannot be added behind the copy",
    ),
    "an expression for a default": (
        (ID, NAME, PRICE, '    at: Annotated[int, Default(sql="(1 + 1)")] = auto()'), "at cannot be added"
    ),
    "a key over what is added": (
        (ID, NAME, PRICE, "    at: Annotated[int | None, Unique] = None"), "at cannot be added behind the copy"
    ),
    "a CHECK over what is added": (
        (ID, NAME, PRICE, '    at: Annotated[int, Check("at > 0")] = 1'), "at cannot be added behind the copy"
    ),
    "a generated column": (
        (ID, NAME, PRICE, '    at: Annotated[float, Generated("price * 2")] = auto()'), "it has a generated column"
    ),
    "a value map": (
        (ID, '    name: Annotated[str, Collate("NOCASE"), Mapped({"a": "b"})]', PRICE), "name gets canonical values"
    ),
}  # fmt: skip
TABLES = {
    'was="item", strict=True, checks=[Check("price >= 0")]': "STRICT is new",
    'was="item", checks=[Check("price >= 1")]': "it has another CHECK",
    'was="item", unique=[("name",)], checks=[Check("price >= 0")]': "it has a UNIQUE constraint more",
    'was="item", checks=[Check("price >= 0")], duplicates=Duplicates(key="name", compare=(), prefer="id")': (
        "rows become one"
    ),
}


@pytest.mark.parametrize(("columns", "table"), SAME.values(), ids=SAME)
def test_what_is_stored_alike_is_copied_as_it_is(columns: tuple[str, ...], table: str) -> None:
    found = step(*columns, table=table)
    assert (found.how, found.why) == ("as-is", None)
    assert [column.name for column in added_columns(found)] == [name.split(":")[0].strip() for name in columns[3:]]


@pytest.mark.parametrize(("columns", "why"), PROJECTED.values(), ids=PROJECTED)
def test_columns_that_are_filled_in_another_way(columns: tuple[str, ...], why: str) -> None:
    found = step(*columns)
    assert found.how == "projected"
    assert found.why is not None
    assert found.why.startswith(why)


@pytest.mark.parametrize(("table", "why"), TABLES.items())
def test_tables_that_are_defined_in_another_way(table: str, why: str) -> None:
    found = step(ID, NAME, PRICE, table=f'"thing", {table}')
    assert (found.how, found.why) == ("projected", why)


def test_a_column_less() -> None:
    assert step(ID, NAME, table='"item"').why == "it has a column less"


def test_a_table_without_a_key_would_get_other_rowids() -> None:
    found = step("    name: str | None", table='"item"', old="CREATE TABLE item(name TEXT)")
    assert (found.how, found.why) == ("projected", "it has no key but the rowid")


def test_indexes_that_the_old_table_has_too_are_moved_along() -> None:
    title = '    title: Annotated[str, Collate("NOCASE"), Was("name")]'
    indexes = """indexes=[Index("title", "price DESC", name="other_name"), Index("price", name="new_one"),
        Index("price", where="price > 5", unique=True, name="by_part")]"""
    found = step(ID, title, PRICE, table=f'"item", {CHECKED}, {indexes}')
    assert [index.name for index in moved_indexes(found)] == ["other_name", "by_part"]


def test_a_trigger_that_fires_for_replayed_rows_hears_of_those_that_were_logged_before_the_copy() -> None:
    module = (
        f'@table("item", {CHECKED})\nclass Item:\n{ID}\n{NAME}\n{PRICE}\n@table\nclass Heard:\n{ID}\n    what: str\n'
    )
    fires = 'trigger("CREATE TRIGGER heard_of AFTER INSERT ON item BEGIN INSERT INTO heard(what) VALUES (1); END"{})'
    found = {}
    for asked in ("", ", on_replay=True"):
        plan = build_plan(read_catalog(old_database(OLD)), schema_of(module + fires.format(asked)))
        found[asked] = [(step.how, step.why) for step in plan.steps if step.source is not None]
    assert found[""] == [("as-is", None)]
    assert found[", on_replay=True"] == [("projected", "a trigger fires for its replayed rows")]
