"""Processes that die in the middle of a commit: the next command goes on, whatever they left."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.forked import Forked
from tests.scenarios import exact
from tests.scenarios.harness import Project
from tests.scenarios.shapes import SHAPES

# A cache of one page spills into the file itself: only the journal knows what was there before.
DIES = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 1")
db.execute("BEGIN IMMEDIATE")
db.execute("CREATE TABLE half_done(x)")
db.execute("INSERT INTO half_done WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
           " SELECT zeroblob(1000) FROM n")
os._exit(9)
"""


def die_in_a_commit(path: Path) -> None:
    assert Forked([sys.executable, "-c", DIES, str(path)]).wait() == 9
    assert Path(f"{path}-journal").exists()


def equals_its_projection(project: Project) -> bool:
    return exact.contents_of(project.new, project.shape.new_tables) == project.shape.expected(project.old)


@pytest.mark.parametrize(
    ("side", "done"),
    [
        ("old", []),
        ("old", ["migrate"]),
        ("old", ["migrate", "drain"]),
        ("new", ["migrate"]),
        ("new", ["migrate", "drain"]),
    ],
    ids=str,
)
def test_a_commit_that_was_cut_short_is_rolled_back_by_the_next_command(
    side: str, done: list[str], tmp_path: Path
) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "delete")
    for command in done:
        project.run(command)
    die_in_a_commit(project.old if side == "old" else project.new)
    finish(project)
    assert equals_its_projection(project)


def finish(project: Project, most: int = 6) -> list[str]:
    """Does what status says is next until there is nothing left to do; returns the commands."""
    commands: list[str] = []
    while True:
        following = project.status()["next"]
        assert following is not None, "status knows no way on"
        command = following.split()[1]
        if command == "cleanup-old":
            return commands
        commands.append("migrate" if command == "plan" else command)
        assert len(commands) <= most, f"status leads nowhere: {commands}"
        project.run(commands[-1])
