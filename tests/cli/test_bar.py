"""The progress bar, as a real terminal gets it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.phases.shops import ITEMS, MODULE, ROWS, Shop, open_shop, told_behind_the_run

MANY = 200_000
COMPUTED = MODULE.replace("Key, Was,", "From, Key,").replace('Was("name")', 'From("upper(name)")')
COLOUR = re.compile(r"\x1b\[[\d;]*m")
CONTROL = re.compile(r"\x1b\[[?\d;]*[A-Za-z]")
COPYING = re.compile(r"copying item \S+ ([\d,]+) rows ([\d,]+) rows/s \d+:\d\d:\d\d")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "shop", script=ITEMS.replace(f"i < {ROWS}", f"i < {MANY}"), module=COMPUTED)


def on_terminal(shop: Shop, *arguments: str, **variables: str) -> tuple[str, str]:
    """Runs a command whose stderr is a terminal; what came there, and what came to stdout, which is none."""
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment |= {"TERM": "xterm-256color", "COLUMNS": "120", **variables}
    here, there = pty.openpty()
    command = [sys.executable, "-m", "hotmig", *arguments, "--dir", str(shop.directory)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=there, text=True) as process:
        os.close(there)
        shown = read_all(here)
        assert process.stdout is not None
        result = process.stdout.read()
    assert process.returncode == 0, shown
    return shown, result


def read_all(terminal: int) -> str:
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:
        pass  # how Linux says that nobody has the terminal's other side any more
    finally:
        os.close(terminal)
    return shown.decode()


def test_it_shows_rows_rows_per_second_and_the_time_left(shop: Shop) -> None:
    shown, result = on_terminal(shop, "migrate")
    assert COLOUR.search(shown)
    frames = COPYING.findall(CONTROL.sub("", shown))
    assert frames
    rows = [int(done.replace(",", "")) for done, _ in frames]
    assert rows == sorted(rows)
    assert rows[-1] == MANY
    assert all(int(rate.replace(",", "")) > 0 for _, rate in frames)
    assert result.startswith(f"Copied {MANY:,} rows in ")
    assert not CONTROL.search(result)


def test_drain_shows_what_it_proves(shop: Shop) -> None:
    shop.run("migrate")
    shown, result = on_terminal(shop, "drain", "--cutover")
    assert re.search(rf"proving item \S+ {MANY:,} rows", CONTROL.sub("", shown))
    assert result.startswith("Drained: ")


def test_no_color_is_honoured(shop: Shop) -> None:
    shown, _ = on_terminal(shop, "migrate", NO_COLOR="1")
    assert COPYING.search(CONTROL.sub("", shown))
    assert not COLOUR.search(shown)


def test_with_json_stdout_is_the_object_alone(shop: Shop) -> None:
    _, result = on_terminal(shop, "migrate", "--json")
    assert result.startswith("{\n")
    assert not CONTROL.search(result)


def test_quiet_draws_nothing(shop: Shop) -> None:
    assert on_terminal(shop, "migrate", "--quiet")[0] == ""


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_without_a_terminal_there_is_no_bar(shop: Shop, options: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "hotmig", "migrate", "--dir", str(shop.directory), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    assert told_behind_the_run(done.stderr) == ""
    assert not CONTROL.search(done.stdout)
