"""Ctrl-C and SIGTERM at any moment: the exit code says which, no fence is left up, and nothing is lost."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests import forked
from tests.crash import truth
from tests.crash.harness import Death, die, here, survive
from tests.crash.test_points import KINDS, MOMENTS, sequence_of
from tests.scenarios.harness import PATIENCE, ROOT, Project, environment
from tests.scenarios.shapes import SHAPES

STOPPED = "stops by a signal survived"
# Behind the old database's retirement the command goes on to the end: neither accepts writes before that.
LATE = (
    "COMMIT behind UPDATE _migration_marker SET status = 'retired'",
    "COMMIT behind UPDATE _migration_status",
    "COMMIT behind DROP TABLE _migration_progress",
    "COMMIT behind UPDATE run SET state",
)
OTHERS = [(command, at) for command, at in KINDS if at not in LATE and not command.startswith("cleanup-old")]
BY = pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)


@pytest.mark.parametrize(("command", "at"), OTHERS)
def test_a_stop_leaves_what_the_next_command_explains(
    command: str, at: str, tmp_path: Path, record_property: pytest.FixtureRequest
) -> None:
    sequence, after = sequence_of(command), len(at) % 2 == 0
    death = Death(command, at, after, signal.SIGTERM if after else signal.SIGINT)
    survive(tmp_path, sequence.shape, sequence.journal_mode, death, sequence.before)
    record_property(STOPPED, 1)


@BY
@MOMENTS
@pytest.mark.parametrize(
    ("command", "at"),
    [
        ("drain", "CREATE TRIGGER _migration_fence_1"),
        ("drain", "COMMIT behind UPDATE main._migration_progress SET"),
        ("drain --cutover", "COMMIT behind UPDATE _migration_marker SET schema_version"),
        ("drain --cutover", "COMMIT behind UPDATE main._migration_progress SET"),
        ("migrate --offline", "COMMIT behind UPDATE _migration_marker SET schema_version"),
        ("migrate --offline", "COMMIT behind UPDATE main._migration_copy SET state = 'indexing'"),
    ],
)
def test_the_fence_comes_down_with_the_command(
    command: str, at: str, after: bool, by: signal.Signals, tmp_path: Path
) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["mapped-key"], "wal")
    if command != "migrate --offline":
        assert here(project, "migrate").exit_code == 0
    assert die(project, Death(command, at, after, by))
    assert truth.facts(project).marker in ("recording", None)
    assert truth.ask(project.old, "SELECT name FROM sqlite_schema WHERE name LIKE '_migration_fence%'") == []


@BY
@pytest.mark.parametrize("at", LATE)
@pytest.mark.parametrize("command", ["cutover", "drain --cutover"])
def test_behind_the_retirement_it_goes_on_to_the_end(command: str, at: str, by: signal.Signals, tmp_path: Path) -> None:
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "wal")
    for before in sequence_of(command).before:
        assert here(project, before).exit_code == 0
    assert not die(project, Death(command, at, True, by)), "it exits 0"
    assert truth.facts(project).status == "ready"


PRINTING = """import os, signal
from hotmig.__main__ import main
from hotmig.cli import output

print_result = output.print_result

def told_to_stop(*arguments):
    os.kill(os.getpid(), signal.SIGTERM)
    print_result(*arguments)

output.print_result = told_to_stop
main()
"""


def test_a_signal_that_comes_when_all_is_done_is_too_late(tmp_path: Path) -> None:
    """Exit 143 would stand for a drain that was taken back, and this one stands."""
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "wal")
    assert here(project, "migrate").exit_code == 0
    command = [sys.executable, "-c", PRINTING, "drain", "--dir", str(project.directory)]
    done = forked.run(command, cwd=ROOT, env=environment(), timeout=PATIENCE)
    assert (done.returncode, "Done already" in done.stderr) == (0, True), done.stderr
    assert truth.facts(project).marker == "draining"
    assert "Drained" in done.stdout


CLOSING = """import os, signal
from hotmig.__main__ import main
from hotmig.phases import cutover, drain

tidy_up = cutover.tidy_up

def told_to_stop(*arguments):
    left = tidy_up(*arguments)
    os.kill(os.getpid(), signal.SIGTERM)
    return left

cutover.tidy_up = drain.tidy_up = told_to_stop
main()
"""


@pytest.mark.parametrize("command", ["cutover", "drain --cutover"])
def test_behind_a_cutover_no_signal_makes_it_one_that_failed(command: str, tmp_path: Path) -> None:
    """A deploy script would start the old version again."""
    project = Project.adopt(tmp_path / "app", SHAPES["text"], "wal")
    for before in sequence_of(command).before:
        assert here(project, before).exit_code == 0
    typed = [sys.executable, "-c", CLOSING, *command.split(), "--dir", str(project.directory)]
    done = forked.run(typed, cwd=ROOT, env=environment(), timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert truth.facts(project).status == "ready"
    assert here(project, "runs list --state completed --limit 1").output.count("completed") == 1
