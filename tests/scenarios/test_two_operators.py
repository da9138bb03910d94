"""Two commands at once: the second is told who is at work; what only looks is never held up."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.phases.mutating import COMMANDS, Mutating
from tests.phases.processes import patched
from tests.phases.shops import Shop, items, open_shop
from tests.scenarios.harness import wait_until

# It has made its marker, and waits with the lock in its hand.
WAITS = """
import pathlib, time, hotmig.phases.{module} as m
m.{name} = lambda *rest, **named: (pathlib.Path({held!r}).touch(), time.sleep(600))
"""
HELD_IN = {"migrate": ("migrate", "_make_file"), "drain": ("drain", "pause"), "reset": ("reset", "old_writer")}


@dataclass
class AtWork:
    """A command that holds the lock until it is killed."""

    process: subprocess.Popen[str]
    command: str

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def at_work(shop: Shop, command: str) -> AtWork:
    held = shop.directory.parent / "held"
    held.unlink(missing_ok=True)
    module, name = HELD_IN[command]
    process = patched(shop, WAITS.format(module=module, name=name, held=str(held)), command)
    wait_until(lambda: held.exists() or process.poll() is not None, f"{command} to be at work")
    assert process.poll() is None, process.communicate()
    return AtWork(process, command)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "shop")


@pytest.fixture
def held(shop: Shop) -> Iterator[AtWork]:
    holder = at_work(shop, "migrate")
    yield holder
    holder.kill()


SECOND = (*(command for command in COMMANDS if command.line != "init"), Mutating("migrate --no-ledger"))


@pytest.mark.parametrize("command", SECOND, ids=lambda each: each.line)
def test_the_second_says_who_is_at_work_and_changes_nothing(shop: Shop, held: AtWork, command: Mutating) -> None:
    before, runs = shop.listing(), shop.runs()
    done = shop.run(command.typed(shop), code=4)
    error, hint = done.stderr.splitlines()
    assert done.stdout == ""
    told = re.fullmatch(
        r"Error: `hotmig (.+)` \(process (\d+) on (.+), since (.+)\) is at work in this directory", error
    )
    assert told is not None, error
    assert told.groups() == ("migrate", str(held.process.pid), socket.gethostname(), runs[0]["started_utc"])
    assert hint == "Hint: nothing was changed; run the same command again when it has finished"
    assert (shop.listing(), shop.runs()) == (before, runs)


@pytest.mark.parametrize("command", HELD_IN)
def test_whatever_command_is_at_work_is_named(shop: Shop, command: str) -> None:
    if command != "migrate":
        shop.run("migrate")
    holder = at_work(shop, command)
    told = shop.run("migrate", code=4).stderr
    holder.kill()
    assert f"`hotmig {command}` (process {holder.process.pid} on " in told


def test_what_only_looks_is_not_held_up(shop: Shop, held: AtWork) -> None:
    before = shop.listing()
    for line in ("plan", "plan --json", "status", "status --json", "reset --dry-run", "reset --print-sql", "runs list"):
        done = shop.run(line, "--busy-timeout", "0")
        assert done.stderr == "", line
    shop.run("cleanup-old --dry-run", code=3)  # because a migration is under way
    shop.run("path", code=1)
    assert "running" in shop.run("runs show", shop.runs()[0]["run_id"]).stdout.splitlines()[0]
    assert shop.listing() == before
    assert held.process.poll() is None


def test_status_says_that_it_is_running(shop: Shop, held: AtWork) -> None:
    facts = shop.json("status")
    last = facts["last_run"]
    assert (facts["phase"], last["command"], last["state"]) == ("copying", "migrate", "running")
    assert held.process.poll() is None


def test_init_waits_for_nobody_either(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    holder = at_work(shop, "migrate")
    # Another name's database in the same directory: what it needs is there, and yet it is not alone.
    (shop.directory / "other.py").write_text((shop.directory / "schema.py").read_text().replace('"shop"', '"other"'))
    before = shop.listing()
    done = shop.run("init", "--schema", str(shop.directory / "other.py"), code=4)
    holder.kill()
    assert "`hotmig migrate` (process " in done.stderr
    assert shop.listing() == before


def test_the_lock_of_a_killed_command_is_free(shop: Shop) -> None:
    holder = at_work(shop, "migrate")
    shop.run("drain", code=4)
    holder.kill()
    assert shop.runs()[0]["state"] == "partially_committed"
    shop.run("migrate")
    shop.run("drain --cutover")
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())
    assert [run["state"] for run in shop.runs()] == ["completed", "completed", "partially_committed"]


def test_two_that_begin_at_the_same_moment_are_one_and_one(shop: Shop) -> None:
    both = [patched(shop, "", "migrate") for _ in range(2)]
    ended = sorted((process.communicate()[1], process.returncode) for process in both)
    codes = sorted(code for _, code in ended)
    # Where one is done before the other looks, the other finds all of it copied.
    assert codes in ([0, 4], [0, 0])
    assert shop.phase() == "recording"
    assert [run["state"] for run in shop.runs()] == ["completed"] * codes.count(0)
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())


def test_status_says_who_is_at_work_until_he_is_gone(shop: Shop, held: AtWork) -> None:
    told = shop.json("status")["at_work"]
    assert told.startswith(f"`hotmig migrate` (process {held.process.pid} on {socket.gethostname()}, since ")
    assert f"  at work              {told}" in shop.run("status").stdout.splitlines()
    held.kill()
    assert shop.json("status")["at_work"] is None
