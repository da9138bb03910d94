"""Files that are not what their names say, or have too many names: told, nothing touched, and a way on."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.harness import (
    Stages,
    check_failed,
    check_finished,
    check_whole,
    check_writable,
    contents,
    finish,
    here,
    typed,
    write,
)
from tests.scenarios.harness import check_projection

NAMED = "is named like a database of this directory"
AWAY = "move it away, or put back what belongs there"
PLANNING = ("migrate", "migrate --offline")
LOOKED_FOR = ("plan", "migrate", "drain --cutover", "reset")  # by these commands


def everything(directory: Path) -> dict[str, bytes | str | None]:
    """Every name in a directory, with content or what it links to."""
    found: dict[str, bytes | str | None] = {}
    for path in directory.rglob("*"):
        name = str(path.relative_to(directory))
        found[name] = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    return found


@dataclass(frozen=True)
class Odd:
    """What stands under the old file's name, and what is said about it."""

    what: str
    make: Callable[[Path], object]
    error: str
    hint: str

    def __str__(self) -> str:
        return self.what


def _looped(path: Path) -> None:
    path.symlink_to(path.name)


ODD = (
    Odd("nothing", lambda path: None, "no database", "hotmig init"),  # noqa: ARG005 - the shape of the others
    Odd("zero bytes", Path.touch, f"{NAMED}, but it is empty", AWAY),
    Odd("a text", lambda path: path.write_text("not a database " * 300), f"{NAMED}, but it cannot be read", AWAY),
    Odd("half a header", lambda path: path.write_bytes(b"SQLite format 3\0" + b"\1" * 40), NAMED, AWAY),
    Odd("a broken header", lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000), NAMED, AWAY),
    Odd("a directory", Path.mkdir, "no database", "hotmig init"),
    Odd("a pipe", os.mkfifo, f"{NAMED}, but it is empty", AWAY),
    Odd("a dangling link", lambda path: path.symlink_to("gone.db"), "it links to gone.db: No such file", AWAY),
    Odd("a link to itself", _looped, "Too many levels of symbolic links", AWAY),
)


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_something_else_under_the_old_name_is_refused_and_left_alone(odd: Odd, stages: Stages, tmp_path: Path) -> None:
    project = stages.at(tmp_path / "app")
    aside = tmp_path / "aside"
    project.old.rename(aside)
    odd.make(project.old)
    names = sorted(everything(project.directory)) if odd.what == "a pipe" else everything(project.directory)
    for command in LOOKED_FOR:
        check_failed(typed(project, command), error=odd.error, hint=odd.hint)
    here(project, "status")
    # Not even lock and ledger are made.
    again = sorted(everything(project.directory)) if odd.what == "a pipe" else everything(project.directory)
    assert again == names
    if os.path.lexists(project.old):
        project.old.rename(tmp_path / "odd")
    aside.rename(project.old)
    here(project, "plan")


UNDER_WAY = ("migrated", "drained")
GONE = ("migrate", "drain", "drain --cutover", "cutover")


@pytest.mark.parametrize("stage", UNDER_WAY)
def test_an_old_file_that_is_gone_in_a_migration_is_put_back(stage: str, stages: Stages, tmp_path: Path) -> None:
    project = stages.at(tmp_path / "app", stage, "delete")
    aside = tmp_path / "aside"
    project.old.rename(aside)
    for command in GONE:
        check_failed(typed(project, command), error="no database")
    for command in ("cleanup-old", "reset"):
        assert "skipped" in here(project, command)
    told = here(project, "status --check", 1)
    assert "the old database is not there: nothing can go on until it is put back" in told
    assert project.new.exists()
    aside.rename(project.old)
    check_finished(project)


