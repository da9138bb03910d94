"""A migrate that was killed goes on where it stood, and says where that was."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.phases.locate import locate
from hotmig.phases.migrate import migrate
from hotmig.phases.progress import Progress
from tests.crash.child import FIRST_ROWS
from tests.crash.harness import Death, die, here, report
from tests.scenarios.harness import Project
from tests.scenarios.shapes import SHAPES

COPYING = "COMMIT behind UPDATE main._migration_copy SET placed = 1"
INDEXING = "COMMIT behind UPDATE main._migration_copy SET state = 'indexing'"
INDEXED = "COMMIT behind UPDATE main._migration_copy SET state = 'indexed'"


@pytest.mark.parametrize(
    ("at", "found"),
    [
        (COPYING, ("purchase", "copying", FIRST_ROWS)),
        (INDEXING, ("customer", "indexing", 80)),
        (INDEXED, ("customer", "indexed", 80)),
    ],
)
def test_it_says_where_it_stood(at: str, found: tuple[str, str, int], tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["cascades"], "wal", rows=2_500)
    assert die(project, Death("migrate", at, True))
    done = report(project, "migrate")
    stood = [(each["table"], each["state"], each["rows"]) for each in done["resumed"]]
    assert stood[-1] == found
    copied = sum(done["rows"].values()) + sum(rows for *_, rows in stood)
    assert copied == report(project, "status")["new"]["rows_copied"]


def test_its_progress_counts_what_was_copied_before(tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["cascades"], "wal", rows=2_500)
    assert die(project, Death("migrate", INDEXING, True))
    told: list[Progress] = []
    migrate(locate(project.directory, None), report=told.append)
    copying = [each for each in told if each.stage == "copying"]
    assert copying[-1].done == copying[-1].total


def test_the_line_says_it_too(tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["cascades"], "wal", rows=2_500)
    assert die(project, Death("migrate", COPYING, True))
    assert f" ({FIRST_ROWS} rows, so far)" in here(project, "migrate").stdout
