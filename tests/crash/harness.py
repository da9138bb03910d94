"""One kill in one run: the command dies, what status says is next is done until the end, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from hotmig.cli.app import cli
from tests.crash import forked, truth
from tests.crash.child import AFTER, AT, SIGNAL, TRACE
from tests.scenarios import exact
from tests.scenarios.harness import (
    PATIENCE,
    Application,
    Project,
    check_journal_of_old,
    check_one_at_a_time,
    check_projection,
    check_sequences,
    live,
)
from tests.scenarios.shapes import SHAPES

PACE = 0.01  # seconds between two transactions
ROWS = 1_300  # more than a chunk, and more than the application rewrites meanwhile
HOLD = 60.0  # seconds: the longest that a fence is up for
LAST_MIGRATE = "{last migrate}"
MOST_COMMANDS = 8  # until a migration is done, whatever died


@dataclass(frozen=True)
class Death:
    """A command that dies: ``at`` is the number of a point or the beginning of its text."""

    command: str
    at: str
    after: bool
    by: signal.Signals = signal.SIGKILL

    def __str__(self) -> str:
        return f"{self.command}: {'after' if self.after else 'before'} {self.at[:60]}"


def spelled(project: Project, command: str) -> list[str]:
    """The words of a command; ``{last migrate}`` is the id of that run."""
    if LAST_MIGRATE in command:
        runs = report(project, "runs list")
        command = command.replace(LAST_MIGRATE, next(run["run_id"] for run in runs if run["command"] == "migrate"))
    return [*command.split(), "-d", str(project.directory)]


def here(project: Project, command: str, *options: str) -> Result:
    """Runs a command that nobody kills, in this very process: thousands of kills need tens of thousands of them."""
    return CliRunner().invoke(cli, [*command.split(), *options, "-d", str(project.directory)])


def report(project: Project, command: str) -> Any:
    """What a command that only looks prints as JSON."""
    done = here(project, command, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def watched(project: Project, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in the child that can die."""
    return forked.run(spelled(project, command), variables)


def die(project: Project, death: Death) -> bool:
    """Whether the command died there: a writer beside it can make it take another way."""
    moment = {AT: death.at, **({AFTER: "1"} if death.after else {}), SIGNAL: str(int(death.by))}
    done = watched(project, death.command, **moment)
    died = -signal.SIGKILL if death.by is signal.SIGKILL else 128 + death.by
    assert done.returncode in (died, 0, 3, 4), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode == died


def prepare(project: Project, before: tuple[str | Death, ...]) -> None:
    """Brings the migration to where a command is to die; some of these die themselves."""
    for command in before:
        if isinstance(command, Death):
            assert die(project, command), f"the point was never reached: {command}"
        else:
            go_on(project, command)


@contextmanager
def standing_still(project: Project, application: Application) -> Iterator[None]:
    """Stops the writers between two transactions: what was planned still holds when recording begins."""
    db = sqlite3.connect(project.old, isolation_level=None, timeout=PATIENCE)
    db.execute("BEGIN EXCLUSIVE")  # nobody has a lock that would be kept
    for process in application.processes:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    db.execute("ROLLBACK")
    db.close()
    try:
        yield
    finally:
        for process in application.processes:
            process.send_signal(signal.SIGCONT)


def points(project: Project, command: str) -> dict[str, list[str]]:
    """The points of a command that runs to its end, and what two others saw of them."""
    file = project.directory.parent / "points.json"
    done = watched(project, command, **{TRACE: str(file)})
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(file.read_text())
    return found


def both_accept(project: Project) -> bool:
    """Whether the application could write to both files, now or once a fence lapses. The new one it uses when ready."""
    found = truth.facts(project)
    if found.status != "ready" or not project.old.exists():
        return False
    return found.marker in ("recording", "draining") or _accepts(project)


def _accepts(project: Project) -> bool:
    db = sqlite3.connect(project.old, isolation_level=None, timeout=10)
    try:
        db.execute("BEGIN IMMEDIATE")
        for table in project.shape.old_tables:
            db.execute(f"DELETE FROM {table}")
    except sqlite3.IntegrityError:
        return False
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
        db.close()
    return True


