"""Loading a schema module: the example of the design, what is left behind, and what the hash depends on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hotmig.errors import SchemaError
from hotmig.schema.load import load
from hotmig.schema.model import ColumnRules, Dropped, Place, ReplayTrigger

from .conftest import Load, Write

SHOP = """
from dataclasses import dataclass
import datetime as dt

database = "shop"

@table(was="client")
@dataclass
class Customer:
    id: Annotated[int, Key(autoincrement=True)] = auto()
    full_name: Annotated[str, From("first_name || ' ' || last_name")]
    email: Annotated[str, Unique(collate="NOCASE")]
    tier: str = "basic"

@table("orders", indexes=[Index("placed_at")], strict=True)
@dataclass
class Order:
    id: Annotated[int, Key] = auto()
    customer: Annotated[Customer, References(on_delete="CASCADE", orphans="null"), Was("client")] | None
    total_cents: Annotated[int, From("round(total * 100)"), Check("total_cents >= 0")]
    placed_at: Annotated[dt.datetime, Was("placed"), Default(sql="CURRENT_TIMESTAMP")] = auto()
    note: str | None = None

dropped("client", "nickname")
dropped("basket")
trigger("CREATE TRIGGER noted AFTER INSERT ON orders BEGIN SELECT 1; END", on_replay=True)
"""


def test_the_shop(schema: Load, tmp_path: Path) -> None:
    shop = schema(SHOP)
    file = tmp_path / "schema.py"
    assert shop.file == file
    assert shop.name == "shop"
    assert shop.create_tables == (
        """CREATE TABLE "customer"(
  "id" INTEGER PRIMARY KEY AUTOINCREMENT,
  "full_name" TEXT NOT NULL,
  "email" TEXT NOT NULL,
  "tier" TEXT NOT NULL DEFAULT 'basic',
  UNIQUE ("email" COLLATE "NOCASE")
)""",
        """CREATE TABLE "orders"(
  "id" INTEGER PRIMARY KEY,
  "customer_id" INTEGER,
  "total_cents" INTEGER NOT NULL,
  "placed_at" TEXT NOT NULL DEFAULT (CURRENT_TIMESTAMP),
  "note" TEXT,
  CHECK (total_cents >= 0),
  FOREIGN KEY ("customer_id") REFERENCES "customer" ("id") ON DELETE CASCADE
) STRICT""",
    )
    assert shop.create_indexes == (("orders", 'CREATE INDEX "ix_orders_placed_at" ON "orders"("placed_at")'),)
    customer, orders = shop.tables
    assert (customer.table, customer.class_name, customer.was, customer.place) == (
        "customer",
        "Customer",
        "client",
        Place(file, 9),
    )
    assert customer.column("FULL_NAME") == ColumnRules(
        "full_name", "full_name", source="first_name || ' ' || last_name"
    )
    assert orders.column("customer_id") == ColumnRules("customer_id", "customer", was="client", orphans="null")
    assert orders.column("placed_at") == ColumnRules("placed_at", "placed_at", was="placed")
    assert shop.dropped == (
        Dropped("client", "nickname", Place(file, 24)),
        Dropped("basket", None, Place(file, 25)),
    )
    assert shop.replay_triggers == (ReplayTrigger("noted", Place(file, 26)),)
    assert [trigger.name for trigger in shop.catalog.triggers] == ["noted"]
    assert shop.rules("ORDERS") == orders


def test_the_old_columns_that_together_were_one_reference(schema: Load) -> None:
    made = schema(
        """
        @table
        class Shelf:
            id: Annotated[int, Key] = auto()
        @table
        class Spot:
            x: Annotated[int, Key]
            y: Annotated[int, Key]
        @table
        class Book:
            id: Annotated[int, Key] = auto()
            shelf: Annotated[Shelf, Was("room", "number")]
            other_id: Annotated[int | None, References(Shelf), Was("a", "b", "c")]
            spot: Annotated[Spot, Was("east", "north")]
            former: Annotated[Spot, Was("e", "n", "z")]
        """
    )
    rules = made.rules("book")
    assert rules is not None
    assert {each.column: (each.was, each.together, each.was_names) for each in rules.columns} == {
        "id": (None, (), ()),
        "shelf_id": (None, ("room", "number"), ("room", "number")),
        "other_id": (None, ("a", "b", "c"), ("a", "b", "c")),
        "spot_x": ("east", (), ("east",)),
        "spot_y": ("north", (), ("north",)),
        "former_x": (None, ("e", "n", "z"), ("e", "n", "z")),
        "former_y": (None, ("e", "n", "z"), ("e", "n", "z")),
    }


def test_annotations_as_strings_are_the_same(write: Write, tmp_path: Path) -> None:
    plain = load(write(SHOP))
    file = tmp_path / "strings.py"
    file.write_text("from __future__ import annotations\n" + (tmp_path / "schema.py").read_text())
    assert load(file).catalog == plain.catalog


def test_a_field_may_have_the_name_of_its_type(schema: Load) -> None:
    made = schema(
        """
        date = datetime.date
        @table
        class A:
            date: "Annotated[date | None, Was('day')]" = auto()
            other: "date"
        """
    )
    assert [column.type for column in made.catalog.tables[0].columns] == ["TEXT", "TEXT"]


def test_a_nested_class_can_be_a_type(schema: Load) -> None:
    made = schema(
        """
        @table
        class A:
            class Kind(enum.Enum):
                X = "x"
            kind: "Kind" = Kind.X
        """
    )
    assert made.catalog.tables[0].columns[0].default == "'x'"


def test_inherited_columns_come_first(schema: Load) -> None:
    made = schema(
        """
        import dataclasses
        @dataclasses.dataclass(kw_only=True)
        class Timestamped:
            created: Annotated[str, Default(sql="CURRENT_TIMESTAMP")] = auto()
        @table
        class A(Timestamped):
            x: int
        @table
        class B(A):
            y: int
        """
    )
    names = {table.name: [column.name for column in table.columns] for table in made.catalog.tables}
    assert names == {"a": ["created", "x"], "b": ["created", "x", "y"]}


def test_class_variables_and_methods_are_no_columns(schema: Load) -> None:
    made = schema(
        """
        @table
        class A:
            x: int
            y: typing.ClassVar[int] = 3
            z = 4
            @property
            def double(self) -> int: return 2 * self.x
        """
    )
    assert [column.name for column in made.catalog.tables[0].columns] == ["x"]


def test_a_field_is_known_as_it_is_written_in_its_own_class(schema: Load) -> None:
    made = schema(
        """
        import dataclasses
        @dataclasses.dataclass(kw_only=True)
        class Dated:
            day: str
        @table
        class A(Dated):
            é: str; x: Annotated[
                int,  # the key
                Key,
            ] = auto()
        """
    )
    assert {column.field: column.declaration for column in made.tables[0].columns} == {
        "day": None,
        "é": "é: str",
        "x": "x: Annotated[\n        int,  # the key\n        Key,\n    ] = auto()",
    }


def test_what_others_write_into_annotated_is_theirs(schema: Load) -> None:
    made = schema("@table\nclass A:\n    id: Annotated[int, 'a note', Key, 3] = auto()\n")
    assert made.create_tables == ('CREATE TABLE "a"(\n  "id" INTEGER PRIMARY KEY\n)',)


def test_nothing_is_written(write: Write, tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("from hotmig.schema import table\n@table\nclass A:\n    x: int\n")
    load(write("from base import A"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base.py", "schema.py"]


def test_a_changed_file_is_seen_at_once(write: Write) -> None:
    for name in ("one", "two"):
        made = load(write(f"@table\nclass A:\n    {name}: int"))
        assert [column.name for column in made.catalog.tables[0].columns] == [name]


def test_a_changed_module_beside_it_is_seen_at_once(write: Write, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "base.py").write_text(f"from hotmig.schema import table\n@table\nclass A:\n    {name}: int\n")
        made = load(write("import base\n@table\nclass B:\n    y: int"))
        assert [table.name for table in made.catalog.tables] == ["a", "b"]
        assert [column.name for column in made.catalog.tables[0].columns] == [name]
        assert made.tables[0].place == Place(tmp_path / "base.py", 3)


def test_modules_beside_it_are_forgotten(write: Write, tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text("from hotmig.schema import table\n@table\nclass A:\n    x: int\n")
    modules, path = dict(sys.modules), list(sys.path)
    load(write("import beside_it"))
    assert sys.modules == modules
    assert sys.path == path


def test_a_module_beside_it_hides_one_of_the_same_name_for_the_load_alone(write: Write, tmp_path: Path) -> None:
    other = type(sys)("base")
    sys.modules["base"] = other
    try:
        (tmp_path / "base.py").write_text("from hotmig.schema import table\n@table\nclass A:\n    x: int\n")
        assert [table.name for table in load(write("import base")).catalog.tables] == ["a"]
        assert sys.modules["base"] is other
    finally:
        del sys.modules["base"]


def test_modules_that_import_each_other(write: Write, tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("import schema\nfrom hotmig.schema import table\n@table\nclass A:\n    x: int\n")
    assert [table.name for table in load(write("import base\n@table\nclass B:\n    y: int")).catalog.tables] == [
        "a",
        "b",
    ]


def test_loads_do_not_mix(write: Write, tmp_path: Path) -> None:
    file = write("@table\nclass A:\n    x: int")
    other = tmp_path / "other.py"
    other.write_text(
        "from hotmig.schema import table\nfrom pathlib import Path\nfrom hotmig.schema.load import load\n"
        f"load(Path({str(file)!r}))\n@table\nclass B:\n    y: int\n"
    )
    assert [table.name for table in load(other).catalog.tables] == ["b"]
    assert [table.name for table in load(file).catalog.tables] == ["a"]


def test_what_the_module_prints_is_no_output_of_ours(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    load(write("print('hello')"))
    assert capsys.readouterr() == ("", "hello\n")


def test_a_relative_path_is_named_as_it_was_given(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write("@table\nclass A:\n    x: int\n").parent)
    assert load(Path("schema.py")).tables[0].place == Place(Path("schema.py"), 3)
    write("def f():\n    1 / 0\nf()")
    with pytest.raises(SchemaError, match=r"^schema\.py:3: ZeroDivisionError"):
        load(Path("schema.py"))


def test_an_empty_module_is_an_empty_schema(schema: Load) -> None:
    made = schema("")
    assert (made.catalog.tables, made.tables, made.name) == ((), (), None)


def test_functions_of_the_application_can_be_lent(write: Write) -> None:
    file = write("@table\nclass A:\n    x: Annotated[str, Check('is_nice(x)')]")
    made = load(file, prepare=lambda db: db.create_function("is_nice", 1, lambda _: 1, deterministic=True))
    assert made.catalog.tables[0].checks[0].expression == "is_nice(x)"


def test_schema_modules_are_cheap_to_import() -> None:
    code = (
        "import sys; import hotmig.schema; dear = ('sqlite3', 'subprocess', 'click', 'rich', 'hotmig.catalog.model');"
        "print([name for name in dear if name in sys.modules])"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "[]"


LAST = """
@table
class Last:
    x: Annotated[int, Key, From("y + 1")]
