from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotmig.catalog.read import read_catalog
from hotmig.planning.copy_plan import build_plan
from hotmig.planning.hints import hints_of
from hotmig.planning.model import ColumnStep, Hint, TableStep, Translation
from hotmig.planning.sameness import nothing_to_do
from tests.planning.planned import Planned, old_database, planned, schema_of

SHOP = """
    CREATE TABLE client(code TEXT NOT NULL PRIMARY KEY COLLATE NOCASE, name TEXT);
    CREATE TABLE orders(id INTEGER PRIMARY KEY, client TEXT REFERENCES client(code), total REAL);
    CREATE TABLE line(order_id INT NOT NULL REFERENCES orders, n INT NOT NULL, PRIMARY KEY (order_id, n));
    CREATE TABLE old_news(text)
"""
CUSTOMER = """
@table(was="client")
class Customer:
    id: Annotated[int, Key] = auto()
    code: str
    name: str | None
"""
ORDER = """
@table("orders")
class Order:
    id: Annotated[int, Key] = auto()
    customer: Annotated["Customer | None", Was("client"), References()]
    total: float | None
"""
LINE = """
@table(key=("order_id", "n"))
class Line:
    order: Order
    n: int
"""
PRICE = "CREATE TABLE t(id INTEGER PRIMARY KEY, price INT)"
IN_CENTS = """
@table
class T:
    id: Annotated[int, Key]
    price: Annotated[int | None, From("price * 100")]
"""


def column(step: TableStep, name: str) -> ColumnStep:
    return next(each for each in step.columns if each.name == name)


def one(old: str, module: str, table: str = "t") -> TableStep:
    return planned(old, module).step(table)


def shop() -> Planned:
    return planned(SHOP, CUSTOMER + ORDER + LINE)


def test_tables_are_copied_parents_first_whatever_the_order_of_declarations() -> None:
    assert [step.table.name for step in shop().plan.steps] == ["customer", "orders", "line"]
    assert [step.number for step in shop().plan.steps] == [1, 2, 3]


def test_every_old_table_is_recorded_and_those_without_a_successor_are_only_fenced() -> None:
    recorded = [(each.number, each.table.name, each.key is not None) for each in shop().plan.recorded]
    assert recorded == [(1, "client", True), (2, "line", True), (3, "old_news", False), (4, "orders", True)]


def test_a_new_integer_key_is_assigned_and_mapped() -> None:
    step = shop().step("customer")
    assert (step.keys, step.new_key) == ("mapped", ("id",))
    assert column(step, "id") == ColumnStep("id", None, "a new integer key", assigned=True)
    assert column(step, "code").expression == '"code"'


def test_a_reference_to_a_mapped_key_is_translated() -> None:
    step = shop().step("orders")
    assert step.translations == (
        Translation(("client",), "customer", "client", ("code",), ("id",), ("customer_id",), "refuse"),
    )
    assert column(step, "customer_id").expression is None
    assert [foreign.columns for foreign in step.new_foreign_keys] == [("customer_id",)]


def test_a_reference_to_a_kept_key_is_copied_and_was_guaranteed() -> None:
    step = shop().step("line")
    assert (step.translations, step.new_foreign_keys, step.keys) == ((), (), "kept")


def test_a_text_key_becomes_an_integer_under_the_same_name() -> None:
    old = "CREATE TABLE t(id TEXT PRIMARY KEY, x)"
    step = one(old, "@table\nclass T:\n    id: Annotated[int, Key]\n    x: str | None\n")
    assert column(step, "id").assigned
    assert step.keys == "mapped"
    computed = one(
        old, '@table\nclass T:\n    id: Annotated[int, Key, From("CAST(id AS INTEGER)")]\n    x: str | None\n'
    )
    assert column(computed, "id") == ColumnStep("id", "CAST(id AS INTEGER)", "CAST(id AS INTEGER)")
    assert (computed.keys, computed.new_key) == ("mapped", ("id",))


def test_an_undeclared_reference_to_a_mapped_key_holds_the_old_key() -> None:
    old = "CREATE TABLE a(code TEXT PRIMARY KEY); CREATE TABLE b(id INTEGER PRIMARY KEY, a TEXT)"
    module = """
@table
class A:
    id: Annotated[int, Key] = auto()
    code: str | None
@table
class B:
    id: Annotated[int, Key] = auto()
    a: Annotated[A | None, Was("a")]
"""
    step = one(old, module, "b")
    assert [each.parent_columns for each in step.translations] == [("code",)]


