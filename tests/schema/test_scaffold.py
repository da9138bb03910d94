"""The round trip: a module made of a catalog gives that catalog again, and reads as a person would write it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotmig.catalog.fingerprint import differences
from hotmig.catalog.model import Catalog, Table
from hotmig.catalog.read import read_catalog
from hotmig.schema.drafts import load_text
from hotmig.schema.scaffold import module_text
from hotmig.sqlite import connect
from tests.catalog.strategies import tables
from tests.catalog.writing import Writer
from tests.schema.databases import databases
from tests.schema.zoo import ZOO

ROOT = Path(__file__).parents[2]


def catalog_of(*statements: str) -> Catalog:
    db = connect(":memory:")
    for statement in statements:
        db.execute(statement)
    return read_catalog(db)


def round_trip(catalog: Catalog) -> str:
    """The module, which must give the catalog again, and from that the same module."""
    text = module_text(catalog)
    made = load_text(text).catalog
    assert differences(catalog, made) == ()
    assert module_text(made) == text
    assert max(map(len, text.splitlines())) <= 120
    return text


def module_of(*statements: str) -> str:
    """What stands in the module below its imports."""
    text = round_trip(catalog_of(*statements))
    return text[text.index("@table") :]


@pytest.mark.parametrize("name", ZOO)
def test_the_round_trip(name: str) -> None:
    round_trip(catalog_of(*ZOO[name]))


@settings(max_examples=150, deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_the_round_trip_of_any_table_however_it_is_spelled(table: Table, dice: Any) -> None:
    round_trip(catalog_of(*Writer(dice).statements(table)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(databases())
def test_the_round_trip_of_any_database(statements: list[str]) -> None:
    text = round_trip(catalog_of(*statements))
    assert formatted(text) == text


def formatted(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules of the zoo as files."""
    directory = tmp_path_factory.mktemp("zoo")
    for name, statements in ZOO.items():
        (directory / f"zoo_{name.replace(' ', '_')}.py").write_text(module_text(catalog_of(*statements)))
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
