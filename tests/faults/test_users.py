"""Whose files they are: root and their owner can migrate, nobody else, and nobody is locked out by what is made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.disks import Disk
from tests.faults.harness import (
    Fault,
    Project,
    Stages,
    ask,
    check_failed,
    check_finished,
    check_whole,
    check_writable,
    contents,
    fence,
    here,
    typed,
    under,
)
from tests.faults.users import OWNER, ROOT_ONLY, STRANGER, give, open_folder, owners, write_as
from tests.scenarios.harness import check_projection

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason=ROOT_ONLY)

CHANGING = ("migrate", "drain", "cutover", "cleanup-old", "reset")
INSERT_OLD = "INSERT INTO person VALUES ('{0}', 'by the application', NULL, '{0}')"
INSERT_NEW = "INSERT INTO worker(code, full_name, mark) VALUES ('{0}', 'by the application', '{0}')"


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


# --- root and the owner

WHO = (
    ("root", (0, 0, 0, 0), 0o600, 0o000, "wal"),
    ("root", (0, 0, 0, 0), 0o640, 0o077, "delete"),
    ("the owner", (OWNER, OWNER, OWNER, OWNER), 0o600, 0o000, "delete"),
    ("the owner", (OWNER, OWNER, OWNER, OWNER), 0o640, 0o077, "wal"),
    ("root first", (0, OWNER, 0, OWNER), 0o600, 0o000, "wal"),
    ("the owner first", (OWNER, 0, OWNER, 0), 0o640, 0o000, "wal"),
)


@pytest.mark.parametrize(("who", "users", "mode", "umask", "journal_mode"), WHO)
def test_the_application_is_never_locked_out(
    who: str, users: tuple[int, ...], mode: int, umask: int, journal_mode: str, stages: Stages, folder: Path
) -> None:
    project = give(stages.at(folder / "app", journal_mode=journal_mode), mode)
    for command, user in zip(("migrate", "drain", "cutover", "cleanup-old"), users, strict=True):
        run = under(Fault(user=user, umask=umask), project, command)
        assert run.code == 0, f"{who}: {run}"
        own = {name: facts for name, facts in owners(project).items() if name.startswith(".hotmig")}
        assert own.pop(".hotmig") == (OWNER, 0o700)
        assert set(own.values()) == {(OWNER, 0o600)}
        databases = {facts for name, facts in owners(project).items() if name.startswith("app-")}
        assert databases == {(OWNER, mode)}
        if command == "migrate":
            assert write_as(OWNER, project.old, INSERT_OLD.format(command)) == ""
        elif command == "drain":
            assert "writes are paused" in write_as(OWNER, project.old, INSERT_OLD.format(command))
        elif command == "cutover":
            check_projection(project, [])
            assert write_as(OWNER, project.new, INSERT_NEW.format(command)) == ""
            assert "was replaced by" in write_as(OWNER, project.old, INSERT_OLD.format(command))


def test_a_ledger_of_somebody_else_is_told_as_that(stages: Stages, folder: Path) -> None:
    project = give(stages.at(folder / "app", "migrated"), 0o600)
    ledger = project.directory / ".hotmig" / "ledger.sqlite"
    os.chown(ledger, 0, 0)
    ledger.chmod(0o644)
    check_failed(
        under(Fault(user=OWNER), project, "drain"),
        error=f"the ledger {ledger} can't be used: this user may not write to it",
        hint="see who owns it",
    )


def test_in_a_directory_of_roots_lock_and_ledger_are_for_the_owner_of_the_databases(
    stages: Stages, folder: Path
) -> None:
    """/var/lib/shop may belong to root, and let the application's group write."""
    project = give(stages.at(folder / "app"), 0o600)
    os.chown(project.directory, 0, OWNER)
    project.directory.chmod(0o2775)
    for command, user in zip(("migrate", "drain", "cutover", "cleanup-old"), (0, OWNER, OWNER, 0), strict=True):
        run = under(Fault(user=user), project, command)
        assert run.code == 0, str(run)
        assert {facts for name, facts in owners(project).items() if name.startswith(".hotmig/")} == {(OWNER, 0o600)}


def test_a_third_user_does_not_adopt_a_database(stages: Stages, folder: Path) -> None:
    """The lock and ledger that he made would keep the owner out."""
    project = give(stages.at(folder / "app"), 0o644, 0o777)
    real = folder / "application.db"
    project.old.rename(real)
    (project.directory / "schema.py").unlink()
    run = under(Fault(user=STRANGER), project, f"init {real}")
    check_failed(run, error=f"{real} belongs to user {OWNER}")
    assert owners(project) == {}


def test_umask_0_opens_nothing_that_init_makes(stages: Stages, folder: Path) -> None:
    project = give(stages.at(folder / "app"), 0o600)
    real = folder / "application.db"
    project.old.rename(real)
    (project.directory / "schema.py").unlink()
    for user in (0, OWNER):
        run = under(Fault(user=user, umask=0), project, f"init {real}")
        assert run.code == 0, str(run)
        assert owners(project)["schema.py"][1] == 0o644
        assert owners(project)[".hotmig"] == (OWNER, 0o700)
        assert (real.stat().st_uid, real.stat().st_mode & 0o777) == (OWNER, 0o600)


# --- a third user

THIRD = (("adopted", 0o600), ("adopted", 0o640), ("migrated", 0o600), ("drained", 0o640))


