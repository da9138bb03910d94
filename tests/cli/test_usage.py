"""What a slip of the pen on the command line, or in its directory, is answered with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hotmig.cli.app import cli


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="hotmig")


@pytest.mark.parametrize(("command", "option"), [("drain", "--max-pause"), ("drain", "--hold"), ("path", "--wait")])
@pytest.mark.parametrize("given", ["abc", "", "2s", "nan"])
def test_what_is_no_number_is_called_that(command: str, option: str, given: str) -> None:
    done = run(command, option, given)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: Invalid value for '{option}': {given} is no number of seconds.\n")


@pytest.mark.parametrize(
    ("arguments", "option", "owners"),
    [
        (("cutover", "--hold", "5"), "--hold", "`hotmig drain`"),
        (("cutover", "--hold=5"), "--hold", "`hotmig drain`"),
        (("migrate", "--cutover"), "--cutover", "`hotmig drain`"),
        (("cutover", "--dry-run"), "--dry-run", "`hotmig cleanup-old`, `hotmig reset`"),
        (("demo", "-d", "x"), "-d", "`hotmig init`, `hotmig inspect`, "),
        (("migrate", "--limit", "3"), "--limit", "`hotmig runs list`"),
    ],
)
def test_an_option_of_another_command_is_told_as_that(arguments: tuple[str, ...], option: str, owners: str) -> None:
    done = run(*arguments)
    error, hint = done.stderr.splitlines()
    assert (done.exit_code, error) == (2, f"Error: No such option: {option}")
    assert hint.startswith(f"Hint: {option} belongs to {owners}")
    assert hint.endswith(f"; `hotmig {arguments[0]} --help` lists what this one takes")


@pytest.mark.parametrize("given", ["nan", "inf", "-inf", "soon", "", "-1", "1e9"])
def test_what_is_no_number_of_days_is_refused(given: str, tmp_path: Path) -> None:
    (tmp_path / ".hotmig").mkdir()
    done = run("runs", "prune", "--older-than", given, "--dir", tmp_path)
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: Invalid value for '--older-than': ")
    assert list((tmp_path / ".hotmig").iterdir()) == []


def test_a_command_of_a_group_that_is_not_there_is_told() -> None:
    done = run("runs", "forget")
    assert done.exit_code == 2
    assert done.stderr == "Error: No such command 'forget'.\nHint: `hotmig runs --help` lists what it takes\n"


def test_an_option_that_no_command_has_is_answered_with_the_nearest() -> None:
    done = run("drain", "--max-pauze", "5")
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: No such option")
    assert "Did you mean" in done.stderr
    assert "--max-pause" in done.stderr
    assert "belongs to" not in run("--hold").stderr  # no command was named


def test_a_module_that_is_not_there_has_no_line(tmp_path: Path) -> None:
    done = run("migrate", "--dir", tmp_path)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {tmp_path}/schema.py: there is no schema module to read: ")


def test_half_a_surrogate_pair_in_a_message_is_printed_as_its_escape(tmp_path: Path) -> None:
    (tmp_path / "schema.py").write_text("raise ValueError('half \\ud800')\n")
    command = [sys.executable, "-m", "hotmig", "plan", "--json", "-d", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "half \\ud800" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["exit_code"] == 1
