"""The round trip: a module made of a catalog gives that catalog again, and reads as a person would write it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotmig.catalog.fingerprint import differences
from hotmig.catalog.model import Catalog, Table
from hotmig.catalog.read import read_catalog
from hotmig.errors import SchemaError
from hotmig.schema.drafts import load_text
from hotmig.schema.scaffold import module_text
from hotmig.sqlite import connect
from tests.catalog.databases import catalog
from tests.catalog.strategies import tables
from tests.catalog.writing import Writer
from tests.schema.databases import databases
from tests.schema.zoo import ZOO

ROOT = Path(__file__).parents[2]


def lost(given: Catalog) -> list[str]:
    """How the module of a catalog fails to give it again, or itself again; what of it is too long a line."""
    text = module_text(given)
    made = load_text(text).catalog
    again = unified_diff(text.splitlines(keepends=True), module_text(made).splitlines(keepends=True))
    return [*differences(given, made), *again, *(line for line in text.splitlines() if len(line) > 120)]


def round_trip(given: Catalog) -> str:
    """The module of a catalog, when it is one that gives it again."""
    assert lost(given) == []
    return module_text(given)


def module_of(*statements: str) -> str:
    """What stands in the module below its imports."""
    text = round_trip(catalog(*statements))
    return text[text.index("@table") :]


@pytest.mark.parametrize("name", ZOO)
def test_the_round_trip(name: str) -> None:
    assert lost(catalog(*ZOO[name])) == []


@settings(max_examples=100, deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_the_round_trip_of_any_table_however_it_is_spelled(table: Table, dice: Any) -> None:
    assert lost(catalog(*Writer(dice).statements(table))) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(databases())
def test_the_round_trip_of_any_database(statements: list[str]) -> None:
    text = round_trip(catalog(*statements))
    assert formatted(text) == text


def formatted(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules of the zoo as files."""
    directory = tmp_path_factory.mktemp("zoo")
    for name, statements in ZOO.items():
        (directory / f"zoo_{name.replace(' ', '_')}.py").write_text(module_text(catalog(*statements)))
    return directory


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "format", "--isolated", "--line-length", "120", "--diff"),
        ("ruff", "check", "--isolated", "--line-length", "120", "--select", "E,F,W,I,N,UP,B"),
        ("mypy", "--strict", "--cache-dir"),
    ],
    ids=["ruff format", "ruff check", "mypy"],
)
def test_modules_please_the_tools(command: tuple[str, ...], modules: Path, tmp_path: Path) -> None:
    cache = [str(tmp_path)] if command[-1] == "--cache-dir" else []
    done = subprocess.run(
        [sys.executable, "-m", *command, *cache, str(modules)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def written(*statements: str) -> str:
    """The module, without its docstring."""
    return round_trip(catalog(*statements)).partition("\n\n")[2]


def test_a_module_reads_as_a_person_would_write_it() -> None:
    assert (
        written(
            """CREATE TABLE orders(id INTEGER PRIMARY KEY,
                customer_id INTEGER NOT NULL REFERENCES customer ON DELETE CASCADE,
                "Total" REAL DEFAULT 0.5 CHECK ("Total" >= 0), note TEXT,
                placed DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP)""",
            """CREATE TABLE customer(id INTEGER PRIMARY KEY AUTOINCREMENT,
                email VARCHAR(80) NOT NULL UNIQUE COLLATE NOCASE, tier TEXT NOT NULL DEFAULT 'basic',
                referrer_id INTEGER REFERENCES customer)""",
            "CREATE INDEX ix_orders_placed_DESC ON orders(placed DESC)",
            "CREATE VIEW big_orders AS SELECT * FROM orders WHERE Total > 100",
            "CREATE TRIGGER no_less AFTER UPDATE ON orders BEGIN\n  SELECT RAISE(ABORT, 'no');\nEND",
        )
        == '''\
import datetime as dt
from typing import Annotated

from hotmig.schema import (
    Check,
    Collate,
    Column,
    ColumnType,
    Default,
    Index,
    Key,
    References,
    Unique,
    auto,
    table,
    trigger,
    view,
)


@table
class Customer:
    id: Annotated[int, Key(autoincrement=True)] = auto()
    email: Annotated[str, ColumnType("VARCHAR(80)"), Unique, Collate("NOCASE")]
    tier: str = "basic"
    referrer: "Customer | None" = None


@table("orders", indexes=[Index("placed DESC")])
class Order:
    id: Annotated[int, Key] = auto()
    customer: Annotated[Customer, References(on_delete="CASCADE")]
    total: Annotated[float | None, Column("Total"), Check('"Total" >= 0')] = 0.5
    note: str | None = None
    placed: Annotated[dt.datetime, ColumnType("DATETIME"), Default(sql="CURRENT_TIMESTAMP")] = auto()


@view(sql="SELECT * FROM orders WHERE Total > 100")
class BigOrders: ...


trigger("""CREATE TRIGGER no_less AFTER UPDATE ON orders BEGIN
  SELECT RAISE(ABORT, 'no');
END""")
'''
    )


def test_an_empty_database_has_an_empty_module() -> None:
    assert written() == ""


def test_the_name_of_the_database_stands_above_the_tables() -> None:
    text = module_text(catalog("CREATE TABLE a(x)"), database_name="shop")
    assert '\n\ndatabase = "shop"\n\n\n@table\nclass A:\n' in text
    assert load_text(text).name == "shop"


def test_only_what_sqlite_cannot_run_is_unchecked() -> None:
    text = round_trip(catalog(*ZOO["views"], *ZOO["triggers"][1:]))
    unchecked = [paragraph for paragraph in text.split("\n\n") if "unchecked=True" in paragraph]
    names = ["TextInDoubleQuotes", "OverNothing", "OverThat", "into_nothing", "of_nothing", "TRIGGER text"]
    assert len(unchecked) == len(names)
    assert all(name in paragraph for name, paragraph in zip(names, unchecked, strict=True))


@pytest.mark.parametrize(
    ("constraint", "index", "is_checked"),
    [
        (", PRIMARY KEY (a, b)", [], True),
        (", UNIQUE (b, a)", [], True),
        ("", ["CREATE UNIQUE INDEX i ON p(a, b)"], True),
        (", UNIQUE (a COLLATE NOCASE, b)", [], False),
        (", UNIQUE (a), UNIQUE (b)", [], False),
        ("", ["CREATE UNIQUE INDEX i ON p(a, b) WHERE a > 1"], False),
    ],
)
def test_a_reference_that_sqlite_can_check_is_checked(constraint: str, index: list[str], is_checked: bool) -> None:
    parent = f"CREATE TABLE p(a TEXT NOT NULL, b INT NOT NULL{constraint})"
    child = "CREATE TABLE c(x TEXT, y INT, FOREIGN KEY (x, y) REFERENCES p(a, b))"
    assert ("unchecked=True" in module_of(parent, *index, child)) == (not is_checked)


def test_a_text_in_double_quotes_gets_single_ones() -> None:
    text = written('CREATE TABLE t(kind TEXT CHECK (kind IN ("a", \'b\') AND "kind" <> "it\'s"))')
    assert "Check(\"kind IN ('a', 'b') AND \\\"kind\\\" <> 'it''s'\")" in text


def test_without_what_a_schema_needs_it_still_prints_a_module() -> None:
    db = connect(":memory:")
    db.create_function("own", 1, abs, deterministic=True)
    db.execute("CREATE TABLE t(a CHECK (own(a)))")
    db.execute("CREATE VIEW v AS SELECT own(a) FROM t")
    found = read_catalog(db)
    with pytest.raises(SchemaError, match="no such function: own"):
        load_text(module_text(found))

    def prepare(db: sqlite3.Connection) -> None:
        db.create_function("own", 1, abs, deterministic=True)

    text = module_text(found, prepare=prepare)
    assert "unchecked" not in text
    assert differences(found, load_text(text, prepare=prepare).catalog) == ()