def check_fence(project: Project) -> None:
    """A fence whose raiser is dead lapses by itself."""
    sql = "SELECT (fence_until - julianday('now')) * 86400 FROM _migration_marker WHERE status = 'draining'"
    for (left,) in truth.ask(project.old, sql):
        assert float(str(left)) <= HOLD + 1


def check_after_death(project: Project) -> None:
    """What has to hold at once, whatever died."""
    truth.check_ledger(project)
    check_fence(project)
    assert not both_accept(project)
    report(project, "status")


def finish(project: Project, deaths: list[Death] | None = None) -> list[str]:
    """Does what status says is next until nothing is left; returns the commands. The first ones die, as ``deaths``
    says: of these only where they die matters."""
    commands: list[str] = []
    left = list(deaths or [])
    while (following := report(project, "status")["next"]) not in ("hotmig cleanup-old", None):
        assert len(commands) < MOST_COMMANDS, f"status leads nowhere: {commands}"
        command = "migrate" if following == "hotmig plan" else following.removeprefix("hotmig ")
        commands.append(command)
        if left:
            next_death = left.pop(0)
            die(project, Death(command, next_death.at, next_death.after))
            check_after_death(project)
        else:
            go_on(project, command)
        assert not both_accept(project)
    assert truth.facts(project).status == "ready", f"status ends the way too early: {commands}"
    return commands


def go_on(project: Project, command: str) -> None:
    """Exit 4 says itself that it is safe to run again."""
    for _ in range(5):
        done = here(project, command)
        if done.exit_code != 4:
            break
    assert done.exit_code == 0, done.output


def check_states(project: Project) -> None:
    """No run of a dead process is shown as running, and none that left something half done as completed."""
    for run in report(project, "runs list"):
        assert run["state"] != "running", run
        steps = report(project, f"runs show {run['run_id']}")["steps"]
        assert run["state"] != "completed" or all(step["status"] for step in steps), run


def check_nothing_lost(project: Project, before: exact.Contents, application: Application) -> None:
    """Every accepted write is there, and at no moment both files accepted one."""
    entries = application.entries()
    old = [entry for entry in entries if entry.file == project.old.name]
    new = [entry for entry in entries if entry.file != project.old.name]
    if project.old.exists():
        check_journal_of_old(project, before, old)
        check_projection(project, new)
        check_sequences(project)
    check_one_at_a_time(old, new)


def survive(
    directory: Path,
    shape: str,
    journal_mode: str,
    death: Death,
    before: tuple[str | Death, ...] = (),
    more: tuple[Death, ...] = (),
    *,
    rows: int = ROWS,
    still: bool = False,
) -> bool:
    """The whole sequence with a writer beside it, and a death in it; returns whether it died there.

    ``more`` are deaths in the commands that follow; ``still`` is whether nobody writes until it has died.
    """
    project = Project.adopt(directory / "app", SHAPES[shape], journal_mode, rows=rows)
    contents = exact.contents_of(project.old, project.shape.old_tables)
    with live(project, writers=1, pace=PACE) as application:
        prepare(project, before)
        with standing_still(project, application) if still else nullcontext():
            died = die(project, death)
        check_after_death(project)
        finish(project, list(more))
        wait_for_new(project, application)
        application.stop()
    check_nothing_lost(project, contents, application)
    check_states(project)
    assert list(project.directory.glob("*-reserve")) == []
    return died


def survive_cleanup(directory: Path, death: Death, before: tuple[str | Death, ...]) -> bool:
    """A death while the old database is cleaned up: the new one is as it was, and the command can be run again."""
    project = Project.adopt(directory / "app", SHAPES["text"], "wal")
    prepare(project, before)
    contents = exact.contents_of(project.new, project.shape.new_tables)
    died = die(project, death)
    report(project, "status")
    go_on(project, death.command)
    assert exact.contents_of(project.new, project.shape.new_tables) == contents
    assert report(project, "status")["phase"] in ("ready", "retired")
    assert project.old.exists() == ("--delete" not in death.command)
    if project.old.exists():
        assert _accepts(project) == ("--unfence" in death.command)
        assert truth.ask(project.old, "SELECT * FROM _migration_log") == []
    check_states(project)
    return died


def wait_for_new(project: Project, application: Application) -> None:
    deadline = time.monotonic() + PATIENCE
    while not application.accepted(project.new.name):
        assert time.monotonic() < deadline, "the application never wrote to the new database"
        time.sleep(0.01)
