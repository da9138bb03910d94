"""The example schemas: they load, they are typed, applications can import them, and each v1 leads to its v2."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from mypy import api

from hotmig.cli.app import cli
from hotmig.schema.load import load

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT / "schemas"
MODULES = sorted(SCHEMAS.glob("*_v*.py"))
PAIRS = sorted({path.stem.partition("_v")[0] for path in MODULES})
EVERY = pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)


def run(directory: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(cli, [*arguments, "-d", str(directory)])
    assert result.exit_code == 0, result.output
    return result


def between_versions(name: str, directory: Path) -> Path:
    """The schema module of the second version, beside a database of the first."""
    schema = directory / "schema.py"
    shutil.copy(SCHEMAS / f"{name}_v1.py", schema)
    for beside in SCHEMAS.glob("*.json"):
        shutil.copy(beside, directory)
    run(directory, "init")
    shutil.copy(SCHEMAS / f"{name}_v2.py", schema)
    return schema


def test_there_are_examples() -> None:
    assert {"chinook", "shop"} <= set(PAIRS)


@EVERY
def test_it_loads(module: Path) -> None:
    schema = load(module)
    assert schema.catalog.tables
    assert schema.name == module.stem.partition("_v")[0]


@EVERY
def test_an_application_can_import_it(module: Path) -> None:
    """Outside of hotmig the declarations are plain dataclasses."""
    imported = importlib.import_module(f"schemas.{module.stem}")
    classes = [value for value in vars(imported).values() if hasattr(value, "__hotmig_table__")]
    assert {cls.__hotmig_table__.name for cls in classes} == {table.name for table in load(module).catalog.tables}


def test_mypy_strict_has_nothing_to_say() -> None:
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--strict", "--no-incremental", "--cache-dir=/dev/null"]
    out, err, code = api.run([*options, *map(str, MODULES)])
    assert (code, err) == (0, ""), out


@pytest.mark.parametrize("name", PAIRS)
def test_the_second_version_follows_from_the_first(name: str, tmp_path: Path) -> None:
    schema = between_versions(name, tmp_path)
    assert "Can run migrate now: yes" in run(tmp_path, "plan").output
    run(tmp_path, "migrate")
    run(tmp_path, "drain", "--cutover")
    assert (tmp_path / f"{name}-{load(schema).hash}.sqlite").exists()
    assert "Nothing to do" in run(tmp_path, "plan").output


@pytest.mark.parametrize("name", PAIRS)
def test_the_way_there_has_no_finding(name: str, tmp_path: Path) -> None:
    """The examples are what a reader copies: nothing about them is even worth a note."""
    between_versions(name, tmp_path)
    assert '"findings": []' in run(tmp_path, "plan", "--json").output
