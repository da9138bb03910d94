from __future__ import annotations

import pytest

from hotmig.planning.diff import supported
from hotmig.planning.sameness import nothing_to_do
from tests.planning.planned import planned

OLD = """
    CREATE TABLE client(id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT, nickname TEXT, email TEXT NOT NULL);
    CREATE TABLE product(code TEXT NOT NULL PRIMARY KEY, name TEXT);
    CREATE TABLE orders(id INTEGER PRIMARY KEY, client_id INT REFERENCES client(id), product TEXT REFERENCES product,
        placed TEXT);
    CREATE INDEX by_placed ON orders(placed);
    CREATE TABLE log(what TEXT);
    CREATE TRIGGER noted AFTER INSERT ON orders BEGIN INSERT INTO log VALUES ('new'); END;
    CREATE VIEW recent AS SELECT 1
"""
NEW = """
@table(was="client")
class Customer:
    id: Annotated[int, Key]
    full_name: Annotated[str, From("first_name || ' ' || last_name")]
    email: Annotated[str, Unique(collate="NOCASE")]
    tier: str = "basic"
@table
class Product:
    id: Annotated[int, Key] = auto()
    code: str
    name: str | None
@table("orders", indexes=[Index("placed_at", name="by_placed")])
class Order:
    id: Annotated[int, Key]
    customer: Annotated[Customer | None, Was("client"), References(on_delete="CASCADE")]
    product: Annotated[Product | None, Was("product")]
    placed_at: Annotated[str | None, Was("placed"), Check("placed_at > ''")]
    note: str | None = None
@table
class Audit:
    id: Annotated[int, Key] = auto()
"""


def test_every_change_has_its_line_in_copy_order() -> None:
    assert supported(planned(OLD.replace("END;", "END;;").replace(";\n", ";;\n"), NEW).plan) == (
        "table audit added",
        "table client → customer",
        "column client.first_name, client.last_name → customer.full_name: first_name || ' ' || last_name",
        "column customer.tier added: default 'basic'",
        "column client.nickname dropped",
        "unique constraint (email) added (customer)",
        "column product.id: a new integer key",
        "primary key changed (product)",
        "column orders.client_id → orders.customer_id",
        "column orders.product → orders.product_id: the new key of product",
        "column orders.placed → orders.placed_at",
        "column orders.note added: NULL",
        "type of column customer_id was INT, is INTEGER (orders)",
        "type of column product_id was TEXT, is INTEGER (orders)",
        "check (placed_at > '') added (orders)",
        "foreign key (customer_id) to customer changed (orders)",
        "foreign key (product_id) to product changed (orders)",
        "table log dropped",
        "view recent dropped",
        "trigger noted dropped",
    )


def test_nothing_changed_gives_no_lines() -> None:
    module = "@table\nclass T:\n    id: Annotated[int, Key]\n    x: str | None\n"
    assert supported(planned("CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT)", module).plan) == ()


def test_the_order_of_columns_is_a_change() -> None:
    module = "@table\nclass T:\n    id: Annotated[int, Key]\n    x: str | None\n"
    lines = supported(planned("CREATE TABLE t(x TEXT, id INTEGER PRIMARY KEY)", module).plan)
    assert lines == ("order of columns changed (t)",)


def test_a_column_that_is_computed_under_another_spelling_is_one_column() -> None:
    module = '@table\nclass Artist:\n    id: Annotated[int, Key]\n    name: Annotated[str, From("coalesce(Name, 1)")]'
    result = planned("CREATE TABLE Artist(Id INTEGER PRIMARY KEY, Name NVARCHAR(120))", module)
    assert supported(result.plan) == (
        "table Artist → artist",
        "column Artist.Id → artist.id",
        "column Artist.Name → artist.name: coalesce(Name, 1)",
        "type of column name was NVARCHAR ( 120 ), is TEXT (artist)",
        "column name is NOT NULL now (artist)",
    )


def test_like_tables_that_take_each_other_s_names_are_something_to_do() -> None:
    old = "CREATE TABLE a(id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE b(id INTEGER PRIMARY KEY, x TEXT)"
    swapped = (
        f"@table({name!r}, was={was!r})\nclass {name.upper()}:\n    id: Annotated[int, Key]\n    x: str | None\n"
        for name, was in (("a", "b"), ("b", "a"))
    )
    result = planned(old, "".join(swapped))
    assert not nothing_to_do(result.context)
    assert supported(result.plan) == ("table b → a", "table a → b")


@pytest.mark.parametrize(
    ("declared", "field", "lines"),
    [
        ("INT PRIMARY KEY NOT NULL", "Annotated[int, Key]", ("type of column a was INT, is INTEGER (t)",)),
        ("INTEGER PRIMARY KEY NOT NULL", "Annotated[int, Key]", ()),
        ("TEXT PRIMARY KEY NOT NULL", "Annotated[str | None, Key]", ("column a may be NULL now (t)",)),
        ("TEXT PRIMARY KEY", "Annotated[str, Key]", ("column a is NOT NULL now (t)",)),
    ],
)
def test_a_key_that_is_never_null_stays_so_without_saying_it(declared: str, field: str, lines: tuple[str, ...]) -> None:
    old = f"CREATE TABLE t(a {declared}, x INTEGER)"
    assert supported(planned(old, f"@table\nclass T:\n    a: {field}\n    x: int | None\n").plan) == lines


def test_a_column_that_nothing_fills_has_no_value() -> None:
    old = "CREATE TABLE t(id INTEGER PRIMARY KEY)"
    module = "@table\nclass T:\n    id: Annotated[int, Key]\n    must: str\n    may: str | None\n"
    assert supported(planned(old, module).plan) == ("column t.must added: no value", "column t.may added: NULL")
