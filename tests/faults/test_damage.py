"""Files that are damaged: found before anything is done, or by the copy, or by the proof; told, and nothing harmed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.harness import (
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
    status,
    typed,
)

PAGE = 4096
LONG = "Q" * 5 * PAGE  # reaches over pages of its own, which neither a count nor a key leads to
MALFORMED = "SQLite says: database disk image is malformed"
WHICH = "`PRAGMA integrity_check` says which file is damaged"


@contextmanager
def damaged(path: Path, offset: int, content: bytes) -> Iterator[None]:
    """For a while these bytes stand there. Nobody has the file open."""
    with path.open("r+b") as file:
        file.seek(offset)
        before = file.read(len(content))
        file.seek(offset)
        file.write(content)
    try:
        yield
    finally:
        with path.open("r+b") as file:
            file.seek(offset)
            file.write(before)


def root_of(path: Path, name: str) -> int:
    """The number of an object's first page, from 1."""
    ((page,),) = ask(path, f"SELECT rootpage FROM sqlite_schema WHERE name = '{name}'")
    return int(page)


def whole_page(path: Path, name: str) -> tuple[int, bytes]:
    """Damage to the whole first page of an object."""
    return (root_of(path, name) - 1) * PAGE, b"\xff" * PAGE


def add_long_row(project: Project) -> None:
    db = sqlite3.connect(project.old, isolation_level=None)
    db.execute("INSERT INTO person VALUES ('long', ?, NULL, 'long')", (LONG,))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def inside_long_row(path: Path) -> tuple[int, bytes]:
    """Damage to one page in the middle of the long row: it leads nowhere."""
    page = path.read_bytes().index(b"Q" * (PAGE - 4)) // PAGE
    return page * PAGE, b"\xff\xff\xff\xff"


FOUND_BY_THE_PLAN = ("person", "sqlite_autoindex_person_1", "task")


@pytest.mark.parametrize("name", FOUND_BY_THE_PLAN)
def test_a_damaged_page_is_found_before_anything_is_done(name: str, stages: Stages, tmp_path: Path) -> None:
    project = stages.at(tmp_path, journal_mode="delete")
    before = contents(project)
    with damaged(project.old, *whole_page(project.old, name)):
        content = project.old.read_bytes()
        assert "malformed" in here(project, "plan", 1)
        check_failed(typed(project, "migrate"), error="database disk image is malformed")
        assert project.files == {project.old.name}
        assert project.old.read_bytes() == content
    check_whole(project, before)
    check_writable(project)
    check_finished(project)


FOUND_BY_THE_COPY = (("migrate", "wal"), ("migrate", "delete"), ("migrate --offline", "wal"))


@pytest.mark.parametrize(("command", "journal_mode"), FOUND_BY_THE_COPY)
def test_a_damaged_page_that_only_the_copy_reads(
    command: str, journal_mode: str, stages: Stages, tmp_path: Path
) -> None:
    project = stages.at(tmp_path, journal_mode=journal_mode)
    add_long_row(project)
    before = contents(project)
    with damaged(project.old, *inside_long_row(project.old)):
        here(project, "plan")
        run = typed(project, command)
        check_failed(run, error=MALFORMED, hint=WHICH)
        assert "Recovery snapshot:" in run.err
        assert status(project)["last_run"]["state"] == "partially_committed"
        assert fence(project)[0] == "recording"
        check_writable(project, "while it is damaged")
        assert ask(project.old, "SELECT count(*) FROM task") == [(before["task"].total(),)]
        check_failed(typed(project, "migrate"), error=MALFORMED)
        if journal_mode == "delete":  # the way back is open too
            here(project, "reset")
            check_writable(project, "after the reset")
    check_finished(project)
    assert ask(project.new, "SELECT full_name FROM worker WHERE code = 'long'") == [(LONG,)]


FOUND_BY_THE_PROOF = (
    ("old page", "drain"),
    ("old value", "drain --cutover"),
    ("new page", "drain --cutover"),
    ("new value", "drain"),
)


@pytest.mark.parametrize(("where", "command"), FOUND_BY_THE_PROOF)
def test_damage_behind_the_copy_is_found_by_the_proof(where: str, command: str, stages: Stages, tmp_path: Path) -> None:
    project = stages.at(tmp_path, "migrated", "delete")
    file, table = (project.old, "person") if where.startswith("old") else (project.new, "worker")
    if where.endswith("page"):
        damage = whole_page(file, table)
    else:
        ((mark,),) = ask(file, f"SELECT mark FROM {table} WHERE mark LIKE 'w0-__' ORDER BY mark LIMIT 1")
        damage = (file.read_bytes().index(mark.encode()), b"W")
    with damaged(file, *damage):
        run = typed(project, command)
        if where.endswith("page"):
            check_failed(run, error=MALFORMED, hint=WHICH)
        else:
            check_failed(run, 3, error="not as the old database says", hint="hotmig reset")
        assert "Recovery snapshot:" in run.err
        assert fence(project) == ("recording", None)
    check_writable(project)
    check_finished(project)


CUT_OFF = (
    ("adopted", ("plan", "migrate")),  # the others look for nothing behind the first page
    ("migrated", ("plan", "migrate", "drain", "cutover", "reset")),
    ("drained", ("migrate", "drain", "cutover", "reset")),
)


@pytest.mark.parametrize(("stage", "commands"), CUT_OFF)
def test_an_old_file_that_was_cut_off(stage: str, commands: tuple[str, ...], stages: Stages, tmp_path: Path) -> None:
    project = stages.at(tmp_path, stage, "delete")
    content = project.old.read_bytes()
    project.old.write_bytes(content[: PAGE + 100])
    for command in commands:
        run = typed(project, command)
        assert run.code in (1, 3), str(run)
        assert "Traceback" not in run.err, str(run)
    assert project.old.read_bytes() == content[: PAGE + 100]
    here(project, "status")
    project.old.write_bytes(content)
    check_finished(project)


@dataclass(frozen=True)
class Ledger:
    """What became of the ledger: so many of its bytes are left, and these stand at that place."""

    what: str
    size: int | None
    offset: int
    content: bytes

    def __str__(self) -> str:
        return self.what


LEDGERS = (
    Ledger("no database", None, 0, b"no database at all"),
    Ledger("its catalog", None, 100, b"\xff" * 100),
    Ledger("its tables", None, PAGE, b"\xff" * 8 * PAGE),
    Ledger("cut off", PAGE, 0, b""),
)


WITHOUT_LEDGER = ("drain", "reset")


@pytest.mark.parametrize("ledger", LEDGERS, ids=str)
@pytest.mark.parametrize("command", WITHOUT_LEDGER)
def test_a_damaged_ledger_stops_before_the_first_effect(
    ledger: Ledger, command: str, stages: Stages, tmp_path: Path
) -> None:
    project = stages.at(tmp_path, "migrated")
    path = project.directory / ".hotmig" / "ledger.sqlite"
    content = bytearray(path.read_bytes())
    content[ledger.offset : ledger.offset + len(ledger.content)] = ledger.content
    path.write_bytes(content[: ledger.size])
    check_failed(typed(project, command), error=f"the ledger {path} can't be ", hint="--no-ledger")
    assert status(project)["phase"] == "recording"
    assert "ledger" in here(project, "status")
    check_writable(project)
    here(project, f"{command} --no-ledger")
    path.rename(path.with_name("aside"))
    check_finished(project)