def test_a_key_that_contains_a_translated_reference_is_translated_in_its_own_children() -> None:
    old = """CREATE TABLE a(code TEXT NOT NULL PRIMARY KEY);
        CREATE TABLE b(a TEXT NOT NULL REFERENCES a, n INT NOT NULL, PRIMARY KEY (a, n)) WITHOUT ROWID;
        CREATE TABLE c(id INTEGER PRIMARY KEY, a TEXT, n INT, FOREIGN KEY (a, n) REFERENCES b)"""
    module = """
@table
class A:
    id: Annotated[int, Key] = auto()
    code: str
@table(key=("a_id", "n"))
class B:
    a: Annotated[A, Was("a")]
    n: int
@table(foreign_keys=[ForeignKey(("a", "n"), "B", ("a_id", "n"))])
class C:
    id: Annotated[int, Key] = auto()
    a: int | None
    n: int | None
"""
    plan = planned(old, module)
    assert (plan.step("b").keys, plan.step("b").new_key) == ("mapped", ("a_id", "n"))
    assert plan.step("c").translations == (
        Translation(("a", "n"), "b", "b", ("a", "n"), ("a_id", "n"), ("a", "n"), "refuse"),
    )


def test_a_computed_key_is_followed_through_keys_that_contain_it() -> None:
    old = """CREATE TABLE a(code TEXT NOT NULL PRIMARY KEY);
        CREATE TABLE b(a TEXT NOT NULL REFERENCES a, n INT NOT NULL, PRIMARY KEY (a, n));
        CREATE TABLE c(id INTEGER PRIMARY KEY, a TEXT, n INT, FOREIGN KEY (a, n) REFERENCES b)"""
    module = """
@table(without_rowid=True)
class A:
    code: Annotated[str, Key, From("upper(code)")]
@table(key=("a", "n"), foreign_keys=[ForeignKey(("a",), "A", ("code",))], without_rowid=True)
class B:
    a: str
    n: int
@table(foreign_keys=[ForeignKey(("a", "n"), "B", ("a", "n"))])
class C:
    id: Annotated[int, Key] = auto()
    a: str | None
    n: int | None
"""
    plan = planned(old, module)
    assert [plan.step(name).keys for name in "abc"] == ["mapped", "mapped", "kept"]
    assert [each.targets for each in plan.step("b").translations] == [("a",)]
    assert [each.targets for each in plan.step("c").translations] == [("a", "n")]


def test_a_self_reference_and_a_cycle_are_translated() -> None:
    old = """CREATE TABLE a(code TEXT PRIMARY KEY, boss TEXT REFERENCES a(code), b TEXT REFERENCES b(code));
        CREATE TABLE b(code TEXT PRIMARY KEY, a TEXT REFERENCES a(code))"""
    module = """
@table
class A:
    id: Annotated[int, Key] = auto()
    code: str | None
    boss: Annotated["A | None", Was("boss")]
    b: Annotated["B | None", Was("b")]
@table
class B:
    id: Annotated[int, Key] = auto()
    code: str | None
    a: Annotated[A | None, Was("a")]
"""
    plan = planned(old, module)
    assert [step.table.name for step in plan.plan.steps] == ["a", "b"]
    assert {each.targets for each in plan.step("a").translations} == {("boss_id",), ("b_id",)}
    assert {each.targets for each in plan.step("b").translations} == {("a_id",)}


def test_a_kept_key_follows_the_order_of_the_old_one() -> None:
    old = "CREATE TABLE t(a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (b, a))"
    step = one(old, '@table(key=("x", "b"))\nclass T:\n    x: Annotated[int, Was("a")]\n    b: int\n')
    assert (step.keys, step.source_key and step.source_key.columns, step.new_key) == ("kept", ("b", "a"), ("b", "x"))


def test_a_key_whose_type_changes_its_values_is_mapped() -> None:
    old = "CREATE TABLE t(a INT NOT NULL PRIMARY KEY)"
    assert one(old, "@table\nclass T:\n    a: Annotated[str, Key]\n").keys == "mapped"
    assert one(old, "@table\nclass T:\n    a: Annotated[int, Key]\n").keys == "kept"
    assert (
        one(old, '@table(without_rowid=True)\nclass T:\n    a: Annotated[object, Key, ColumnType("")]\n').keys == "kept"
    )


