"""``cleanup-old --delete`` is killed between its deletions, and is run again: nothing of the old database is left."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path

import pytest

from tests.crash.harness import Death, die, here
from tests.scenarios.harness import Project
from tests.scenarios.shapes import SHAPES


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("adopted", [False, True], ids=["named by the rule", "behind a link"])
@pytest.mark.parametrize("in_use", [False, True], ids=["closed", "open"])
def test_it_can_be_run_again(adopted: bool, in_use: bool, after: bool, tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "wal")
    real = project.old
    if adopted:
        real = project.directory / "app.db"
        project.old.rename(real)
        project.old.symlink_to(real.name)
    for command in ("migrate", "drain --cutover"):
        assert here(project, command).exit_code == 0
    reader = sqlite3.connect(real)
    if in_use:
        reader.execute("SELECT count(*) FROM item").fetchall()
    assert die(project, Death("cleanup-old --delete", "os.unlink", after, signal.SIGKILL))
    reader.close()
    assert here(project, "status").exit_code == 0
    assert here(project, "cleanup-old --delete").exit_code == 0
    assert here(project, "status").exit_code == 0
    assert sorted(path.name for path in project.directory.glob("app*")) == [project.new.name]
