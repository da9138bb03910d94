"""``hotmig path``, for shells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hotmig.cli.app import cli
from hotmig.phases.locate import load_schema
from tests.phases.files import ready_database


def run(directory: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["path", "--dir", str(directory), *options])


@pytest.fixture
def target(tmp_path: Path) -> Path:
    module = tmp_path / "schema.py"
    module.write_text('from hotmig.schema import table\n\ndatabase = "shop"\n\n@table\nclass Item:\n    id: int\n')
    return tmp_path / f"shop-{load_schema(module).hash}.sqlite"


def test_it_prints_the_path_and_nothing_else(target: Path) -> None:
    ready_database(target)
    done = run(target.parent)
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{target}\n", "")
    assert json.loads(run(target.parent, "--json").stdout) == {"format": 1, "path": str(target)}


def test_what_is_not_ready_prints_nothing_on_stdout(target: Path) -> None:
    plain, waited = run(target.parent), run(target.parent, "--wait", "0.05")
    assert (plain.exit_code, plain.stdout) == (1, "")
    assert (waited.exit_code, waited.stdout) == (4, "")