def test_the_bare_rowid_is_carried_over() -> None:
    assert one("CREATE TABLE t(x)", "@table\nclass T:\n    x: str | None\n").new_key == ("rowid",)
    step = one("CREATE TABLE t(id INTEGER PRIMARY KEY, x)", "@table\nclass T:\n    id: int\n    x: str | None\n")
    assert (step.keys, step.new_key, step.source_key and step.source_key.columns) == ("kept", ("rowid",), ("id",))


def test_a_table_without_old_rows_is_empty() -> None:
    step = one("CREATE TABLE other(x)", "@table\nclass T:\n    id: Annotated[int, Key] = auto()\n")
    assert (step.how, step.source, step.source_key, step.new_key) == ("empty", None, None, ("id",))


def test_names_are_found_without_regard_to_case() -> None:
    step = one('CREATE TABLE "T"("X" TEXT)', "@table\nclass T:\n    x: str | None\n")
    assert column(step, "x") == ColumnStep("x", '"X"', "T.X")


def test_a_was_takes_the_old_column_away_from_its_namesake() -> None:
    old = "CREATE TABLE t(name TEXT)"
    step = one(old, '@table\nclass T:\n    name: str | None\n    full_name: Annotated[str | None, Was("name")]\n')
    assert column(step, "name").expression is None
    assert column(step, "full_name").expression == '"name"'


def test_a_used_hint_is_not_applied_again() -> None:
    used = frozenset({Hint("from", "T", "Price", "price * 100")})
    assert column(planned(PRICE, IN_CENTS).step("t"), "price").expression == "price * 100"
    assert column(planned(PRICE, IN_CENTS, used=used).step("t"), "price").expression == '"price"'


@pytest.mark.parametrize(
    ("source", "wanted", "expected"),
    [
        # The table has another name by now: its rows are the same.
        ("t", IN_CENTS.replace("@table", '@table("product", was="t")'), '"price"'),
        # What stood in another table under this name has nothing to do with it.
        ("other", IN_CENTS.replace("@table", '@table("other", was="t")'), "price * 100"),
    ],
)
def test_a_used_hint_goes_by_the_old_name_of_the_table(source: str, wanted: str, expected: str) -> None:
    used = frozenset({Hint("from", source, "price", "price * 100")})
    (step,) = planned(PRICE, wanted, used=used).plan.steps
    assert [each.expression for each in step.columns if each.name != "id"] == [expected]


def test_a_used_was_does_not_come_alive_again_when_the_table_is_renamed() -> None:
    old = "CREATE TABLE t(id INTEGER PRIMARY KEY, x INT, y INT); INSERT INTO t VALUES (1, 10, 20)"
    fields = 'x: Annotated[int | None, Was("y")]\n    y: Annotated[int | None, Was("x")]'
    used = frozenset({Hint("was", "t", "x", "y"), Hint("was", "t", "y", "x")})
    found = planned(old, f'@table("s", was="t")\nclass S:\n    id: Annotated[int, Key]\n    {fields}\n', used=used)
    assert [column(found.step("s"), name).expression for name in "xy"] == ['"x"', '"y"']
    assert [message for _, message, _ in found.of("used-hint")] == [
        f's.{name}: Was("{other}") has done its work in the old database and is not applied again'
        for name, other in (("x", "y"), ("y", "x"))
    ]


def test_a_used_was_is_ignored() -> None:
    old = "CREATE TABLE customer(a TEXT, b TEXT); CREATE TABLE client(c TEXT)"
    module = '@table(was="client")\nclass Customer:\n    b: Annotated[str | None, Was("a")]\n'
    used = frozenset({Hint("was", "customer", "", "client"), Hint("was", "customer", "b", "a")})
    step = planned(old, module, used=used).step("customer")
    assert step.source is not None
    assert (step.source.name, column(step, "b").expression) == ("customer", '"b"')


def test_the_hints_that_a_module_declares() -> None:
    module = """
@table(was="client")
class Customer:
    name: Annotated[str, From("upper(name)")]
    title: Annotated[str, Was("rank")]
"""
    assert hints_of(schema_of(module)) == {
        Hint("was", "customer", "", "client"),
        Hint("from", "customer", "name", "upper(name)"),
        Hint("was", "customer", "title", "rank"),
    }


