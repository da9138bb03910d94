"""A module whose used hints were taken out asks for nothing new: every command of a deploy says so and exits 0."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from hotmig.cli.app import cli

MODULE = """
from typing import Annotated
from hotmig.schema import From, Key, Was, auto, dropped, table

database = "shop"

@table("customer"{was})
class Customer:
    id: Annotated[int, Key] = auto()
    name: {name}
    cents: {cents}

seeds = [Customer(id=1, name="Ada", cents=5)]
{dropped}
"""
WITH_HINTS = MODULE.format(
    was=', was="client"',
    name='Annotated[str, Was("label")]',
    cents='Annotated[int, From("price * 100")]',
    dropped="",
)
CLEANED = MODULE.format(was="", name="str", cents="int", dropped="")


def run(directory: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli, [*arguments, "-d", str(directory)])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    db = sqlite3.connect(tmp_path / "shop-0123456789abcdef.sqlite", isolation_level=None)
    db.execute("CREATE TABLE client(id INTEGER PRIMARY KEY, label TEXT NOT NULL, price INTEGER NOT NULL)")
    db.execute("INSERT INTO client VALUES (2, 'Bob', 7)")
    db.close()
    (tmp_path / "schema.py").write_text(WITH_HINTS)
    for command in ("migrate", "drain", "cutover", "cleanup-old"):
        run(tmp_path, command)
    return tmp_path


def rows(directory: Path) -> list[tuple[object, ...]]:
    db = sqlite3.connect(run(directory, "path").strip())
    try:
        return db.execute("SELECT * FROM customer ORDER BY id").fetchall()
    finally:
        db.close()


@pytest.mark.parametrize("module", [WITH_HINTS, CLEANED])
def test_a_deploy_that_changes_no_schema_does_nothing(migrated: Path, module: str) -> None:
    (migrated / "schema.py").write_text(module)
    before = sorted(path.name for path in migrated.iterdir())
    for command in ("migrate", "drain", "cutover"):
        assert "skipped" in run(migrated, command)
    assert sorted(path.name for path in migrated.iterdir()) == before
    assert rows(migrated) == [(1, "Ada", 5), (2, "Bob", 700)]
    assert "Next: nothing to run" in run(migrated, "status")


def test_a_hint_that_was_used_is_not_applied_a_second_time(migrated: Path) -> None:
    (migrated / "schema.py").write_text(WITH_HINTS.replace("cents:", "tier: str = 'basic'\n    cents:"))
    for command in ("migrate", "drain", "cutover"):
        run(migrated, command)
    assert rows(migrated) == [(1, "Ada", "basic", 5), (2, "Bob", "basic", 700)]


def test_a_seed_row_that_changed_is_something_to_do(migrated: Path) -> None:
    (migrated / "schema.py").write_text(CLEANED.replace("cents=5", "cents=6"))
    for command in ("migrate", "drain", "cutover"):
        assert "skipped" not in run(migrated, command)
    assert rows(migrated) == [(1, "Ada", 6), (2, "Bob", 700)]


@pytest.mark.parametrize(
    "statement", ["UPDATE customer SET cents = 9 WHERE id = 1", "DELETE FROM customer WHERE id = 1"]
)
def test_seed_rows_that_the_application_changed_since_are_its_own(migrated: Path, statement: str) -> None:
    db = sqlite3.connect(run(migrated, "path").strip(), isolation_level=None)
    db.execute(statement)
    db.close()
    before = rows(migrated)
    assert "Nothing to do" in run(migrated, "plan")
    for command in ("migrate", "drain", "cutover"):
        assert "skipped" in run(migrated, command)
    assert rows(migrated) == before


def test_the_version_in_service_can_be_restarted_while_a_migration_leads_away_from_it(migrated: Path) -> None:
    (migrated / "schema.py").write_text(CLEANED)
    live = run(migrated, "path")
    (migrated / "schema.py").write_text(CLEANED.replace("cents:", "tier: str = 'basic'\n    cents:"))
    run(migrated, "migrate")
    (migrated / "in-service.py").write_text(CLEANED)
    assert run(migrated, "path", "--schema", str(migrated / "in-service.py")) == live
    run(migrated, "drain")
    assert run(migrated, "path", "--schema", str(migrated / "in-service.py")) == live


def test_the_way_back_to_an_earlier_schema_is_a_migration_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "schema.py").write_text(CLEANED)
    run(tmp_path, "init")
    first = run(tmp_path, "path")
    with_tier = CLEANED.replace("cents:", "tier: str = 'basic'\n    cents:")
    for module in (with_tier, CLEANED + "dropped('customer', 'tier')\n"):
        (tmp_path / "schema.py").write_text(module)
        for command in ("migrate", "drain", "cutover"):
            run(tmp_path, command)
        run(tmp_path, "cleanup-old", "--delete")
    assert run(tmp_path, "path") == first
    assert rows(tmp_path) == [(1, "Ada", 5)]
