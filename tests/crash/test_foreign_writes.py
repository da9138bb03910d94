"""A command dies, and somebody writes to the new database before it is ready: that never comes to be in service."""

from __future__ import annotations

import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.crash import truth
from tests.crash.harness import Death, both_accept, die, finish, here
from tests.model.operations_files import copy as copy_of
from tests.scenarios.harness import Project, by_hand, check_projection
from tests.scenarios.shapes import SHAPES

GUARD_DOWN = "COMMIT behind UPDATE _migration_progress SET drain_completed = 0"
REPLAYED = "COMMIT behind UPDATE main._migration_progress SET"
RETIRED = "COMMIT behind UPDATE _migration_marker SET status = 'retired'"
WRITE = "DELETE FROM article WHERE rowid % 7 = 0"


def drop_guard(project: Project) -> None:
    names = truth.ask(project.new, "SELECT name FROM sqlite_schema WHERE name GLOB '_migration_guard_*'")
    by_hand(project.new, *(f"DROP TRIGGER {name}" for (name,) in names))


def died(tmp_path: Path, before: tuple[str, ...], death: Death) -> Project:
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "wal")
    for command in before:
        assert here(project, command).exit_code == 0
    assert die(project, death)
    return project


@pytest.mark.parametrize(
    ("before", "death"),
    [
        (("migrate",), Death("drain --cutover", REPLAYED, True)),
        (("migrate", "drain --hold 0.001"), Death("drain --cutover", GUARD_DOWN, True)),
    ],
    ids=str,
)
def test_it_is_refused_or_found(before: tuple[str, ...], death: Death, tmp_path: Path) -> None:
    project = died(tmp_path, before, death)
    by_hand(project.new, WRITE)
    for command in ("cutover", "drain", "drain --cutover", "cutover"):
        assert here(project, command).exit_code == 3, command
    assert truth.facts(project).status == "migrating"


LATE = (
    Death("drain --cutover", "UPDATE _migration_marker SET status = 'retired'", False),
    Death("drain --cutover", RETIRED, True),
    Death("migrate --offline", RETIRED, True),
)


@pytest.mark.parametrize("death", LATE, ids=str)
def test_once_all_is_replayed_the_guard_keeps_everybody_out(death: Death, tmp_path: Path) -> None:
    project = died(tmp_path, ("migrate",) if "drain" in death.command else (), death)
    with pytest.raises(sqlite3.IntegrityError, match="this database is not ready"):
        by_hand(project.new, WRITE)
    finish(project)
    check_projection(project, [])


@pytest.mark.parametrize("death", LATE[1:], ids=str)
def test_behind_the_retirement_a_write_past_the_guard_is_found_by_a_proof(death: Death, tmp_path: Path) -> None:
    """And there is a way back, as the new database was never in service."""
    project = died(tmp_path, ("migrate",) if "drain" in death.command else (), death)
    drop_guard(project)
    by_hand(project.new, WRITE)
    for command in ("cutover", "drain --cutover"):
        refused = here(project, command)
        assert refused.exit_code == 3, refused.output
        assert "the proof failed" in refused.stderr
    found = re.search(r"execute (UPDATE [^;]+?) in (\S+):", refused.stderr)
    assert found, refused.stderr
    by_hand(project.directory / found[2], found[1])
    for command in ("reset", "migrate", "drain", "cutover"):
        assert here(project, command).exit_code == 0, command
    check_projection(project, [])


@pytest.mark.parametrize("command", ["cutover", "drain --cutover"])
def test_a_new_database_that_was_put_back_behind_the_retirement_is_brought_up_to_date(
    command: str, tmp_path: Path
) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "wal")
    assert here(project, "migrate").exit_code == 0
    early = tmp_path / "early.sqlite"
    copy_of(project.new, early)
    by_hand(project.old, "UPDATE item SET label = label || ' new' WHERE rowid % 5 = 0")
    assert die(project, Death("drain --cutover", RETIRED, True))
    for suffix in ("-wal", "-shm", "-journal"):
        Path(f"{project.new}{suffix}").unlink(missing_ok=True)
    shutil.copyfile(early, project.new)
    assert here(project, command).exit_code == 0
    check_projection(project, [])


