"""An impatient operator: a second Ctrl-C while the first is being obeyed leaves no fence behind unsaid."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.scenarios.harness import Project, wait_until
from tests.scenarios.test_hostile_states import check_projection, finish, project_after, tampered

# Behind the fence the command waits until it is told to stop, or until a failure ends it; and says when it begins to
# undo that.
WAITS = """
import pathlib, time
import hotmig.phases.pause as p, hotmig.phases.migrate as m, hotmig.phases.offline as o
from hotmig.errors import Refused
here, lower, lower_of = pathlib.Path({directory!r}), p.lower_if_up, o.lower_fence_of
def waiting(*rest):
    here.joinpath("fenced").touch()
    while not here.joinpath("fail").exists():
        time.sleep(0.01)
    raise Refused("it failed")
def lowering(db, name, seconds, run):
    here.joinpath("lowering").touch()
    lower(db, name, min(seconds, {patience}), run)
p.hand_over = m.copy_all = waiting
def lowering_of(old, seconds, run):
    here.joinpath("lowering").touch()
    lower_of(old, min(seconds, {patience}), run)
p.lower_if_up, o.lower_fence_of = lowering, lowering_of
"""
COMMANDS = (("migrate", "--offline"), ("drain", "--cutover"))


def fenced(tmp_path: Path, command: tuple[str, ...], patience: float) -> tuple[Project, subprocess.Popen[str]]:
    """A project behind its fence, and the command that holds it up; it asks ``patience`` seconds for a lock."""
    project = project_after(tmp_path, *([] if "--offline" in command else ["migrate"]))
    process = tampered(project, WAITS.format(directory=str(tmp_path), patience=patience), *command)
    wait_until(lambda: (tmp_path / "fenced").exists() or process.poll() is not None, "the fence")
    assert process.poll() is None, process.communicate()[1]
    return project, process


def write_lock(path: Path) -> sqlite3.Connection:
    """Another program's transaction: the fence can't come down before it ends."""
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    db.execute("BEGIN IMMEDIATE")
    return db


def wait_for_line(process: subprocess.Popen[str], line: str) -> None:
    """The run's name comes before it, and where the machine is slow what is waited for."""
    assert process.stderr is not None
    assert line in iter(process.stderr.readline, "")


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_second_signal_does_not_keep_the_fence_up(
    command: tuple[str, ...], second: signal.Signals, tmp_path: Path
) -> None:
    project, process = fenced(tmp_path, command, patience=30)
    other = write_lock(project.old)
    process.send_signal(signal.SIGINT)
    wait_until((tmp_path / "lowering").exists, "the signal to be obeyed")
    process.send_signal(second)
    wait_for_line(process, "Stopping already: what was begun is undone first.\n")
    other.execute("ROLLBACK")
    other.close()
    assert process.wait() == 128 + signal.SIGINT
    assert project.status()["old"]["status"] == "recording"
    finish(project)
    check_projection(project)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_signal_that_comes_while_a_failure_is_undone_does_not_keep_the_fence_up(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    project, process = fenced(tmp_path, command, patience=30)
    other = write_lock(project.old)
    (tmp_path / "fail").touch()
    wait_until((tmp_path / "lowering").exists, "the failure to be undone")
    (tmp_path / "lowering").unlink()
    process.send_signal(signal.SIGTERM)
    wait_until((tmp_path / "lowering").exists, "the fence to be lowered all the same")
    process.send_signal(signal.SIGTERM)
    wait_for_line(process, "Stopping already: what was begun is undone first.\n")
    other.execute("ROLLBACK")
    other.close()
    assert process.wait() == 128 + signal.SIGTERM
    assert project.status()["old"]["status"] == "recording"
    finish(project)
    check_projection(project)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_fence_that_could_not_be_lowered_is_told(command: tuple[str, ...], tmp_path: Path) -> None:
    project, process = fenced(tmp_path, command, patience=0.2)
    other = write_lock(project.old)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    other.execute("ROLLBACK")
    other.close()
    assert process.returncode == 128 + signal.SIGINT
    error, hint = told.splitlines()[-2:]
    assert error.startswith("Error: interrupted; and then gave up after 0.2 s waiting for the old database: ")
    assert hint == "Hint: the application's writes may still be refused; `hotmig status` says where things stand"
    assert project.status()["old"]["status"] == "draining"


def test_a_lock_that_was_never_got_is_waited_for_once_and_leaves_no_fence_to_speak_of(tmp_path: Path) -> None:
    project = project_after(tmp_path)
    other = write_lock(project.old)
    told = project.run("migrate", "--offline", "--busy-timeout", "0.2", code=4).err
    other.execute("ROLLBACK")
    other.close()
    assert "gave up after 0.2 s waiting for the old database's write lock" in told
    assert "and then" not in told
    assert "may still be refused" not in told
    assert project.status()["phase"] == "none"
