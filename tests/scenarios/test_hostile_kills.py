"""Processes that die in the middle of a commit: the next command goes on, whatever they left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
    died = subprocess.run([sys.executable, "-c", DIES, str(path)], check=False)
    assert died.returncode == 9
    assert Path(f"{path}-journal").exists()


def equals_its_projection(project: Project) -> bool:
    return exact.contents_of(project.new, project.shape.new_tables) == project.shape.expected(project.old)


@pytest.mark.parametrize("side", ["old", "new"])
@pytest.mark.parametrize("done", [("migrate",), ("migrate", "drain")], ids=" ".join)
def test_a_commit_that_was_cut_short_is_rolled_back_by_the_next_command(
    done: tuple[str, ...], side: str, tmp_path: Path
) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "delete")
    for command in done:
        project.run(command)
    die_in_a_commit(project.old if side == "old" else project.new)
    project.run(project.status()["next"].split()[1])
    project.run("cutover" if done[-1] == "migrate" else "cleanup-old")
    assert equals_its_projection(project)
