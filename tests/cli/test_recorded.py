"""What a command that changes something tells of its run: its line, its id in the JSON, what was not written down."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hotmig.ledger.store import LEDGER_FILE
from tests.phases.mutating import COMMANDS, RECORDED, Mutating
from tests.phases.processes import patched
from tests.phases.shops import RUN_LINE, Shop, open_shop

TELLING = tuple(command for command in COMMANDS if "prune" not in command.line)  # which keeps the ledger itself
every_recorded = pytest.mark.parametrize("command", RECORDED, ids=lambda each: each.line)


@pytest.mark.parametrize("command", TELLING, ids=lambda each: each.line)
def test_the_first_line_on_stderr_names_the_run_and_the_ledger(tmp_path: Path, command: Mutating) -> None:
    shop = command.opened(tmp_path / "shop")
    done = shop.run(command.typed(shop))
    run_id = shop.runs()[0]["run_id"]
    first, *_ = done.stderr.splitlines(keepends=True)
    assert first == f"Run {run_id}, in {shop.own / LEDGER_FILE}\n"
    assert re.fullmatch(RUN_LINE, first)
    assert run_id not in done.stdout


@every_recorded
def test_quiet_keeps_it_to_itself(tmp_path: Path, command: Mutating) -> None:
    shop = command.opened(tmp_path / "shop")
    assert "Run " not in shop.run(f"{command.line} --quiet").stderr
    assert len(shop.runs()) == len(command.before) + 1


@pytest.mark.parametrize("command", TELLING, ids=lambda each: each.line)
def test_the_json_has_the_id_of_the_run(tmp_path: Path, command: Mutating) -> None:
    shop = command.opened(tmp_path / "shop")
    done = shop.run(f"{command.typed(shop)} --json")
    assert json.loads(done.stdout)["run_id"] == shop.runs()[0]["run_id"]


@every_recorded
def test_without_a_ledger_the_json_has_no_id(tmp_path: Path, command: Mutating) -> None:
    shop = command.opened(tmp_path / "shop")
    done = shop.run(f"{command.line} --json --no-ledger")
    assert json.loads(done.stdout)["run_id"] is None
    assert "Run " not in done.stderr


@pytest.mark.parametrize("line", ["reset --dry-run --json", "cleanup-old --dry-run --json"])
def test_what_changes_nothing_is_no_run(tmp_path: Path, line: str) -> None:
    shop = open_shop(tmp_path / "shop")
    done = shop.run(line)
    assert "run_id" not in json.loads(done.stdout)
    assert (done.stderr, shop.own.exists()) == ("", False)


def test_a_command_that_finds_nothing_to_do_is_a_run_too(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate --offline")
    for command in ("migrate", "drain", "cutover"):
        facts = shop.json(command)
        assert facts["skipped"] is not None
        assert (facts["run_id"], shop.runs()[0]["state"]) == (shop.runs()[0]["run_id"], "completed")


# --- outcomes that the ledger does not take

FULL_BEHIND_THE_FIRST_INTENT = """
import sqlite3
from hotmig.ledger.store import Ledger
settle = Ledger.settle
def full(self, outcomes):
    pages = self.db.execute("PRAGMA page_count").fetchone()[0]
    self.db.execute(f"PRAGMA max_page_count = {pages}")
    self.db.execute("CREATE TEMP TRIGGER full BEFORE UPDATE ON main.step BEGIN SELECT RAISE(ABORT, 'full'); END")
    settle(self, outcomes)
Ledger.settle = full
"""


def test_an_outcome_that_was_not_written_is_told_and_the_work_is_done(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    process = patched(shop, FULL_BEHIND_THE_FIRST_INTENT, "reset")
    assert process.wait() == 0  # no step, and so no outcome
    process.communicate()
    shop.run("migrate")
    process = patched(shop, FULL_BEHIND_THE_FIRST_INTENT, "reset")
    _, told = process.communicate()
    assert process.returncode == 0
    ledger = shop.own / LEDGER_FILE
    assert f"Warning: the ledger did not take an outcome: the ledger {ledger} can't be written: full\n" in told
    assert shop.own_objects() == set()
    newest = shop.runs()[0]
    assert (newest["state"], {step["status"] for step in newest["steps"]}) == ("completed", {None})


STAMP_REFUSED = """from hotmig.ledger.store import Ledger
def refused(self, *_):
    raise HotmigError("locked")
from hotmig.errors import HotmigError
Ledger.stamp = refused
"""


def test_a_stamp_that_was_not_written_is_told(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    process = patched(shop, STAMP_REFUSED, "drain")
    _, told = process.communicate()
    assert (process.returncode, shop.phase()) == (0, "drained")
    assert "Warning: the ledger did not take an outcome: locked\n" in told


def told_by(shop: Shop, patch: str, *command: str) -> tuple[int, str]:
    process = patched(shop, patch, *command)
    _, told = process.communicate()
    return process.returncode, told


def test_an_intent_that_is_not_taken_stops_before_its_effect(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    refuses = (
        "from hotmig.ledger.store import Ledger\nadd = Ledger.add_steps\n"
        "def full(self, run_id, utc, intents, seconds=None):\n"
        "    if intents[0].action == 'make the new file':\n"
        "        self.db.execute('PRAGMA query_only = ON')\n"
        "    return add(self, run_id, utc, intents, seconds)\n"
        "Ledger.add_steps = full"
    )
    code, told = told_by(shop, refuses, "migrate")
    assert code == 1
    assert f"Error: the ledger {shop.own / LEDGER_FILE} can't be written: " in told
    assert "--no-ledger" in told
    assert "Recovery snapshot:\nshop: copying\n" in told
    assert list(shop.directory.glob("shop-*.sqlite")) == [shop.old]
    shop.run("migrate")
    shop.run("drain --cutover")
