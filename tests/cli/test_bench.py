"""``hotmig bench``, on a database that is made in no time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

OPTIONS = ("--rows", "400", "--rounds", "1", "--change", "rebuild", "--only", "sqlite-utils transform")


def bench(*options: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "hotmig", "bench", *map(str, options)], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str, Path]:
    """The JSON of one run, what it said meanwhile, and its directory, with the picture."""
    work = tmp_path_factory.mktemp("bench")
    done = bench(*OPTIONS, "--only", "VACUUM INTO", "--json", "--work-dir", work, "--plot", work / "picture.svg")
    return json.loads(done.stdout), done.stderr, work


def test_the_json_has_every_contender_with_its_numbers(told: tuple[dict[str, Any], str, Path]) -> None:
    facts = told[0]
    assert (facts["format"], facts["shape"], facts["rows"], facts["rounds"]) == (1, "shop", 400, 1)
    assert facts["machine"]["cores"] > 0
    (compared,) = facts["comparisons"]
    assert compared["change"] == "rebuild"
    assert compared["fastest_rival_ratio"]["median"] > 0
    names = [each["contender"] for each in compared["contenders"]]
    assert names == ["hotmig", "sqlite-utils transform", "VACUUM INTO"]
    ours, rival, limit = compared["contenders"]
    assert [each["failure"] for each in (ours, rival, limit)] == [None] * 3
    assert ours["whole_ratio"] is None
    assert ours["copy_seconds"]["median"] < ours["seconds"]["median"]
    assert ours["peak"]["median"] > 1e7
    assert rival["whole_ratio"]["median"] == ours["seconds"]["median"] / rival["seconds"]["median"]
    assert limit["copy_ratio"]["median"] == ours["copy_seconds"]["median"] / limit["seconds"]["median"]


def test_it_says_whose_turn_it_is(told: tuple[dict[str, Any], str, Path]) -> None:
    assert told[1].splitlines() == [
        "making 400 rows, shape shop",
        "round 1 of 1, rebuild: hotmig",
        "round 1 of 1, rebuild: sqlite-utils transform",
        "round 1 of 1, rebuild: VACUUM INTO",
    ]


def test_the_picture_has_hotmig_and_the_rival_with_their_phases(told: tuple[dict[str, Any], str, Path]) -> None:
    picture = (told[2] / "picture.svg").read_text(encoding="utf-8")
    for text in (
        "rebuild: hotmig",
        "rebuild: sqlite-utils transform",
        "migrate",
        "drain",
        "pause",
        "writes per second",
    ):
        assert text in picture, text
    assert "VACUUM INTO" not in picture


def test_nothing_but_the_picture_stays(told: tuple[dict[str, Any], str, Path]) -> None:
    assert [path.name for path in told[2].iterdir()] == ["picture.svg"]


def test_the_tables_are_for_people() -> None:
    shown = bench(
        "--rows", "400", "--rounds", "1", "--change", "keys", "--only", "row by row", "--quiet", "--pace", "0"
    )
    assert shown.stderr == ""
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("400 rows, shape shop, ")
    assert [line.split()[0] for line in lines if line.lstrip().startswith(("hotmig  ", "row by"))] == ["hotmig", "row"]
    assert any(line.startswith("hotmig ÷ the fastest rival of each round: ") for line in lines)


def test_a_shape_without_such_a_change_is_told() -> None:
    shown = bench("--rows", "100", "--rounds", "1", "--shape", "narrow", "--change", "keys")
    assert "Left out: keys: the shape narrow has nothing to change so" in shown.stdout.splitlines()


@pytest.mark.parametrize(
    ("options", "code", "error", "hint"),
    [
        (("--only", "pgroll"), 2, "no contender is called 'pgroll'", "there are: Alembic batch mode, "),
        (("--plot", "/no/such/folder/p.svg"), 2, "/no/such/folder is no directory", "name a file in a directory"),
        (("--rows", "1"), 2, "Invalid value for '--rows'", ""),
        (("--shape", "round"), 2, "Invalid value for '--shape'", ""),
        (("--work-dir", "/no/such/folder"), 2, "Invalid value for '--work-dir'", ""),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(options: tuple[str, ...], code: int, error: str, hint: str) -> None:
    done = bench(*options, code=code)
    assert done.stdout == ""
    assert error in done.stderr
    assert hint in done.stderr


def test_no_file_but_a_picture_is_written_over(tmp_path: Path) -> None:
    precious = tmp_path / "app.db"
    precious.write_text("all there is")
    done = bench("--plot", precious, code=2)
    assert done.stderr.splitlines()[0] == f"Error: {precious} is there already, and is no picture of hotmig"
    assert precious.read_text() == "all there is"
