"""A command dies, and somebody writes to the new database before it is ready: that never comes to be in service."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import truth
from tests.crash.harness import Death, die, here
from tests.scenarios.harness import Project, by_hand
from tests.scenarios.shapes import SHAPES

GUARD_DOWN = "COMMIT behind UPDATE _migration_progress SET drain_completed = 0"


@pytest.mark.parametrize(
    ("before", "death"),
    [
        (("migrate",), Death("drain --cutover", "UPDATE _migration_marker SET status = 'retired'", False)),
        (("migrate",), Death("drain --cutover", "COMMIT behind UPDATE main._migration_progress SET", True)),
        (("migrate", "drain --hold 600"), Death("drain --cutover", GUARD_DOWN, True)),
    ],
    ids=str,
)
def test_it_is_refused_or_found(before: tuple[str, ...], death: Death, tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "wal")
    for command in before:
        assert here(project, command).exit_code == 0
    assert die(project, death)
    by_hand(project.new, "DELETE FROM article WHERE rowid % 7 = 0")
    for command in ("cutover", "drain", "drain --cutover", "cutover"):
        assert here(project, command).exit_code == 3, command
    assert truth.facts(project).status == "migrating"


def test_a_guard_that_was_taken_away_is_missed(tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "wal")
    assert here(project, "migrate").exit_code == here(project, "drain").exit_code == 0
    names = truth.ask(project.new, "SELECT name FROM sqlite_schema WHERE name LIKE '_migration_guard_%'")
    by_hand(project.new, *(f"DROP TRIGGER {name}" for (name,) in names))
    refused = here(project, "cutover")
    assert (refused.exit_code, "run `hotmig drain` again" in refused.stderr) == (3, True)
    assert here(project, "drain").exit_code == here(project, "cutover").exit_code == 0
