"""What a fault must leave: an error that says what to do, an old database that is whole and takes writes, a way on."""

from __future__ import annotations

import atexit
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from hotmig.cli.app import cli
from tests.faults.child import Fault
from tests.scenarios import exact
from tests.scenarios.exact import Contents
from tests.scenarios.harness import PATIENCE, ROOT, Project, Run, check_projection, environment
from tests.scenarios.shapes import SHAPES

SHAPE = SHAPES["mapped-key"]
ROWS = 400
HOLD = 600.0  # seconds: no test takes as long
MOST_COMMANDS = 8
SETTLED = ("none", "ready", "retired")  # phases that need no recovery
PAUSED, REPLACED = "hotmig: writes are paused", "hotmig: this database was replaced"
LOGGED = "logged"  # written between the copy and the drain, so that there is something to replay
STAGES = {
    "adopted": (),
    "migrated": ("migrate",),
    "drained": ("migrate", f"drain --hold {HOLD:g}"),
    "cut over": ("migrate", "drain", "cutover"),
}


class Stages:
    """Directories at each stage of a migration: each is made once, and copied for every test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, str], Project] = {}

    def at(self, directory: Path, stage: str = "adopted", journal_mode: str = "wal") -> Project:
        made = self._made.get((stage, journal_mode))
        if made is None:
            made = self._made[stage, journal_mode] = self._make(stage, journal_mode)
        shutil.copytree(made.directory, directory, dirs_exist_ok=True)
        return Project(directory, SHAPE, directory / made.old.name)

    def _make(self, stage: str, journal_mode: str) -> Project:
        folder = self._folder / f"{stage}-{journal_mode}".replace(" ", "-")
        made = Project.adopt(folder, SHAPE, journal_mode, rows=ROWS)
        for command in STAGES[stage]:
            here(made, command)
            if command == "migrate":
                assert write(made.old, LOGGED) is None
        return made


@cache
def _server() -> subprocess.Popen[str]:
    """The process from which commands under faults are forked."""
    command = [sys.executable, "-m", "tests.faults.child"]
    server = subprocess.Popen(
        command, cwd=ROOT, env=environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    atexit.register(server.kill)
    return server


def under(fault: Fault, project: Project, command: str) -> Run:
    """Runs a command under a fault, in a process of its own."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    began = time.monotonic()
    request = asdict(fault), [*command.split(), "-d", str(project.directory)], int(PATIENCE)
    server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    code, out, err = json.loads(server.stdout.readline())
    return Run(("hotmig", command, "under", str(fault)), code, out, err, began, time.monotonic())


def typed(project: Project, command: str) -> Run:
    """Runs a command as it is typed."""
    return project.run(*command.split(), code=None)


SURVIVED = "faults survived"  # by a command that had begun
REFUSED = "commands refused before they changed anything"
counted: Counter[str] = Counter()


def told(run: Run) -> tuple[str, str]:
    """The one line that says what went wrong and the one that says what to do: the last two on stderr."""
    assert "Traceback" not in run.err, str(run)
    assert "mistake in hotmig" not in run.err, str(run)
    lines = run.err.splitlines()
    assert [line for line in lines if line.startswith("Error: ")] == lines[-2:-1], str(run)
    assert lines[-1].startswith("Hint: "), str(run)
    return lines[-2].removeprefix("Error: "), lines[-1].removeprefix("Hint: ")


def check_failed(run: Run, code: int = 1, error: str = "", hint: str = "") -> None:
    """The documented exit code, one error and one hint, with these words in them."""
    assert run.code == code, str(run)
    counted[SURVIVED if "Recovery snapshot:" in run.err else REFUSED] += 1
    said = told(run)
    assert error in said[0], str(run)
    assert hint in said[1], str(run)


def contents(project: Project) -> Contents:
    """The rows of the application in the old database."""
    return exact.contents_of(project.old, SHAPE.old_tables)


def write(path: Path, mark: str) -> str | None:
    """What the application does; returns why the database refused it."""
    db = sqlite3.connect(path, isolation_level=None, timeout=5)
    try:
        db.execute("INSERT INTO person VALUES (?, 'written behind a fault', NULL, ?)", (mark, mark))
    except sqlite3.IntegrityError as error:
        return str(error)
    finally:
        db.close()
    return None


def ask(path: Path, question: str) -> list[Any]:
    db = sqlite3.connect(path, isolation_level=None, timeout=5)
    try:
        return db.execute(question).fetchall()
    finally:
        db.close()


def check_whole(project: Project, before: Contents) -> None:
    """The old database is sound, and has what it had."""
    assert ask(project.old, "PRAGMA integrity_check") == [("ok",)]
    assert exact.differences(before, contents(project)) == []


def fence(project: Project) -> tuple[str, float | None]:
    """The marker's status and for how many seconds the fence was raised; "none" without a marker."""
    if not ask(project.old, "SELECT 1 FROM sqlite_schema WHERE name = '_migration_marker'"):
        return "none", None
    ((status, seconds),) = ask(project.old, "SELECT status, (fence_until - fence_from) * 86400 FROM _migration_marker")
    return status, seconds


def check_writable(project: Project, mark: str = "after") -> None:
    """A write is accepted, or refused by a fence that lapses in time or stands for good."""
    refused = write(project.old, mark)
    if refused is None:
        return
    status, seconds = fence(project)
    if refused.startswith(REPLACED):
        assert status == "retired", refused
        return
    assert refused.startswith(PAUSED), refused
    assert status == "draining", refused
    assert seconds is not None, refused
    assert 0 < seconds <= HOLD + 1, refused


def here(project: Project, command: str, code: int = 0) -> str:
    """What a command prints that meets no fault: run in this very process, which saves most of the time."""
    done = CliRunner().invoke(cli, [*command.split(), "-d", str(project.directory)])
    assert done.exit_code == code, done.output
    return done.output


def status(project: Project) -> Any:
    return json.loads(here(project, "status --json"))


def finish(project: Project) -> list[str]:
    """Does what status says is next until nothing is left; returns the commands."""
    done: list[str] = []
    while (following := status(project)["next"]) != "hotmig cleanup-old":
        assert following is not None, f"status knows no way on after {done}:\n{here(project, 'status')}"
        assert len(done) < MOST_COMMANDS, f"status leads nowhere: {done}"
        done.append(following.split()[1])
        here(project, done[-1])
        if done[-1] == "plan":  # it only looks; its own last line says what is next
            done.append("migrate")
            here(project, "migrate")
    return done


def check_finished(project: Project) -> None:
    """The way that status knows ends with every row in the new database, those written since included."""
    before = contents(project)
    finish(project)
    check_projection(project, [])
    assert exact.differences(before, contents(project)) == []


def check_explained(project: Project, run: Run) -> None:
    """What was left is told by the command itself, and by status behind it."""
    after = status(project)
    assert after["last_run"]["state"] in ("failed", "partially_committed"), here(project, "status")
    if after["phase"] not in SETTLED:
        assert "Recovery snapshot:" in run.err, str(run)
    assert "\nNext: " in here(project, "status")


def check_survived(project: Project, before: Contents, run: Run) -> None:
    """Everything that must hold after a command that met a fault half-way, and once the fault is gone."""
    check_failed(run)
    check_whole(project, before)
    check_explained(project, run)
    check_writable(project)
    check_finished(project)