# --- more names than one


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_a_hard_link_to_the_old_file_is_refused(journal_mode: str, stages: Stages, tmp_path: Path) -> None:
    project = stages.at(tmp_path / "app", journal_mode=journal_mode)
    other = project.directory / "the application's own name"
    os.link(project.old, other)
    before = contents(project)
    application = sqlite3.connect(other, isolation_level=None)
    application.execute("INSERT INTO person VALUES ('other', 'by the other name', NULL, 'other')")
    assert "[hard-link]" in typed(project, "plan").out
    for command in PLANNING:
        check_failed(typed(project, command), error="has 2 names (hard links)")
    assert project.files - {f"{project.old.name}-wal", f"{project.old.name}-shm"} == {project.old.name}
    application.close()
    other.unlink()
    assert contents(project)["person"].total() == before["person"].total() + 1
    check_writable(project)
    check_finished(project)


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_a_symbolic_link_to_the_old_file_is_as_good_as_the_file(
    journal_mode: str, stages: Stages, tmp_path: Path
) -> None:
    project = stages.at(tmp_path / "app", journal_mode=journal_mode)
    (tmp_path / "data").mkdir()
    real = tmp_path / "data" / "application.db"
    project.old.rename(real)
    (tmp_path / "current").symlink_to("data/application.db")
    project.old.symlink_to(tmp_path / "current")
    application = sqlite3.connect(real, isolation_level=None)
    commands = []
    for command in ("migrate", "drain", "cutover"):
        if command != "cutover":
            application.execute("INSERT INTO person VALUES (?1, 'through the file', NULL, ?1)", (command,))
        commands.append(command)
        project.run(command)
    with pytest.raises(sqlite3.IntegrityError, match="replaced by"):
        application.execute("INSERT INTO person VALUES ('late', 'late', NULL, 'late')")
    application.close()
    check_projection(project, [])
    assert not Path(f"{project.old}-wal").exists()
    project.run("cleanup-old", "--delete")
    assert not os.path.lexists(project.old)
    assert not real.exists()


# --- what stands in the way


def test_a_directory_in_place_of_the_new_file_blocks_the_plan(stages: Stages, tmp_path: Path) -> None:
    name = stages.at(tmp_path / "made", "migrated").new.name
    project = stages.at(tmp_path / "app")
    before = contents(project)
    (project.directory / name).mkdir()
    assert "[target]" in here(project, "plan", 1)
    for command in PLANNING:
        check_failed(typed(project, command), error=f"the new database would be {name}")
    (project.directory / name).rmdir()
    check_whole(project, before)
    check_writable(project)
    check_finished(project)


DIRECTORY = ("migrate", "drain", "drain --cutover", "cutover", "reset")


@pytest.mark.parametrize("stage", UNDER_WAY)
def test_a_directory_in_place_of_the_new_file_is_told_and_moved_away(
    stage: str, stages: Stages, tmp_path: Path
) -> None:
    project = stages.at(tmp_path / "app", stage, "delete")
    before, new = contents(project), project.new
    new.unlink()
    new.mkdir()
    for command in DIRECTORY:
        check_failed(typed(project, command), error=f"{new} is a directory", hint="move it away")
    told = here(project, "status --check", 1)
    assert f"the new database {new.name} is a directory: move it away" in told
    check_whole(project, before)
    check_writable(project)
    new.rmdir()
    check_finished(project)


SIDE_FILES = ("-wal", "-shm", "-journal", "-unfinished", "-unfinished-journal")


@pytest.mark.parametrize("suffix", SIDE_FILES)
def test_a_directory_in_place_of_a_side_file_of_the_new_one(suffix: str, stages: Stages, tmp_path: Path) -> None:
    new = stages.at(tmp_path / "made", "migrated").new.name
    project = stages.at(tmp_path / "app")
    before = contents(project)
    (project.directory / f"{new}{suffix}").mkdir()
    check_failed(typed(project, "migrate"), error=f"{project.directory / new}{suffix} is a directory", hint="move it")
    check_whole(project, before)
    assert write(project.old, "not recorded") is None
    (project.directory / f"{new}{suffix}").rmdir()
    check_finished(project)


@dataclass(frozen=True)
class Own:
    """Something else in place of hotmig's own files; ``emergency`` is whether --no-ledger goes on all the same."""

    name: str
    make: Callable[[Path], object]
    emergency: bool

    def __str__(self) -> str:
        return self.name


OWN = (
    Own(".hotmig", Path.touch, False),
    Own(".hotmig/lock", Path.mkdir, False),
    Own(".hotmig/ledger.sqlite", Path.mkdir, True),
    Own(".hotmig/ledger.sqlite-wal", Path.mkdir, True),
    Own(".hotmig/ledger.sqlite", lambda path: path.symlink_to("itself"), True),
)


@pytest.mark.parametrize("own", OWN, ids=str)
def test_something_in_place_of_lock_or_ledger_stops_before_the_first_effect(
    own: Own, stages: Stages, tmp_path: Path
) -> None:
    project = stages.at(tmp_path / "app", journal_mode="delete")
    content = project.old.read_bytes()
    path = project.directory / own.name
    path.parent.mkdir(exist_ok=True)
    own.make(path)
    check_failed(typed(project, "migrate"), error=str(project.directory / ".hotmig"), hint="nothing was changed")
    assert project.files == {project.old.name}
    assert project.old.read_bytes() == content
    here(project, "status")
    here(project, "plan")
    assert typed(project, "migrate --no-ledger").code == (0 if own.emergency else 1)
    path.rename(tmp_path / "aside")
    finish(project)
    check_projection(project, [])
