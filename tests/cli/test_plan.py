"""The plan as a person and as a program reads it."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hotmig.cli.app import cli
from tests.phases.files import OLD, old_database

RENAMED = """from typing import Annotated

from hotmig.schema import From, Key, Was, auto, table

database = "shop"

@table
class Item:
    id: Annotated[int, Key] = auto()
    title: Annotated[str | None, Was("name")] = None

@table("odd [red] name")
class Odd:
    id: Annotated[int, Key] = auto()
"""


def run(directory: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["plan", "--dir", str(directory), *options])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    old_database(tmp_path / OLD)
    (tmp_path / "schema.py").write_text(RENAMED)
    return tmp_path


def test_what_can_run_says_so_and_exits_0(shop: Path) -> None:
    shown = run(shop)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert f"old database   {shop / OLD}\n" in shown.stdout
    assert "title: item.name" in shown.stdout
    assert shown.stdout.endswith("Can run migrate now: yes\n")


def test_between_the_two_commits_of_a_cutover_there_is_nothing_to_plan(shop: Path) -> None:
    assert CliRunner().invoke(cli, ["migrate", "--dir", str(shop)]).exit_code == 0
    db = sqlite3.connect(shop / OLD)
    db.execute("UPDATE _migration_marker SET status = 'retired'")
    db.commit()
    db.close()
    shown = run(shop)
    assert (shown.exit_code, shown.stdout) == (3, "")
    assert "`hotmig cutover`" in shown.stderr


NEW_KEYS = """from typing import Annotated

from hotmig.schema import Key, Unique, Was, auto, table

database = "shop"

@table
class Part:
    id: Annotated[int, Key] = auto()
    sku: Annotated[str, Unique]
    note: str | None = None
    rank: int = 3

@table
class Use:
    id: Annotated[int, Key] = auto()
    part: Annotated[Part, Was("sku")]

@table
class Empty:
    id: Annotated[int, Key] = auto()
"""


def test_the_table_says_in_words_where_keys_and_values_come_from(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / OLD)
    db.execute("CREATE TABLE part(sku TEXT PRIMARY KEY NOT NULL)")
    db.execute("CREATE TABLE use(id INTEGER PRIMARY KEY, sku TEXT NOT NULL REFERENCES part)")
    db.close()
    (tmp_path / "schema.py").write_text(NEW_KEYS)
    shown = run(tmp_path).stdout
    lines = [line.strip() for line in shown.partition("Tables, ")[2].partition("Projected, ")[0].splitlines()]
    assert [re.sub("  +", " | ", line) for line in lines[4:-1]] == [
        "1 | empty | (new) | empty",
        "2 | part | part | projected | new | id: a new integer key | 0",
        "note: NULL in every row",
        "rank: default 3",
        "3 | use | use | projected | kept | part_id: the new id of the part that use.sku names | 0",
    ]
    assert "  use: its references follow those of part\n" in shown
    keys = {step["table"]: step["keys"] for step in json.loads(run(tmp_path, "--json").stdout)["steps"]}
    assert keys == {"empty": "kept", "part": "mapped", "use": "kept"}


def test_names_are_shown_as_they_are(shop: Path) -> None:
    assert re.search(r"^ *2 +odd \[red\] name +\(new\)", run(shop).stdout, re.MULTILINE)


def test_what_is_blocked_names_the_line_to_write_and_exits_1(shop: Path) -> None:
    (shop / "schema.py").write_text(RENAMED.replace('Annotated[str | None, Was("name")]', "str | None"))
    (shop / "schema.py").write_text((shop / "schema.py").read_text().replace("str | None = None", "str"))
    shown = run(shop)
    assert (shown.exit_code, shown.stderr) == (1, "")
    assert "Blocking:\n" in shown.stdout
    assert "      write: " in shown.stdout
    assert shown.stdout.endswith("Can run migrate now: no\n")
    facts = json.loads(run(shop, "--json").stdout)
    assert facts["runnable"] is False
    assert {"check", "severity", "table", "message", "fix"} == set(facts["findings"][0])


def test_json_has_every_step_and_column(shop: Path) -> None:
    facts = json.loads(run(shop, "--json").stdout)
    assert (facts["format"], facts["runnable"], facts["nothing_to_do"], facts["old"]) == (
        1,
        True,
        False,
        str(shop / OLD),
    )
    step = next(step for step in facts["steps"] if step["table"] == "item")
    assert (step["source"], step["keys"], step["rows"]) == ("item", "kept", 0)
    assert {"name": "title", "from": "item.name"} in step["columns"]


def test_planning_leaves_nothing_behind(shop: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in shop.iterdir()}
    run(shop)
    assert {path.name: path.stat().st_mtime_ns for path in shop.iterdir()} == before
