"""Deaths that follow one another: what recovers is killed too, and a bigger migration at moments of no choosing."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.crash.harness import Death, both_accept, check_after_death, check_nothing_lost, check_states, report, survive
from tests.crash.test_points import SURVIVED
from tests.scenarios import exact
from tests.scenarios.harness import Project, environment, live, wait_until
from tests.scenarios.shapes import SHAPES

ROWS = 20_000
KILLS_EACH = 6  # in one migration
LONGEST = 0.25  # seconds from the beginning of the run to a kill: most commands are at work then, on a slow machine

FENCED = "COMMIT behind UPDATE _migration_marker SET schema_version"
RETIRED = "COMMIT behind UPDATE _migration_marker SET status = 'retired'"
REPLAYED = "COMMIT behind UPDATE main._migration_progress"
COPIED = "COMMIT behind UPDATE main._migration_copy SET state = 'indexing'"
TWICE = (
    ("migrate", (), "CREATE TABLE _migration_marker", "COMMIT behind INSERT INTO step"),
    ("migrate", (), "COMMIT behind INSERT INTO step", "os.fchmod"),
    ("migrate", (), "os.fchmod", "CREATE TABLE _migration_status"),
    ("migrate", (), COPIED, "CREATE INDEX"),
    ("migrate", (), "PRAGMA main.journal_mode = WAL", "UPDATE main._migration_copy SET state = 'copied'"),
    ("drain", ("migrate",), FENCED, REPLAYED),
    ("drain --cutover", ("migrate",), RETIRED, "COMMIT behind UPDATE _migration_status"),
    ("drain --cutover", ("migrate",), FENCED, "CREATE TRIGGER _migration_fence_1"),
    ("cutover", ("migrate", "drain"), RETIRED, "COMMIT behind INSERT INTO step"),
    ("reset", ("migrate", "drain"), "os.unlink", "COMMIT behind DROP TABLE"),
    ("migrate --offline", (), FENCED, COPIED),
)


@pytest.mark.parametrize(("command", "before", "first", "second"), TWICE)
def test_recovery_is_killed_too(
    command: str, before: tuple[str, ...], first: str, second: str, tmp_path: Path, record_property
) -> None:
    deaths = Death(command, first, True), Death("", second, False)
    assert survive(tmp_path, "cascades", "wal", deaths[0], before, deaths[1:])
    record_property(SURVIVED, 2)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        kills = metafunc.config.getoption("--random-kills")
        metafunc.parametrize("seed", range(max(1, kills // KILLS_EACH)))


def killed(project: Project, command: str, seconds: float) -> bool:
    """Whether the command was still at work so many seconds after its run had begun, and so was killed."""
    arguments = [sys.executable, "-m", "hotmig", *command.split(), "-d", str(project.directory)]
    process = subprocess.Popen(
        arguments,
        cwd=project.directory,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in iter(process.stderr.readline, ""):
        if line.startswith("Run "):
            break  # Python has started, which takes longest on a busy machine
    try:
        _, told = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    assert process.returncode in (0, 3, 4), told
    return False


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_kills_at_random_moments(seed: int, journal_mode: str, tmp_path: Path, record_property) -> None:
    dice = random.Random(seed)
    shape = SHAPES[dice.choice(["cascades", "new-unique"])]
    project = Project.adopt(tmp_path / "app", shape, journal_mode, rows=ROWS, seed=seed)
    contents = exact.contents_of(project.old, shape.old_tables)
    kills, longest = 0, LONGEST
    with live(project, writers=1, pace=0.01) as application:
        deadline = time.monotonic() + 120
        while (following := report(project, "status")["next"]) != "hotmig cleanup-old":
            assert time.monotonic() < deadline, f"status leads nowhere: {following}"
            command = "migrate" if following == "hotmig plan" else following.removeprefix("hotmig ")
            if command == "drain" and dice.random() < 0.5:
                command = "drain --cutover"
            patience = dice.uniform(0, longest) if kills < KILLS_EACH else 60.0
            if killed(project, command, patience):
                kills += 1
                check_after_death(project)
            else:
                longest /= 2  # it came to its end before
            assert not both_accept(project)
        wait_until(lambda: application.accepted(project.new.name), "the application to write to the new database")
        application.stop()
    check_nothing_lost(project, contents, application)
    check_states(project)
    assert kills, "every command came to its end before it was killed"
    record_property(f"{SURVIVED} at random moments", kills)