def test_orphans_of_a_new_reference_become_null_where_that_is_declared() -> None:
    old = "CREATE TABLE a(id INTEGER PRIMARY KEY); CREATE TABLE b(id INTEGER PRIMARY KEY, a_id INT)"
    module = """
@table
class A:
    id: Annotated[int, Key] = auto()
@table
class B:
    id: Annotated[int, Key] = auto()
    a: Annotated[A | None, References({})]
"""
    assert one(old, module.format(""), "b").translations == ()
    declared = one(old, module.format('orphans="null"'), "b")
    assert declared.translations == (Translation(("a_id",), "a", "a", ("id",), ("id",), ("a_id",), "null"),)
    known = old.replace("a_id INT", "a_id INT REFERENCES a")
    assert one(known, module.format('orphans="null"'), "b").translations == ()


@settings(max_examples=20, deadline=None)
@given(st.permutations([CUSTOMER, ORDER, LINE]))
def test_the_order_of_declarations_changes_neither_plan_nor_hash(parts: list[str]) -> None:
    module = "".join(part.replace("order: Order", 'order: "Order"') for part in parts)
    again = planned(SHOP, module)
    assert again.plan.steps == shop().plan.steps
    assert (again.plan.recorded, again.plan.hash) == (shop().plan.recorded, shop().plan.hash)


def test_the_order_of_the_old_tables_does_not_change_the_hash() -> None:
    schema = schema_of(CUSTOMER + ORDER + LINE)
    old = read_catalog(old_database(SHOP))
    turned = replace(old, tables=tuple(reversed(old.tables)))
    assert build_plan(old, schema).hash == build_plan(turned, schema).hash
    assert build_plan(old, schema).hash != build_plan(replace(old, tables=old.tables[:-1]), schema).hash


def test_what_is_done_is_in_the_hash_where_old_and_new_schema_are_the_same() -> None:
    used = frozenset({Hint("from", "t", "price", "price * 100")})
    assert planned(PRICE, IN_CENTS).plan.hash != planned(PRICE, IN_CENTS, used=used).plan.hash


def test_a_database_that_has_the_schema_needs_nothing() -> None:
    module = """
@table
class T:
    id: Annotated[int, Key] = auto()
    name: Annotated[str, Unique]
"""
    old = created(module)
    assert nothing_to_do(planned(old, module).context)
    assert not nothing_to_do(planned(old, module.replace("Unique", 'Unique, From("upper(name)")')).context)
    used = frozenset({Hint("from", "t", "name", "upper(name)")})
    again = planned(old, module.replace("Unique", 'Unique, From("upper(name)")'), used=used)
    assert nothing_to_do(again.context)
    assert not nothing_to_do(planned(old + "; CREATE VIEW v AS SELECT 1", module).context)


def test_seed_rows_are_something_to_do_until_they_are_there() -> None:
    module = """
@table
class T:
    id: Annotated[int, Key]
    name: str

rows = [T(id=1, name="a"), T(id=2, name="b")]
"""
    old = created(module)
    assert not nothing_to_do(planned(old, module).context)
    assert not nothing_to_do(planned(f"{old}; INSERT INTO t VALUES (1, 'a'), (2, 'c')", module).context)
    assert nothing_to_do(planned(f"{old}; INSERT INTO t VALUES (1, 'a'), (2, 'b')", module).context)


def created(module: str) -> str:
    schema = schema_of(module)
    return "; ".join([*schema.create_tables, *(sql for _, sql in schema.create_indexes)])


def test_the_expressions_of_a_plan_are_sql_over_the_old_table() -> None:
    db = old_database(SHOP)
    db.execute("INSERT INTO client VALUES ('a', 'Ann')")
    db.execute("INSERT INTO orders VALUES (7, 'a', 1.5)")
    db.execute("INSERT INTO line VALUES (7, 1)")
    assert {step.table.name: old_values(db, step) for step in shop().plan.steps} == {
        "customer": {"code": "a", "name": "Ann"},
        "orders": {"id": 7, "total": 1.5},
        "line": {"order_id": 7, "n": 1},
    }


def old_values(db: sqlite3.Connection, step: TableStep) -> dict[str, object]:
    """What the columns of a step are in the one old row; those that are assigned or translated have no expression."""
    assert step.source is not None
    given = {each.name: each.expression for each in step.columns if each.expression is not None}
    (row,) = db.execute(f'SELECT {", ".join(given.values())} FROM "{step.source.name}"').fetchall()
    return dict(zip(given, row, strict=True))
