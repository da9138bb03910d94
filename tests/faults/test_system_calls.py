"""A disk that breaks: reads, writes or syncs fail with EIO, or with ENOSPC, from one step on and for good."""

from __future__ import annotations

import errno
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.faults import system_calls
from tests.faults.harness import (
    Fault,
    Stages,
    check_failed,
    check_survived,
    contents,
    under,
)
from tests.scenarios.harness import ROOT, environment

NO_FILTER = "system calls can't be made to fail here: that takes Linux on x86-64 or ARM64, and seccomp"
SYNC = ("fsync", "fdatasync")
WRITE, READ = ("pwrite64",), ("pread64",)


@cache
def can_fail() -> bool:
    """Asked in a process of its own: there is no way back."""
    if not system_calls.are_known():
        return False
    program = "from tests.faults.system_calls import let_fail\nlet_fail(('fsync',))"
    asked = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment(), check=False, capture_output=True
    )
    return asked.returncode == 0


@dataclass(frozen=True)
class Broken:
    stage: str
    command: str
    at: tuple[str, ...]
    calls: tuple[str, ...]
    journal_mode: str = "wal"
    error: int = errno.EIO

    def __str__(self) -> str:
        return f"{self.command}: {', '.join(self.at)}, {'/'.join(self.calls)} {errno.errorcode[self.error]}"


FENCE = "old UPDATE _migration_marker SET status = 'draining'"
READY = "new UPDATE _migration_status SET status = 'ready'"
RETIRED = "old UPDATE _migration_marker SET status = 'retired'"
BREAKS = (
    # A commit that can't be synced may be found all the same by the next program that opens the file.
    Broken("adopted", "migrate", ("old CREATE TABLE _migration_marker", "old COMMIT"), SYNC),
    Broken("adopted", "migrate", ("old CREATE TABLE _migration_marker", "old COMMIT"), SYNC, "delete"),
    Broken("adopted", "migrate", ("new CREATE TABLE _migration_status", "new COMMIT"), SYNC),
    Broken("adopted", "migrate", ("new UPDATE main._migration_progress", "new COMMIT"), SYNC, "delete"),
    Broken("migrated", "drain", (FENCE, "old COMMIT"), SYNC),
    Broken("migrated", "drain", (FENCE, "old COMMIT", "new COMMIT"), SYNC, "delete"),
    Broken("migrated", "drain --cutover", (RETIRED, "old COMMIT"), SYNC),
    Broken("drained", "cutover", (RETIRED, "old COMMIT"), SYNC, "delete"),
    Broken("drained", "cutover", (RETIRED, "new COMMIT"), SYNC),
    Broken("migrated", "reset", ("old DROP TABLE", "old COMMIT"), SYNC),
    Broken("adopted", "migrate", ('new INSERT OR ABORT INTO main."job"',), READ),
    Broken("adopted", "migrate", ('new CREATE INDEX "ix_job_worker_id"',), READ, "delete"),
    Broken("migrated", "drain", ("new DELETE FROM temp._migration_upper_bound",), READ, "delete"),
    Broken("migrated", "drain --cutover", (READY, "old COMMIT"), READ, "delete"),
    Broken("adopted", "migrate", ("new INSERT OR ABORT INTO main", "new COMMIT"), WRITE, "wal", errno.ENOSPC),
    Broken("adopted", "migrate --offline", (FENCE, "new COMMIT"), WRITE, "delete", errno.ENOSPC),
    Broken("migrated", "drain", (FENCE, "old COMMIT", "new COMMIT"), WRITE, "wal", errno.ENOSPC),
    Broken("drained", "cutover", (RETIRED, "new COMMIT"), WRITE, "wal", errno.ENOSPC),
)


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_a_disk_that_breaks_at_a_step(broken: Broken, stages: Stages, tmp_path: Path) -> None:
    if not can_fail():
        pytest.skip(NO_FILTER)
    project = stages.at(tmp_path, broken.stage, broken.journal_mode)
    before = contents(project)
    fault = Fault(calls=broken.calls, error=broken.error, at=broken.at)
    check_survived(project, before, under(fault, project, broken.command))


def test_a_disk_that_can_not_be_read_at_all(stages: Stages, tmp_path: Path) -> None:
    if not can_fail():
        pytest.skip(NO_FILTER)
    project = stages.at(tmp_path)
    run = under(Fault(calls=READ), project, "migrate")
    check_failed(run, error="disk I/O error", hint="leave it where it is")
    assert project.files == {project.old.name}
