"""``hotmig runs`` on the command line."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hotmig.cli.output import FORMAT
from hotmig.ledger.model import STATES
from hotmig.ledger.store import LEDGER_FILE
from tests.phases.shops import Shop, open_shop
from tests.scenarios.harness import environment


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """One run of each: completed, failed, abandoned."""
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    shop.run("cutover", code=3)
    shop.run("reset")
    return shop


def rows(shop: Shop, *options: str) -> list[tuple[str, str]]:
    return [(run["command"], run["state"]) for run in shop.json("runs list", *options)]


# --- list


def test_list_is_a_line_for_each_run_the_newest_first(shop: Shop) -> None:
    done = shop.run("runs list")
    reset, cutover, migrate = done.stdout.splitlines()
    ids = [run["run_id"] for run in shop.json("runs list")]
    assert reset == f"{ids[0]}  completed  2 steps"
    assert cutover.startswith(f"{ids[1]}  abandoned  ")
    assert cutover.endswith("  the migration is not drained")
    assert migrate == f"{ids[2]}  abandoned  4 steps"
    assert done.stderr == ""


def test_list_as_json_is_an_array_of_the_runs(shop: Shop) -> None:
    done = shop.run("runs list --json")
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert [run["format"] for run in found] == [FORMAT] * 3
    assert [run["steps"] for run in found] == [2, 2, 4]
    assert set(found[0]) == {
        "format", "run_id", "command", "arguments", "state", "plan_hash", "old_file", "new_file", "hotmig_version",
        "started_utc", "finished_utc", "error", "host", "pid", "steps",
    }  # fmt: skip


@pytest.mark.parametrize("options", [(), ("--state", "running"), ("--limit", "3")])
def test_a_list_of_none_is_an_empty_array(tmp_path: Path, options: tuple[str, ...]) -> None:
    shop = open_shop(tmp_path / "shop")
    done = shop.run("runs list --json", *options)
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert shop.run("runs list", *options).stdout == "No runs.\n"
    assert not shop.own.exists()


def test_a_list_can_be_of_one_state(shop: Shop) -> None:
    assert rows(shop, "--state", "completed") == [("reset", "completed")]
    assert rows(shop, "--state", "abandoned") == [("cutover", "abandoned"), ("migrate", "abandoned")]
    for state in STATES:
        shop.run("runs list --state", state)
    refused = shop.run("runs list --state finished", code=2)
    assert "'finished' is not one of" in refused.stderr


def test_a_list_can_be_short(shop: Shop) -> None:
    assert rows(shop, "--limit", "1") == [("reset", "completed")]
    assert rows(shop, "--limit", "1", "--state", "abandoned") == [("cutover", "abandoned")]
    shop.run("runs list --limit 0", code=2)


# --- show


def test_show_has_the_run_and_each_step(shop: Shop) -> None:
    facts = shop.runs()[2]
    done = shop.run("runs show", facts["run_id"])
    lines = done.stdout.splitlines()
    assert lines[0] == f"{facts['run_id']}: abandoned"
    told = dict(line.strip().split("  ", 1) for line in lines[1 : lines.index("")])
    assert {name: text.strip() for name, text in told.items()} == {
        "command": f"hotmig migrate --dir {shop.directory}",
        "old": facts["old_file"],
        "new": facts["new_file"],
        "plan": facts["plan_hash"],
        "process": f"{os.getpid()} on {facts['host']}, hotmig {facts['hotmig_version']}",
        "started": facts["started_utc"],
        "finished": facts["finished_utc"],
    }
    steps = lines[lines.index("") + 1 :]
    assert steps.pop(1).strip() == facts["steps"][0]["detail"]
    assert steps == [
        f"  {step['seq']:>4}  {step['intent_utc']}  {step['status']:<10}  {step['action']}: {step['object']}"
        for step in facts["steps"]
    ]
    assert done.stderr == ""


def test_show_has_the_error_of_a_run_and_of_its_steps(shop: Shop) -> None:
    told = shop.run("runs show", shop.runs()[1]["run_id"]).stdout
    assert "  error       the migration is not drained\n" in told
    assert "        the migration is not drained\n" in told
    assert "        not reached\n" in told


def test_show_as_json_is_one_object(shop: Shop) -> None:
    run_id = shop.runs()[0]["run_id"]
    done = shop.run("runs show --json", run_id)
    facts = json.loads(done.stdout)
    assert (facts["format"], facts["run_id"], done.stderr) == (FORMAT, run_id, "")
    assert set(facts["steps"][0]) == {
        "step_id", "run_id", "seq", "intent_utc", "action", "object", "detail", "outcome_utc", "status", "error",
        "undo",
    }  # fmt: skip


@pytest.mark.parametrize("command", ["runs show", "runs rollback --yes", "runs rollback --dry-run"])
def test_a_run_that_is_not_there_or_not_the_only_one_is_a_usage_error(shop: Shop, command: str) -> None:
    before = shop.everything()
    none = shop.run(command, "1999", code=2)
    assert none.stderr.splitlines() == [
        "Error: there is no run with the id 1999",
        "Hint: `hotmig runs list` shows the ids",
    ]
    several = shop.run(command, "20", code=2)
    assert several.stderr.startswith("Error: 3 runs have an id that begins with 20\n")
    assert shop.everything() == before


# --- rollback


@pytest.fixture
def recording(tmp_path: Path) -> Shop:
    shop = open_shop(tmp_path / "recording")
    shop.run("migrate")
    return shop


def test_where_nobody_can_answer_a_rollback_wants_yes(recording: Shop) -> None:
    before = recording.everything()
    done = recording.run("runs rollback", recording.runs()[0]["run_id"], code=2)
    assert (done.stdout, recording.everything()) == ("", before)
    error, hint = done.stderr.splitlines()
    assert error == "Error: a rollback asks before it begins, and here is nobody to answer"
    assert "--dry-run" in hint
    assert "--yes" in hint


def on_terminal(shop: Shop, answer: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a rollback that can ask."""
    here, there = pty.openpty()
    command = [sys.executable, "-m", "hotmig", "runs", "rollback", shop.runs()[0]["run_id"], "-d", str(shop.directory)]
    with subprocess.Popen(
        command, env=environment(), stdin=there, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        os.write(here, f"{answer}\n".encode())
        output, errors = process.communicate()
    os.close(here)
    os.close(there)
    return process.returncode, output, errors


def test_on_a_terminal_it_shows_each_step_and_asks(recording: Shop) -> None:
    run_id = recording.runs()[0]["run_id"]
    code, output, told = on_terminal(recording, "y")
    assert code == 0
    preview, _, rest = told.partition("Go on? [y/N]: ")
    assert preview == recording_preview(run_id, preview)
    assert f"Rolled {run_id} back." in output
    assert rest.startswith("Run ")
    assert recording.phase() == "none"


def recording_preview(run_id: str, told: str) -> str:
    """What a preview has to be: a heading, and a line for each of the four steps, the last one first."""
    lines = told.splitlines()
    assert lines[0] == f"Rollback of {run_id} would do this:"
    assert [line.split()[0] for line in lines[1:]] == ["4", "3", "2", "1"]
    return told


@pytest.mark.parametrize("answer", ["n", ""])
def test_without_a_yes_nothing_is_done(recording: Shop, answer: str) -> None:
    before = recording.everything()
    code, output, told = on_terminal(recording, answer)
    assert (code, output) == (1, "")
    assert "Go on? [y/N]: " in told
    assert "not confirmed: nothing was changed" in told
    assert recording.everything() == before


def test_rollback_as_json_has_the_run_the_steps_and_its_own_run(recording: Shop) -> None:
    run_id = recording.runs()[0]["run_id"]
    done = recording.run("runs rollback --yes --json", run_id)
    facts: dict[str, Any] = json.loads(done.stdout)
    own = recording.runs()[0]
    assert own["command"] == "runs rollback"
    assert (facts["format"], facts["dry_run"], facts["skipped"]) == (FORMAT, False, None)
    assert (facts["rolled_back"], facts["run_id"]) == (run_id, own["run_id"])
    assert [(step["does"], step["status"]) for step in facts["steps"]] == [
        (None, "rollback_skipped"),
        (None, "rollback_skipped"),
        ("delete the new file", "rolled_back"),
        ("stop recording", "rolled_back"),
    ]


# --- prune


def test_prune_says_which_runs_are_gone(shop: Shop) -> None:
    ids = [run["run_id"] for run in shop.json("runs list")]
    done = shop.run("runs prune --older-than 1")
    assert (done.stdout, len(shop.json("runs list"))) == ("Pruned 0 runs.\n", 3)
    done = shop.run("runs prune --older-than 0")
    assert done.stdout.splitlines() == ["Pruned 3 runs.", *(f"  {run_id}" for run_id in ids)]
    assert shop.run("runs list --json").stdout == "[]\n"


def test_prune_as_json_has_the_ids(shop: Shop) -> None:
    ids = [run["run_id"] for run in shop.json("runs list")]
    assert shop.json("runs prune --older-than 0") == {"format": FORMAT, "pruned": ids}


# --- a ledger that can't be read


@pytest.mark.parametrize(
    "line", ["runs list", "runs list --json", "runs show 2", "runs rollback 2 --yes", "runs prune --older-than 0"]
)
def test_a_ledger_that_cannot_be_used_is_told(shop: Shop, line: str) -> None:
    ledger = shop.own / LEDGER_FILE
    ledger.write_bytes(b"no database " * 500)
    before = shop.everything()
    done = shop.run(line, code=1)
    assert ("can't be used" in done.stdout) == ("--json" in line)
    assert done.stderr.startswith(f"Error: the ledger {ledger} can't be used: ")
    assert shop.everything() == before
