"""The acceptance case of merges: every line of its table, its memories, and what is written while it runs."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.rules.memory import ROWS, begin
from tests.rules.project import Project

STATES = "SELECT s.id, p.name, s.value, s.status FROM project_state s JOIN projects p ON p.id = s.project_id ORDER BY 1"
EXPECTED_STATES = [
    ("s1", "lantern", "a", "active"), ("s11", "harbour", "x", "active"), ("s12", "orchard", "x", "active"),
    ("s2", "lantern", "a", "invalid"), ("s3", "lantern", "v", "active"), ("s6", "lantern", "new", "active"),
    ("s7", "lantern", "now", "active"), ("s9", "lantern", "now", "invalid"),
]  # fmt: skip
MEMORIES = "SELECT id, project, status FROM memories ORDER BY id"
EXPECTED_MEMORIES = [
    ("m1", "lantern", "superseded"), ("m2", "lantern", "active"), ("m3", "lantern", "active"),
    ("m4", "lantern", "superseded"), ("m5", "harbour", "active"), ("m6", None, "active"),
]  # fmt: skip
INTERACTIONS = "SELECT id, project FROM interactions ORDER BY id"


def check(project: Project) -> None:
    assert project.new(STATES) == EXPECTED_STATES
    assert project.new(MEMORIES) == EXPECTED_MEMORIES
    assert project.new(INTERACTIONS) == [("i1", "lantern"), ("i2", ""), ("i3", "unknown")]
    names = "SELECT name, description FROM projects ORDER BY name"
    assert project.new(names) == [
        ("elsewhere", "in no registry"), ("harbour", "made of its aliases"), ("lantern", "canonical"),
        ("orchard", "as it is"),
    ]  # fmt: skip
    ((made,),) = project.new("SELECT id FROM projects WHERE name = 'harbour'")
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert project.new("PRAGMA foreign_key_check") == []
    moved = {row[0] for row in project.new("SELECT id FROM project_state WHERE updated_at NOT LIKE 't%'")}
    assert moved == {"s1", "s2", "s6", "s11"}  # rows already canonical are not touched


def test_every_line_of_the_table(tmp_path: Path) -> None:
    project = begin(tmp_path)
    project.through()
    check(project)
    assert "Nothing to do" in project.run("plan").output


def test_all_of_it_under_one_fence(tmp_path: Path) -> None:
    project = begin(tmp_path)
    project.run("migrate", "--offline")
    check(project)


def test_a_plan_leaves_nothing_behind(tmp_path: Path) -> None:
    project = begin(tmp_path)

    def listing() -> dict[str, tuple[int, int]]:
        return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in tmp_path.iterdir()}

    before = listing()
    project.run("plan")
    assert listing() == before


@pytest.mark.parametrize("wal", [True, False])
def test_what_is_written_while_it_runs_ends_with_the_same_result(tmp_path: Path, wal: bool) -> None:
    """All the rows come after the copy."""
    project = begin(tmp_path, *("DELETE FROM project_state", "DELETE FROM projects", "DELETE FROM memories",
        "DELETE FROM interactions"), wal=wal)  # fmt: skip
    project.through(*ROWS)
    check(project)


def test_rows_that_are_written_in_any_order_end_with_the_same_result(tmp_path: Path) -> None:
    project = begin(tmp_path)
    project.run("migrate")
    project.write(
        "UPDATE projects SET name = 'lantern2' WHERE id = 'p1'",
        "UPDATE projects SET name = 'lantern' WHERE id = 'p2'",
        "UPDATE memories SET project = 'nobody' WHERE id IN ('m1', 'm4')",
    )
    project.run("drain", "--hold", "0.05")
    time.sleep(0.1)
    project.write(
        "UPDATE projects SET name = 'Shadow' WHERE id = 'p2'",
        "UPDATE projects SET name = 'lantern' WHERE id = 'p1'",
        "UPDATE memories SET project = 'lantern' WHERE id = 'm1'",
        "UPDATE memories SET project = 'SHADOW ' WHERE id = 'm4'",
    )
    project.run("drain", "--cutover")
    check(project)


def test_a_collision_blocks_and_names_both_values(tmp_path: Path) -> None:
    project = begin(
        tmp_path,
        "INSERT INTO project_state VALUES ('x1', 'p1', 'c', 'k', 'mine', 'active', 't1')",
        "INSERT INTO project_state VALUES ('x2', 'p2', 'c', 'k', 'theirs', 'active', 't1')",
    )
    assert project.messages("collision", code=1) == [
        "1 row of project_state collides with another of the same project_id, category, key (both satisfy collide="
        " and differ, or prefer= can't rank them):"
        " id 'x2' and 'x1': value 'theirs' and 'mine'"
    ]
    project.run("migrate", code=1)


def test_a_collision_that_is_written_after_the_copy_is_refused_before_the_fence(tmp_path: Path) -> None:
    project = begin(tmp_path)
    project.run("migrate")
    project.write(
        "INSERT INTO project_state VALUES ('x1', 'p1', 'c', 'k', 'mine', 'active', 't1')",
        "INSERT INTO project_state VALUES ('x2', 'p2', 'c', 'k', 'theirs', 'active', 't1')",
    )
    refused = project.run("drain", "--cutover", code=3)
    assert "rows with the same project_id, category, key collide" in refused.stderr
    assert "'x1' and 'x2'" in refused.stderr
    project.write("UPDATE project_state SET status = 'invalid' WHERE id = 'x2'")
    project.run("drain", "--cutover")
    assert project.new("SELECT value FROM project_state WHERE category = 'c'") == [("mine",)]


def test_the_plan_that_was_kept_does_not_stand_in_the_way_of_wal(tmp_path: Path) -> None:
    """What it read of the old file in one long read is over: who still reads it keeps it from becoming a WAL file."""
    project = begin(tmp_path, wal=False)
    project.run("migrate", "--wal", "--long-reads")
    project.run("drain", "--cutover")
    check(project)