@pytest.mark.parametrize(("stage", "mode"), THIRD)
def test_a_third_user_who_may_not_read_is_told_and_changes_nothing(
    stage: str, mode: int, stages: Stages, folder: Path
) -> None:
    project = give(stages.at(folder / "app", stage, "delete"), mode)
    before = owners(project)
    for command in ("plan", *CHANGING):
        run = under(Fault(user=STRANGER), project, command)
        check_failed(run, error="cannot be read", hint="this user may not read it: run hotmig as the owner")
    assert under(Fault(user=STRANGER), project, "status").code == 0
    assert owners(project) == before
    check_finished(project)


ANY_STAGE = ("adopted", "migrated", "drained")


@pytest.mark.parametrize("stage", ANY_STAGE)
def test_a_third_user_who_may_write_everywhere_leaves_nothing_that_locks_the_owner_out(
    stage: str, stages: Stages, folder: Path
) -> None:
    project = give(stages.at(folder / "app", stage, "delete"), 0o666, 0o777)
    if stage != "adopted":
        # As where the earlier commands were run with another hotmig, which kept no ledger.
        for path in (project.directory / ".hotmig").iterdir():
            path.unlink()
        (project.directory / ".hotmig").rmdir()
    before = owners(project)
    if stage == "adopted":
        plan = under(Fault(user=STRANGER), project, "plan")
        assert plan.code == 1
        assert f"belongs to user {OWNER} and this is user {STRANGER}" in plan.out
    for command in CHANGING:
        run = under(Fault(user=STRANGER), project, command)
        check_failed(run, error=f"belongs to user {OWNER}, and this is user {STRANGER}", hint="nothing was changed")
    assert owners(project) == before
    for command in ("migrate", "drain", "cutover"):
        run = under(Fault(user=OWNER), project, command)
        assert run.code == 0, str(run)
    check_projection(project, [])


@pytest.mark.parametrize("stage", ["migrated", "drained"])
def test_a_third_user_may_look(stage: str, stages: Stages, folder: Path) -> None:
    project = give(stages.at(folder / "app", stage, "delete"), 0o644)
    run = under(Fault(user=STRANGER), project, "status")
    assert run.code == 0, str(run)
    assert f"app: {'recording' if stage == 'migrated' else stage}" in run.out
    assert "the ledger" in run.out
    assert "Permission denied" in run.out
    check_failed(under(Fault(user=STRANGER), project, "runs list"), error="Permission denied", hint="as the owner")


# --- what is read-only

READ_ONLY = (
    ("adopted", "migrate"),
    ("migrated", "drain"),
    ("migrated", "drain --cutover"),
    ("migrated", "reset"),
    ("drained", "cutover"),
    ("drained", "reset"),
)


JOURNAL_MODES = ("wal", "delete")


@pytest.mark.parametrize("journal_mode", JOURNAL_MODES)
@pytest.mark.parametrize(("stage", "command"), READ_ONLY)
def test_a_read_only_old_file(stage: str, command: str, journal_mode: str, stages: Stages, folder: Path) -> None:
    project = give(stages.at(folder / "app", stage, journal_mode), 0o644)
    before, names, state = contents(project), databases(project), fence(project)
    project.old.chmod(0o444)
    run = under(Fault(user=OWNER), project, command)
    check_failed(run, error=f"this user may not write to {project.old}")
    assert databases(project) == names, "it was begun all the same"
    assert under(Fault(user=OWNER), project, "status").code == 0
    project.old.chmod(0o644)
    assert fence(project) == state
    check_whole(project, before)
    assert write_as(OWNER, project.old, INSERT_OLD.format("x")).partition(" to ")[0] in (
        "",
        "sqlite3.IntegrityError: hotmig: writes are paused for a migration",
    )
    assert under(Fault(user=OWNER), project, command).code == 0


@pytest.mark.parametrize(("stage", "command"), READ_ONLY)
def test_a_read_only_directory(stage: str, command: str, stages: Stages, folder: Path) -> None:
    project = give(stages.at(folder / "app", stage, "delete"), 0o644, 0o555)
    before, names = contents(project), databases(project)
    if stage == "adopted":
        plan = under(Fault(user=OWNER), project, "plan")
        assert plan.code == 1
        assert f"this user may not write to {project.directory}" in plan.out
    check_failed(under(Fault(user=OWNER), project, command), error=str(project.directory))
    assert databases(project) == names
    assert under(Fault(user=OWNER), project, "status").code == 0
    project.directory.chmod(0o755)
    check_whole(project, before)
    assert under(Fault(user=OWNER), project, command).code == 0


def databases(project: Project) -> set[str]:
    """Without the side files that a reader of a WAL database may need."""
    return {name for name in project.files if not name.endswith(("-wal", "-shm"))}


@pytest.mark.parametrize(("stage", "command"), READ_ONLY)
def test_a_disk_that_is_mounted_read_only(stage: str, command: str, stages: Stages, small_disk: Disk) -> None:
    project = stages.at(small_disk.path / "app", stage, "delete")
    before, state = contents(project), fence(project)
    small_disk.remount("ro")
    check_failed(typed(project, command), error="Read-only file system")
    here(project, "status")
    small_disk.remount("rw")
    assert fence(project) == state
    check_whole(project, before)
    check_writable(project)
    assert ask(project.old, "PRAGMA quick_check") == [("ok",)]
    here(project, command)
