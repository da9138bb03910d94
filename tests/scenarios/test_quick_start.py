"""The quick start of the README, typed from top to bottom, prints what it shows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.scenarios.pages import README, Shell, blocks

RUN = re.compile(r"\b\d{8}T\d{6}Z-([a-z-]+)-[0-9a-f]{6}\b")
HASH = re.compile(r"\b[0-9a-f]{16}\b")
# What depends on the machine and on the moment: times, speeds, sizes, rounds of replay.
MEASURED = re.compile(r"\d[\d,.]* (?:ms|s|min|rows/s|[kKMGT]?i?B|rounds?)\b")


class Plain:
    """Text without what is different each time; hashes are numbered by their first appearance, runs are told alike."""

    def __init__(self) -> None:
        self._hashes: dict[str, str] = {}

    def __call__(self, text: str) -> list[str]:
        text = RUN.sub(r"run of \1", text)
        text = HASH.sub(lambda found: self._hashes.setdefault(found[0], f"hash {len(self._hashes)}"), text)
        return [MEASURED.sub("…", line.rstrip()) for line in text.splitlines() if line.strip()]


def test_every_step_of_the_quick_start_prints_what_it_shows(tmp_path: Path) -> None:
    shell = Shell.make(tmp_path, "/tmp/shop")
    shop = shell.moved["/tmp/shop"]
    shown, printed, steps = Plain(), Plain(), 0
    for block in blocks(README, "## Quick start", "## The application"):
        if block.language == "python":
            (shop / "schema.py").write_text(block.text)
        elif block.language == "sh":
            shell.type(block.text, at=shop if shop.exists() else tmp_path)
        for command, output in block.steps if block.language == "console" else ():
            code = 1 if "forgotten.py" in command and "hotmig" in command else 0
            # As a terminal has it: what goes to stderr stands where it was told.
            typed = shell.type(f"{{ {command}\n}} 2>&1", at=shop, code=code)
            assert printed(typed.out) == shown(output), str(typed)
            steps += 1
    assert steps > 12


def shape(value: Any) -> Any:
    """The keys of a JSON value; a list is like its first element."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return [shape(each) for each in value[:1]] if isinstance(value, list) else None


def test_the_json_in_the_readme_has_the_keys_that_are_printed(tmp_path: Path) -> None:
    shell = Shell.make(tmp_path, "/tmp/shop")
    shop = shell.moved["/tmp/shop"]
    shell.type(next(block.text for block in blocks(README, "## Quick start") if block.language == "sh"))
    shell.type("hotmig init app.db", at=shop)
    schema = next(block.text for block in blocks(README, "## Quick start") if block.language == "python")
    (shop / "schema.py").write_text(schema.replace("dropped(", "# dropped("))
    plan = shell.type("hotmig plan --json", at=shop, code=1).out
    (shop / "schema.py").write_text(schema)
    shell.type("hotmig migrate && python3 buy.py", at=shop)
    failed = shell.type("hotmig cutover --json", at=shop, code=3).out
    shell.type("hotmig drain", at=shop)
    status = shell.type("hotmig status --json", at=shop).out
    shown = [json.loads(block.text) for block in blocks(README, "## `--json`") if block.language == "json"]
    assert [shape(each) for each in shown] == [shape(json.loads(each)) for each in (failed, plan, status)]


def test_a_step_that_would_print_something_else_is_found() -> None:
    shown, printed = Plain(), Plain()
    assert shown("Copied 5 rows in 0.2 s, 24 rows/s.") == printed("Copied 5 rows in 1.7 s, 3 rows/s.\n\n")
    assert shown("new: app-0123456789abcdef.sqlite") == printed("new: app-fedcba9876543210.sqlite")
    assert shown("old: app-0123456789abcdef.sqlite") != printed("old: app-0000000000000000.sqlite")
    assert shown("Run 20261120T190000Z-migrate-0a1b2c, in x") == printed("Run 20261121T200001Z-migrate-ffffff, in x")
    assert shown("Run 20261120T190000Z-migrate-0a1b2c, in x") != printed("Run 20261120T190000Z-drain-0a1b2c, in x")
    assert shown("2 writes recorded") != printed("1 write recorded")


def test_the_change_may_be_written_into_a_second_file(tmp_path: Path) -> None:
    shell = Shell.make(tmp_path, "/tmp/shop")
    shop = shell.moved["/tmp/shop"]
    steps = blocks(README, "## Quick start", "## The application")
    shell.type(next(block.text for block in steps if block.language == "sh"))
    shell.type("hotmig init app.db", at=shop)
    (shop / "next.py").write_text(next(block.text for block in steps if block.language == "python"))
    before = shell.type("hotmig path", at=shop).out
    line = next(block.text for block in blocks(README, "## The application") if block.language == "sh")
    migrate, _, rest = line.partition(" && ")
    shell.type(migrate, at=shop)
    assert shell.type("hotmig path", at=shop).out == before
    shell.type(rest, at=shop)
    assert shell.type("hotmig path", at=shop).out != before
    assert not (shop / "next.py").exists()
