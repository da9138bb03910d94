"""A disk on which nothing is left: told, nothing lost, and once there is room the next command goes on."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.disks import Disk
from tests.faults.harness import (
    Project,
    Stages,
    ask,
    check_failed,
    check_finished,
    check_whole,
    check_writable,
    contents,
    here,
    status,
    told,
    typed,
    write,
)

PAGE = 4096
AGAIN = "make room on that disk, then run the same command again"
LEDGER_AGAIN = "make room for the ledger"


@dataclass(frozen=True)
class Full:
    """A command with so many pages left."""

    stage: str
    command: str
    pages: int
    journal_mode: str = "wal"

    def __str__(self) -> str:
        return f"{self.command}, {self.pages} pages ({self.journal_mode})"


LOCK = tuple(
    Full(stage, command, 0, journal_mode)
    for stage, command, journal_mode in (
        ("adopted", "migrate", "wal"),
        ("drained", "cutover", "wal"),
        ("migrated", "reset", "delete"),
    )
)
LEDGER = (
    Full("adopted", "migrate", 1),
    Full("adopted", "migrate", 6),
    Full("adopted", "migrate", 12, "delete"),
    Full("migrated", "drain", 6),
    Full("drained", "cutover", 6, "delete"),
    Full("cut over", "cleanup-old", 6),
    Full("migrated", "reset", 6, "delete"),
)
HALF_WAY = (
    Full("adopted", "migrate", 31, "delete"),
    Full("adopted", "migrate", 34),
    Full("adopted", "migrate", 37, "delete"),
    Full("adopted", "migrate", 46),
    Full("adopted", "migrate --no-ledger", 10),
    Full("adopted", "migrate --no-ledger", 13, "delete"),
    Full("adopted", "migrate --no-ledger", 15),
    Full("adopted", "migrate --no-ledger", 18, "delete"),
    Full("adopted", "migrate --no-ledger", 21),
    Full("adopted", "migrate --offline --no-ledger", 15),
    Full("adopted", "migrate --offline --no-ledger", 18),
    Full("adopted", "migrate --offline --no-ledger", 21, "delete"),
    Full("migrated", "drain", 18),
    Full("migrated", "drain", 24, "delete"),
    Full("migrated", "drain --cutover --no-ledger", 1, "delete"),
    Full("migrated", "drain --cutover --no-ledger", 6),
    Full("drained", "cutover --no-ledger", 6),
    Full("drained", "cutover --no-ledger", 1, "delete"),
    Full("drained", "cutover --no-ledger", 12),
)


NAMES = (("migrate", 4), ("migrate --no-ledger", 3))  # room for so many files is enough
JOURNAL_MODES = ("wal", "delete")


def catalog_of(project: Project) -> list[Any]:
    return ask(project.old, "SELECT sql FROM sqlite_schema")


@pytest.mark.parametrize("full", LOCK, ids=str)
def test_no_room_for_the_name_in_the_lock_stops_before_the_first_effect(
    full: Full, stages: Stages, small_disk: Disk
) -> None:
    project = stages.at(small_disk.path / "app", full.stage, full.journal_mode)
    before, catalog = contents(project), catalog_of(project)
    small_disk.fill()
    check_failed(typed(project, full.command), error="No space left on device", hint="make room on that disk")
    here(project, "status")
    small_disk.make_room()
    assert catalog_of(project) == catalog
    check_whole(project, before)
    check_writable(project)
    here(project, full.command)


@pytest.mark.parametrize("full", LEDGER, ids=str)
def test_no_room_for_the_ledger_stops_before_the_first_effect(full: Full, stages: Stages, small_disk: Disk) -> None:
    project = stages.at(small_disk.path / "app", full.stage, full.journal_mode)
    before, catalog = contents(project), catalog_of(project)
    small_disk.fill(full.pages * PAGE)
    check_failed(typed(project, full.command), error=".hotmig/ledger.sqlite can't be ", hint=LEDGER_AGAIN)
    here(project, "status")
    small_disk.make_room()
    assert catalog_of(project) == catalog
    check_whole(project, before)
    check_writable(project)
    here(project, full.command)


@pytest.mark.parametrize("full", HALF_WAY, ids=str)
def test_a_disk_that_gets_full_half_way(full: Full, stages: Stages, small_disk: Disk) -> None:
    project = stages.at(small_disk.path / "app", full.stage, full.journal_mode)
    before = contents(project)
    small_disk.fill(full.pages * PAGE)
    run = typed(project, full.command)
    check_failed(run)
    _, hint = told(run)
    assert AGAIN in hint or LEDGER_AGAIN in hint or "may still be refused" in hint, str(run)
    assert "Recovery snapshot:" in run.err, str(run)
    here(project, "status")
    small_disk.make_room()
    check_whole(project, before)
    check_writable(project)
    check_finished(project)


def test_a_new_file_that_can_not_be_looked_at_is_no_reason_to_begin_again(stages: Stages, small_disk: Disk) -> None:
    """A database in WAL mode has to make its -shm before anyone can read it."""
    project = stages.at(small_disk.path / "app", "drained")
    before = contents(project)
    Path(f"{project.new}-wal").touch()  # as whoever reads a closed database in WAL mode leaves it
    small_disk.fill()
    found = status(project)
    assert (found["phase"], found["next"], found["pending"]) == ("draining", None, None)
    unread = f"{project.new.name} can't be read: how far it is, and what is next, is known when it can"
    assert unread in found["attention"]
    small_disk.make_room()
    assert (status(project)["phase"], status(project)["next"]) == ("drained", "hotmig cutover")
    check_whole(project, before)
    check_finished(project)


@pytest.mark.parametrize(("command", "names"), NAMES)
def test_a_disk_that_takes_no_more_files(command: str, names: int, stages: Stages, small_disk: Disk) -> None:
    """One more from try to try: folder, lock, ledger, their side files, the new database, its journal."""
    project = stages.at(small_disk.path / "app", "adopted", "delete")
    for leave in range(names):
        before = contents(project)
        small_disk.fill_names(leave)
        check_failed(typed(project, command))
        here(project, "status")
        small_disk.free_names()
        check_whole(project, before)
        check_writable(project, f"with {leave} files")
    check_finished(project)


@pytest.mark.parametrize("in_use", [False, True], ids=["closed", "open"])
@pytest.mark.parametrize("journal_mode", JOURNAL_MODES)
def test_reset_makes_room_where_there_is_none(
    journal_mode: str, in_use: bool, stages: Stages, small_disk: Disk
) -> None:
    project = stages.at(small_disk.path / "app", "migrated", journal_mode)
    before = contents(project)
    application = sqlite3.connect(project.old, isolation_level=None)
    if in_use:
        application.execute("SELECT count(*) FROM person").fetchone()  # in WAL mode, with side files of its own
    small_disk.fill()
    assert typed(project, "reset --no-ledger").code == 0
    assert small_disk.free > 0
    check_whole(project, before)
    assert status(project)["phase"] == "none"
    application.close()
    small_disk.make_room()
    check_finished(project)


@pytest.mark.parametrize("journal_mode", JOURNAL_MODES)
def test_a_disk_that_is_too_small_is_told_before_anything_is_done(
    journal_mode: str, stages: Stages, small_disk: Disk
) -> None:
    project = stages.at(small_disk.path / "app", "adopted", journal_mode)
    small_disk.fill(project.old.stat().st_size)
    assert "[disk-space]" in here(project, "plan", 1)
    check_failed(typed(project, "migrate --no-ledger"), error="the new database needs about ")
    assert project.files == {project.old.name}
    small_disk.make_room()
    assert write(project.old, "as before") is None
    check_finished(project)


def test_an_old_file_that_can_not_be_opened_for_want_of_room_stays_where_it_is(
    stages: Stages, small_disk: Disk
) -> None:
    project = stages.at(small_disk.path / "app", "migrated")
    Path(f"{project.old}-wal").touch()  # as whoever reads a closed database in WAL mode leaves it
    small_disk.fill()
    check_failed(typed(project, "drain"), error="it cannot be read", hint="leave it where it is")
    assert "the old database can't be read" in here(project, "status")
    small_disk.make_room()
    check_finished(project)