for number in (1, 2):
    seed(Last(x=number))
"""
SAME_HASH = {
    "comments and layout": SHOP.replace("tier: str", "# of three\n\n    tier: str").replace(
        'Check("total_cents >= 0")', 'Check("total_cents>=0 -- never")'
    ),
    "layout of From": SHOP.replace("round(total * 100)", "round( total*100 ) /* cents */"),
    "Was": SHOP.replace('@table(was="client")', "@table").replace(', Was("client")', ""),
    "dropped": SHOP.replace('dropped("basket")', ""),
    "the database's name": SHOP.replace('database = "shop"', ""),
    "the order of declarations": SHOP.replace('dropped("client", "nickname")', "").replace(
        "@table(was", 'dropped("client", "nickname")\n' + LAST + "@table(was"
    ),
}
OTHER_HASH = {
    "a column": SHOP.replace("tier: str", "tier2: str"),
    "the order of columns": SHOP.replace('    tier: str = "basic"\n', "").replace(
        "    full_name", "    tier: Annotated[str, Default(sql=\"'basic'\")] = auto()\n    full_name"
    ),
    "a default": SHOP.replace('"basic"', '"gold"'),
    "an index": SHOP.replace('Index("placed_at")', 'Index("placed_at DESC")'),
    "a rule for the data": SHOP.replace("total * 100", "total * 1000"),
    "what becomes of orphans": SHOP.replace(', orphans="null"', ""),
    "a trigger": SHOP.replace("SELECT 1; END", "SELECT 2; END"),
    "a seed": SHOP + 'seed(Customer(id=1, full_name="a", email="b"))',
}


@pytest.mark.parametrize("name", SAME_HASH)
def test_what_the_hash_does_not_depend_on(name: str, schema: Load) -> None:
    shop = SHOP + LAST if "order" in name else SHOP
    assert schema(SAME_HASH[name]).hash == schema(shop).hash


@pytest.mark.parametrize("name", OTHER_HASH)
def test_what_the_hash_depends_on(name: str, schema: Load) -> None:
    assert schema(OTHER_HASH[name]).hash != schema(SHOP).hash


def test_the_hash_is_sixteen_hex_digits(schema: Load) -> None:
    assert re.fullmatch("[0-9a-f]{16}", schema(SHOP).hash)