def test_a_new_database_that_is_empty_behind_the_retirement_is_to_be_put_back(tmp_path: Path) -> None:
    """Nobody can tell whether it was in service: no other way back is proposed."""
    project = died(tmp_path, ("migrate",), Death("drain --cutover", RETIRED, True))
    for path in project.directory.glob(f"{project.new.name}-*"):
        path.unlink()
    project.new.write_bytes(b"")
    for command in ("cutover", "drain --cutover"):
        refused = here(project, command)
        assert (refused.exit_code, "put it back from a backup" in refused.stderr) == (3, True), refused.output


def test_triggers_that_were_put_back_while_it_was_drained_ask_for_a_proof(tmp_path: Path) -> None:
    """Also where `migrate` and `drain` are run again before the cutover, as a deploy script does."""
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "wal")
    for command in ("migrate", "drain"):
        assert here(project, command).exit_code == 0
    unseen(project)
    assert here(project, "migrate").exit_code == 0
    assert here(project, "cutover").exit_code == 3
    assert here(project, "drain").exit_code == 3
    assert truth.facts(project).status == "migrating"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "at", ["UPDATE _migration_marker SET schema_version", "COMMIT behind UPDATE _migration_marker"]
)
def test_a_drain_that_dies_where_it_takes_the_schema_for_known_leaves_no_earlier_drain(
    at: str, after: bool, tmp_path: Path
) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "wal")
    for command in ("migrate", "drain"):
        assert here(project, command).exit_code == 0
    unseen(project)
    assert die(project, Death("drain", at, after))
    assert here(project, "cutover").exit_code == 3


def unseen(project: Project) -> None:
    """Somebody takes the triggers away, writes, and puts them back."""
    kept = truth.ask(
        project.old, "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name GLOB '_migration_*'"
    )
    by_hand(
        project.old,
        *(f"DROP TRIGGER {name}" for name, _ in kept),
        "UPDATE item SET label = label || ' unseen' WHERE rowid % 7 = 0",
        *(str(sql) for _, sql in kept),
    )


def test_a_guard_that_was_taken_away_is_missed(tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "wal")
    assert here(project, "migrate").exit_code == here(project, "drain").exit_code == 0
    drop_guard(project)
    refused = here(project, "cutover")
    assert (refused.exit_code, "run `hotmig drain` again" in refused.stderr) == (3, True)
    assert here(project, "drain").exit_code == here(project, "cutover").exit_code == 0


def test_a_copy_of_the_directory_does_not_migrate_the_same_file_too(tmp_path: Path) -> None:
    """With an absolute link in it, as `init` makes one for a file that lies elsewhere."""
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "wal")
    real = tmp_path / "elsewhere.db"
    project.old.rename(real)
    project.old.symlink_to(real)
    assert here(project, "migrate").exit_code == 0
    shutil.copytree(project.directory, tmp_path / "copy", symlinks=True)
    copy = Project(tmp_path / "copy", project.shape, tmp_path / "copy" / project.old.name)
    for command in ("migrate", "drain", "drain --cutover", "cutover", "reset"):
        refused = here(copy, command)
        assert (refused.exit_code, f"-d {project.directory}" in refused.stderr) == (3, True), refused.output
    assert here(project, "drain --cutover").exit_code == 0
    assert here(copy, "cutover").exit_code == 3
    check_projection(project, [])


def test_an_old_file_from_another_drain_with_as_many_writes_is_refused(tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "delete")
    write = "UPDATE item SET label = label || ' {}' WHERE rowid = 3"
    assert here(project, "migrate").exit_code == 0
    assert here(project, "drain --hold 0.01").exit_code == 0
    early = tmp_path / "early.sqlite"
    shutil.copyfile(project.old, early)
    by_hand(project.old, write.format("lost"))
    assert here(project, "drain --hold 0.01").exit_code == 0
    shutil.copyfile(early, project.old)
    by_hand(project.old, write.format("kept"))
    refused = here(project, "cutover")
    assert (refused.exit_code, "it was put back from a backup" in refused.stderr) == (3, True), refused.output
    for command in ("drain", "drain --cutover"):
        assert here(project, command).exit_code == 3, "the proof finds it"


def test_a_marker_that_somebody_retired_by_hand_refuses_writes_before_the_rest_is_replayed(tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "wal")
    assert here(project, "migrate").exit_code == 0
    by_hand(
        project.old,
        "UPDATE _migration_marker SET status = 'retired'",
        "UPDATE item SET label = label || ' late' WHERE rowid % 7 = 0",
    )
    assert here(project, "drain --cutover").exit_code == 0
    assert not both_accept(project)
    check_projection(project, [])
