"""``init`` is killed before and after each thing that it changes, and is run again."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.crash.child import AFTER, AT, TRACE
from tests.crash.test_points import MOMENTS, SURVIVED
from tests.scenarios.harness import PATIENCE, ROOT, environment, hotmig

KINDS = {
    "adopt": ("os.mkdir", "COMMIT behind INSERT INTO step", "os.symlink", "os.link", "os.fsync", "COMMIT behind UPD"),
    "first": ("COMMIT behind INSERT INTO step", "CREATE TABLE", "PRAGMA journal_mode", "os.link", "os.fsync"),
}
MODULE = """from typing import Annotated
from hotmig.schema import Key, auto, table

database = "app"

@table
class Item:
    id: Annotated[int, Key] = auto()
    name: str = "none"
"""


def directory_for(kind: str, tmp_path: Path) -> tuple[Path, list[str]]:
    """A directory before its ``init``, and the arguments of that."""
    directory = tmp_path / "app"
    directory.mkdir()
    if kind == "first":
        (directory / "schema.py").write_text(MODULE)
        return directory, []
    db = sqlite3.connect(directory / "app.db")
    db.executescript("CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO item VALUES (1, 'one');")
    db.close()
    return directory, [str(directory / "app.db")]


def init(directory: Path, arguments: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.crash.child", "init", *arguments, "-d", str(directory)]
    return forked.run(command, cwd=ROOT, env={**environment(), **variables}, timeout=PATIENCE)


def survived(kind: str, tmp_path: Path, at: str, after: bool) -> bool:
    directory, arguments = directory_for(kind, tmp_path)
    before = (directory / "app.db").read_bytes() if arguments else None
    died = init(directory, arguments, **{AT: at, **({AFTER: "1"} if after else {})})
    assert died.returncode in (-signal.SIGKILL, 0), died.stderr
    hotmig(directory, "status")
    hotmig(directory, "init", *arguments)
    if before is not None:
        assert (directory / "app.db").read_bytes() == before
    assert list(directory.glob(".hotmig-init-*")) == []
    assert [path.suffix for path in directory.glob("app-*")] == [".sqlite"]
    hotmig(directory, "migrate")
    runs: Any = hotmig(directory, "runs list", "--json").json()
    assert {run["state"] for run in runs} <= {"completed", "failed", "partially_committed"}
    return died.returncode == -signal.SIGKILL


@MOMENTS
@pytest.mark.parametrize(("kind", "at"), [(kind, at) for kind, points in KINDS.items() for at in points])
def test_it_can_be_run_again(kind: str, at: str, after: bool, tmp_path: Path, record_property) -> None:
    assert survived(kind, tmp_path, at, after), "the point was never reached"
    record_property(SURVIVED, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_it_can_be_run_again_after_any_death(
    kind: str, tmp_path: Path, record_property, request: pytest.FixtureRequest
) -> None:
    directory, arguments = directory_for(kind, tmp_path)
    init(directory, arguments, **{TRACE: str(tmp_path / "points.json")})
    found = len(json.loads((tmp_path / "points.json").read_text())["seen"])
    every = range(1, found + 1) if request.config.getoption("--all-crash-points") else range(1, found + 1, 12)
    kills = 0
    for at in every:
        for after in (False, True):
            place = tmp_path / f"{at}-{after}"
            place.mkdir()
            kills += survived(kind, place, str(at), after)
    assert kills == 2 * len(every)
    record_property(SURVIVED, kills)
