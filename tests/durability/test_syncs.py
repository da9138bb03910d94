"""What is told as done is on the disk, and the old database's retirement before the new one is ready."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.durability.syscalls import Call, is_of, not_on_disk, trace
from tests.scenarios.harness import Project, by_hand
from tests.scenarios.shapes import SHAPES

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace (Debian: apt install strace)")
MODES = pytest.mark.parametrize("journal_mode", ["wal", "delete"])


def project_after(tmp_path: Path, journal_mode: str, *commands: str) -> Project:
    project = Project.adopt(tmp_path / "app", SHAPES["mapped-key"], journal_mode)
    for command in commands:
        project.run(command)
    return project


def last_commit_of(calls: list[Call], database: Path) -> int:
    """Where the last transaction of a database begins to be written. Its checkpoint, later, is none."""
    began = [n for n, call in enumerate(calls) if call == Call("made", f"{database}-journal")]
    logged = [n for n, call in enumerate(calls) if call == Call("write", f"{database}-wal")]
    return max(began + logged)


def becomes_ready(calls: list[Call], project: Project, behind: int) -> int:
    """Where the new database is committed to next: its journal was begun before."""
    names = {str(project.new), f"{project.new}-wal"}
    return next(n for n, call in enumerate(calls) if n > behind and call.kind == "write" and call.path in names)


def is_told(calls: list[Call], project: Project, behind: int) -> int:
    """Where the ledger is told that it is ready."""
    ledger = project.directory / ".hotmig" / "ledger.sqlite"
    return next(n for n, call in enumerate(calls) if n > behind and is_of(call.path, ledger))


@MODES
def test_a_copy_is_on_the_disk_when_migrate_is_done(journal_mode: str, tmp_path: Path) -> None:
    project = project_after(tmp_path, journal_mode)
    calls = trace(project.directory, "migrate")
    assert [call for call in calls if call.kind == "write" and is_of(call.path, project.new)]
    assert not_on_disk(calls, project.new) == set()
    assert not_on_disk(calls, project.old) == set()


@MODES
def test_recording_is_on_the_disk_before_the_new_file_is_made(journal_mode: str, tmp_path: Path) -> None:
    project = project_after(tmp_path, journal_mode)
    calls = trace(project.directory, "migrate")
    made = next(n for n, call in enumerate(calls) if call == Call("made", str(project.new)))
    assert not_on_disk(calls[:made], project.old) == set()


@MODES
def test_a_drain_is_on_the_disk_when_it_is_done(journal_mode: str, tmp_path: Path) -> None:
    project = project_after(tmp_path, journal_mode, "migrate")
    table, column = next((table, columns[-1]) for table, columns in project.shape.old_tables.items())
    by_hand(project.old, f"UPDATE {table} SET {column} = {column}")
    calls = trace(project.directory, "drain")
    assert [call for call in calls if call.kind == "write" and is_of(call.path, project.new)]
    assert not_on_disk(calls, project.new) == set()
    assert not_on_disk(calls, project.old) == set()


@pytest.mark.parametrize(
    ("before", "command"),
    [(("migrate", "drain"), "cutover"), (("migrate",), "drain --cutover"), ((), "migrate --offline")],
)  # fmt: skip
@MODES
def test_each_half_of_a_cutover_is_on_the_disk_before_the_next(
    journal_mode: str, before: tuple[str, ...], command: str, tmp_path: Path
) -> None:
    project = project_after(tmp_path, journal_mode, *before)
    calls = trace(project.directory, command)
    retired = last_commit_of(calls, project.old)
    ready = becomes_ready(calls, project, retired)
    told = is_told(calls, project, ready)
    begun = {"DB-journal", "making of DB-journal"}  # of the transaction that makes it ready
    assert not_on_disk(calls[:retired], project.new) - begun == set()
    assert not_on_disk(calls[:ready], project.old) == set()
    assert not_on_disk(calls[:told], project.new) == set()


@MODES
def test_a_reset_is_on_the_disk_when_it_is_done(journal_mode: str, tmp_path: Path) -> None:
    project = project_after(tmp_path, journal_mode, "migrate")
    new = project.new
    calls = trace(project.directory, "reset")
    stopped = last_commit_of(calls, project.old)
    assert not new.exists()
    assert not_on_disk(calls, project.old) == set()
    assert not_on_disk(calls, new) == set()
    # The file goes first: the marker says what a reset that died was about to delete.
    assert not_on_disk(calls[:stopped], new) == set()


def test_an_unsynced_file_is_found() -> None:
    db = Path("/data/app.sqlite")
    written, synced = Call("write", "/data/app.sqlite-wal"), Call("sync", "/data/app.sqlite-wal")
    assert not_on_disk([written], db) == {"DB-wal"}
    assert not_on_disk([written, synced], db) == set()
    assert not_on_disk([synced, written], db) == {"DB-wal"}
    assert not_on_disk([Call("gone", "/data/app.sqlite-journal")], db) == {"removal of DB-journal"}
    assert not_on_disk([Call("gone", "/data/app.sqlite-journal"), Call("sync", "/data")], db) == set()
    assert not_on_disk([written, Call("gone", "/data/app.sqlite-wal")], db) == set()
