"""Whole migrations under a working application, for every shape of database, in both journal modes.

The application's own journals are the judge: what was accepted, by which file, and when.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios import exact
from tests.scenarios.harness import (
    Application,
    Project,
    by_hand,
    check_everything,
    check_journal_of_old,
    check_one_at_a_time,
    check_projection,
    live,
    tries_around_fence,
    wait_until,
)
from tests.scenarios.shape import Shape
from tests.scenarios.shapes import SHAPES

TRIES = 100
EVERY = pytest.mark.parametrize("shape", SHAPES.values(), ids=str)
MODES = pytest.mark.parametrize("journal_mode", ["wal", "delete"])


def wait_for_the_new_version(project: Project, application: Application) -> None:
    """Until both writers have tried long enough around the fence, and the new database has taken writes."""
    wait_until(lambda: len(application.accepted(project.new.name)) >= 20, "writes to the new database")


@MODES
@EVERY
def test_no_accepted_write_is_lost(shape: Shape, journal_mode: str, tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", shape, journal_mode)
    before = exact.contents_of(project.old, shape.old_tables)
    with live(project, refusals=TRIES // 2) as application:
        assert project.run("plan", "--json").json()["runnable"] is True
        project.run("migrate")
        project.run("drain")
        project.run("cutover")
        wait_for_the_new_version(project, application)
        assert application.stop() == [0, 0]
    check_everything(project, before, application)
    assert tries_around_fence(application) >= TRIES


@MODES
@pytest.mark.parametrize("name", ["text", "rowid", "evict-integer", "mapped-key"])
def test_drain_and_cutover_in_one_process(name: str, journal_mode: str, tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES[name], journal_mode)
    before = exact.contents_of(project.old, project.shape.old_tables)
    with live(project, refusals=TRIES // 2) as application:
        project.run("migrate")
        project.run("drain", "--cutover")
        wait_for_the_new_version(project, application)
        application.stop()
    check_everything(project, before, application)


def test_an_application_that_does_not_write(tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["integer"], "wal")
    for command in ("plan", "migrate", "drain", "cutover"):
        project.run(command)
    actual = exact.contents_of(project.new, project.shape.new_tables)
    assert exact.differences(project.shape.expected(project.old), actual) == []


@MODES
def test_offline_migrates_under_one_fence(journal_mode: str, tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["cascades"], journal_mode)
    before = exact.contents_of(project.old, project.shape.old_tables)
    with live(project) as application:
        project.run("migrate", "--offline")
        wait_for_the_new_version(project, application)
        application.stop()
    check_everything(project, before, application)


def test_a_clean_up_leaves_the_retired_file_refusing(tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "wal")
    before = exact.contents_of(project.old, project.shape.old_tables)
    with live(project) as application:
        project.run("migrate")
        project.run("drain", "--cutover")
        wait_for_the_new_version(project, application)
        application.stop()
    project.run("cleanup-old")
    check_everything(project, before, application)
    with Application(project.shape, project.old, tmp_path, writers=1) as forgotten:
        wait_until(lambda: forgotten.outcomes("replaced"), "a refusal")
        forgotten.stop()
    assert [entry for entry in forgotten.accepted() if entry.changes] == []


@MODES
def test_a_fence_that_lapses_lets_the_writes_flow_again(journal_mode: str, tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["composite"], journal_mode)
    before = exact.contents_of(project.old, project.shape.old_tables)
    with live(project) as application:
        project.run("migrate")
        project.run("drain", "--hold", "1")
        wait_until(lambda: application.outcomes("paused"), "a refusal")
        paused = application.outcomes("paused")[0]
        wait_until(lambda: [e for e in application.accepted() if e.changes and e.began > paused.ended], "the lapse")
        assert "drain" in project.run("cutover", code=3).err
        project.run("drain", "--cutover")
        wait_for_the_new_version(project, application)
        application.stop()
    check_after_a_lapse(project, before, application)


def check_after_a_lapse(project: Project, before: exact.Contents, application: Application) -> None:
    """Everything but that the first fence was the last."""
    entries = application.entries()
    old = [entry for entry in entries if entry.file == project.old.name]
    new = [entry for entry in entries if entry.file != project.old.name]
    check_journal_of_old(project, before, old)
    check_projection(project, new)
    check_one_at_a_time(old, new)


@MODES
def test_a_duplicate_for_a_new_unique_is_refused_and_the_application_writes_on(
    journal_mode: str, tmp_path: Path
) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["new-unique"], journal_mode)
    before = exact.contents_of(project.old, project.shape.old_tables)
    with live(project) as application:
        project.run("migrate")
        by_hand(project.old, "INSERT INTO ticket SELECT 0, code, 'duplicate' FROM ticket WHERE id = 1")
        refusal = project.run("drain", code=3).err
        assert 'UNIQUE constraint failed: permit.code (old table "ticket", rows with id 0 and 1: code 1)' in refusal
        refused = application.accepted()[-1].ended
        wait_until(lambda: application.accepted()[-1].began > refused, "writes after the refusal")
        by_hand(project.old, "DELETE FROM ticket WHERE id = 0")
        project.run("drain", "--cutover")
        wait_for_the_new_version(project, application)
        application.stop()
    check_after_a_lapse(project, before, application)
