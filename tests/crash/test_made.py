"""A row that a Merge makes is made for a group, and a death must not leave it behind when that group is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.harness import Death, finish, prepare
from tests.crash.sequences import BEGUN
from tests.crash.truth import ask
from tests.scenarios.harness import Project, by_hand
from tests.scenarios.shapes import SHAPES

JUDGED = Death("migrate", "COMMIT behind UPDATE main._migration_created_2 SET _migration_live", True)
BUILT_ANEW = Death("migrate", "COMMIT behind DELETE FROM main._id_mapping WHERE table_name = 'topic'", True)
TOPICS = "SELECT name, mark FROM topic ORDER BY name"


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("DELETE FROM topic WHERE name = 'luna'", [("other 1", "stays")]),
        ("UPDATE topic SET name = 'other 2' WHERE name = 'luna'", [("other 1", "stays"), ("other 2", "an alias")]),
        ("UPDATE topic SET name = 'moon' WHERE name = 'luna'", [("moon", "an alias"), ("other 1", "stays")]),
    ],
)
def test_it_is_not_there_when_its_last_alias_went_while_groups_were_found_again(
    tmp_path: Path, journal_mode: str, written: str, expected: list[tuple[str, str]]
) -> None:
    """Nobody in whose group it stood is known at that moment, so nobody says that the group is to be looked at."""
    project = Project.adopt(tmp_path / "app", SHAPES["merged"], journal_mode, rows=0)
    by_hand(project.old, "INSERT INTO topic(name, mark) VALUES ('luna', 'an alias'), ('other 1', 'stays')")
    prepare(project, (BEGUN, JUDGED, BUILT_ANEW))
    by_hand(project.old, written)
    finish(project)
    assert ask(project.new, TOPICS) == expected


PLANTING = Death("migrate", 'INSERT OR ABORT INTO main."topic"("name"', False)


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("DELETE FROM topic WHERE name = 'moon'", [("moon", "made")]),
        ("UPDATE topic SET name = 'other 1' WHERE name = 'moon'", [("moon", "made"), ("other 1", "canonical")]),
    ],
)
def test_one_is_needed_now_where_the_canonical_row_was_copied_before_the_death(
    tmp_path: Path, journal_mode: str, written: str, left: list[tuple[str, str]]
) -> None:
    """That row is in the new table still, and goes with the next replay: until then the made one has no room."""
    project = Project.adopt(tmp_path / "app", SHAPES["merged"], journal_mode, rows=0)
    by_hand(project.old, "INSERT INTO topic(name, mark) VALUES ('luna', 'an alias'), ('moon', 'canonical')")
    prepare(project, (PLANTING,))
    by_hand(project.old, written)
    finish(project)
    assert ask(project.new, TOPICS) == left
