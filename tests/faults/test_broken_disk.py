"""A disk that takes no more, at each step of each command: told, nothing lost, and the next command goes on.

No file can grow or be written beyond a limit: SQLite says "disk I/O error" then. What it says where a disk is full, and
where one is broken, is in test_full_disk.py and test_system_calls.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from hotmig.phases.offline import HOLD_SECONDS
from tests.faults.harness import (
    Fault,
    Stages,
    check_failed,
    check_finished,
    check_survived,
    check_whole,
    check_writable,
    contents,
    fence,
    status,
    told,
    under,
    write,
)
from tests.scenarios.harness import wait_until

PAGE = 4096


@dataclass(frozen=True)
class Met:
    """``at`` as in Fault; ``lasting`` statements, None for ever."""

    stage: str
    command: str
    at: tuple[str, ...]
    lasting: int | None
    journal_mode: str = "wal"

    def __str__(self) -> str:
        return f"{self.command}: {', '.join(self.at)}, {'for ever' if self.lasting is None else 'once'}"


COMMIT = ("old COMMIT", "new COMMIT")
FENCE = "old UPDATE _migration_marker SET status = 'draining'"
READY = "new UPDATE _migration_status SET status = 'ready'"
RETIRED = "old UPDATE _migration_marker SET status = 'retired'"
STEPS = (
    # The disk works again at once, as when somebody else's file was deleted …
    Met("adopted", "migrate", ("old CREATE TABLE _migration_marker", "old COMMIT"), 1),
    Met("adopted", "migrate", ("new CREATE TABLE _migration_status", "new COMMIT"), 1, "delete"),
    Met("adopted", "migrate", ("new INSERT INTO main._id_mapping", "new COMMIT"), 1),
    Met("adopted", "migrate", ('new INSERT OR ABORT INTO main."worker"', "new COMMIT"), 1, "delete"),
    Met("adopted", "migrate", ('new CREATE INDEX "ix_job_worker_id"', "new COMMIT"), 1),
    Met("adopted", "migrate", ("new PRAGMA main.journal_mode = WAL",), 1),
    Met("adopted", "migrate", ("new UPDATE main._migration_copy SET state = 'copied'",), 1, "delete"),
    Met("adopted", "migrate", ("old CREATE TABLE _migration_marker", "ledger INSERT", "ledger COMMIT"), 1),
    Met("adopted", "migrate --offline", (FENCE, "old COMMIT"), 1),
    Met("adopted", "migrate --offline", (FENCE, 'new INSERT OR ABORT INTO main."job"', "new COMMIT"), 1, "delete"),
    Met("adopted", "migrate --offline", (RETIRED, "old COMMIT"), 1),
    Met("migrated", "drain", (FENCE, "old COMMIT"), 1),
    Met("migrated", "drain", (FENCE, "old COMMIT", "new COMMIT"), 1, "delete"),
    Met("migrated", "drain --cutover", (RETIRED, "old COMMIT"), 1, "delete"),
    Met("migrated", "drain --cutover", (RETIRED, "new COMMIT"), 1),
    Met("drained", "cutover", (RETIRED, "old COMMIT"), 1),
    Met("drained", "cutover", (RETIRED, "new COMMIT"), 1, "delete"),
    Met("migrated", "reset", ("old DROP TABLE", "old COMMIT"), 1),
    # … or not at all, so that neither the fence can be lowered nor the ledger be told.
    Met("adopted", "migrate", ("old CREATE TABLE _migration_marker", "old COMMIT"), None, "delete"),
    Met("adopted", "migrate", ("new CREATE TABLE _migration_status",), None),
    Met("adopted", "migrate", ("new INSERT OR ABORT INTO main", "new COMMIT"), None),
    Met("adopted", "migrate --offline", (FENCE, "new COMMIT"), None, "delete"),
    Met("adopted", "migrate --offline", (FENCE, 'new CREATE INDEX "ix_job_worker_id"'), None),
    Met("migrated", "drain", ("new UPDATE main._migration_progress", "new COMMIT"), None),
    Met("migrated", "drain", (FENCE, "old COMMIT"), None, "delete"),
    Met("migrated", "drain --cutover", (FENCE, "old COMMIT", "new COMMIT"), None),
    Met("migrated", "drain --cutover", (READY, "old COMMIT"), None, "delete"),
    Met("drained", "cutover", (READY, "old COMMIT"), None),
    Met("drained", "cutover", (RETIRED, "new COMMIT"), None, "delete"),
    Met("migrated", "reset", ("old DROP TRIGGER",), None, "delete"),
)


@pytest.mark.parametrize("met", STEPS, ids=str)
def test_a_disk_that_fails_at_a_step(met: Met, stages: Stages, tmp_path: Path) -> None:
    project = stages.at(tmp_path, met.stage, met.journal_mode)
    before = contents(project)
    run = under(Fault(file_size=0, at=met.at, lasting=met.lasting), project, met.command)
    if met.lasting is not None and met.stage != "drained":
        assert fence(project)[0] != "draining", "the disk works again, and the fence stayed up"
    check_survived(project, before, run)


@dataclass(frozen=True)
class LeftUp:
    """A command behind whose fence the disk breaks for good."""

    stage: str
    command: str
    at: tuple[str, ...]
    journal_mode: str

    def __str__(self) -> str:
        return f"{self.command} ({self.journal_mode})"


LEFT_UP = (
    LeftUp("adopted", "migrate --offline", (FENCE, "new COMMIT"), "wal"),
    LeftUp("adopted", "migrate --offline", (FENCE, "new COMMIT"), "delete"),
    LeftUp("adopted", "migrate --offline", (RETIRED, "old COMMIT"), "delete"),
    LeftUp("migrated", "drain --hold 1", (FENCE, "new COMMIT"), "wal"),
    LeftUp("migrated", "drain --cutover --hold 1", (RETIRED, "old COMMIT"), "delete"),
)


@pytest.mark.parametrize("met", LEFT_UP, ids=str)
def test_a_fence_that_the_disk_keeps_up_is_told_and_lapses(met: LeftUp, stages: Stages, tmp_path: Path) -> None:
    project = stages.at(tmp_path, met.stage, met.journal_mode)
    run = under(Fault(file_size=0, at=met.at), project, met.command)
    check_failed(run, hint="the application's writes may still be refused; `hotmig status` says")
    assert told(run)[0].count("; and then ") == 1
    raised, seconds = fence(project)
    assert raised == "draining"
    assert seconds is not None
    if "--hold 1" in met.command:
        assert round(seconds) == 1
        wait_until(lambda: write(project.old, "behind the fence") is None, "the fence to lapse")
        assert status(project)["phase"] == "lapsed"
    else:
        assert round(seconds) == round(HOLD_SECONDS)
    check_finished(project)


@dataclass(frozen=True)
class Sizes:
    """Limits under each of which the command fails, and another one under which it comes to its end."""

    stage: str
    command: str
    journal_mode: str
    failing: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.command} ({self.journal_mode})"


SIZES = (
    # Half a page is what a disk is left with when a write came half-way.
    Sizes("adopted", "migrate --no-ledger", "wal", (0, 100, *range(PAGE, 12 * PAGE, PAGE + PAGE // 2))),
    Sizes("adopted", "migrate", "delete", (0, 100, 2 * PAGE, 4 * PAGE, 8 * PAGE, 12 * PAGE)),
    Sizes("adopted", "migrate --offline --no-ledger", "delete", (100, *range(PAGE, 12 * PAGE, 2 * PAGE))),
    Sizes("migrated", "drain --cutover", "wal", (100, 5 * PAGE + 1, 10 * PAGE, 14 * PAGE)),
    Sizes("drained", "cutover", "delete", (0, 100, 4 * PAGE, 8 * PAGE)),
)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_a_command_goes_on_with_every_page_of_room_more(sizes: Sizes, stages: Stages, tmp_path: Path) -> None:
    project = stages.at(tmp_path, sizes.stage, sizes.journal_mode)
    for size in sizes.failing:
        before = contents(project)
        check_failed(under(Fault(file_size=size), project, sizes.command))
        check_whole(project, before)
        check_writable(project, f"under {size}")
    check_finished(project)
