"""Modules that ask for the very name of the live file: nothing to do, or a change that the name does not tell."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hotmig.cli.app import cli
from tests.phases.shops import told_behind_the_run

MODULE = """
from typing import Annotated
from hotmig.schema import From, Key, Was, auto, table

database = "shop"

@table{cat}
class Cat:
    id: Annotated[int, Key] = auto()
    x: {x}
    y: {y}

@table{dog}
class Dog:
    id: Annotated[int, Key] = auto()
    x: str
    y: str
"""
PLAIN = MODULE.format(cat="", dog="", x="str", y="str")
SWAPPED = MODULE.format(cat="", dog="", x='Annotated[str, Was("y")]', y='Annotated[str, Was("x")]')
SAID_BY_FROM = SWAPPED.replace('Was("y")', 'From("y")')
TABLES_SWAPPED = MODULE.format(cat='(was="dog")', dog='(was="cat")', x="str", y="str")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A database that was made from the plain module."""
    (tmp_path / "schema.py").write_text(PLAIN)
    assert run(tmp_path, "init").exit_code == 0
    db = sqlite3.connect(next(tmp_path.glob("*.sqlite")), isolation_level=None)
    db.execute("INSERT INTO cat VALUES (1, 'old x', 'old y')")
    db.execute("INSERT INTO dog VALUES (1, 'dog x', 'dog y')")
    db.close()
    return tmp_path


def run(directory: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "-d", str(directory)])


@pytest.mark.parametrize(
    ("module", "line"),
    [(SWAPPED, 'x: Annotated[str, From("y")]'), (TABLES_SWAPPED, 'x: Annotated[str, From("x")]')],
    ids=["columns", "tables"],
)
def test_values_that_only_change_places_need_a_from_which_is_in_the_name(shop: Path, module: str, line: str) -> None:
    (shop / "schema.py").write_text(module)
    shown = run(shop, "plan")
    assert shown.exit_code == 1
    assert "which has this very schema: values only change places in it, and Was, which says so," in shown.stdout
    assert f"      write: {line}\n" in shown.stdout
    assert "changed by hand" not in shown.stdout


def test_where_nothing_changed_nobody_should_look(shop: Path) -> None:
    assert "Next: nothing to run" in run(shop, "status", "--check").stdout


def test_the_line_that_is_proposed_does_it(shop: Path) -> None:
    (shop / "schema.py").write_text(SAID_BY_FROM)
    for command in ("migrate", "drain", "cutover"):
        done = run(shop, command)
        assert (done.exit_code, told_behind_the_run(done.stderr)) == (0, "")
    db = sqlite3.connect(run(shop, "path").stdout.strip())
    assert db.execute("SELECT x, y FROM cat").fetchall() == [("old y", "old x")]
    db.close()


def test_a_schema_that_was_changed_by_hand_is_told_as_that(shop: Path) -> None:
    db = sqlite3.connect(next(shop.glob("*.sqlite")), isolation_level=None)
    db.execute("ALTER TABLE cat ADD COLUMN z")
    db.close()
    shown = run(shop, "plan")
    assert shown.exit_code == 1
    assert "the live database itself, whose schema was changed by hand since it was made: write the" in shown.stdout
    told = run(shop, "status", "--check")
    assert told.exit_code == 1
    assert "has another schema than its name and the module say: it was changed by hand\n" in told.stdout
    assert told.stdout.splitlines()[-1] == f"Next: hotmig plan --dir {shop}"
