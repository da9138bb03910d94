"""What a hostile operator, or two at once, can do between the phases: every state has a way on."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forked import Forked
from tests.scenarios import exact
from tests.scenarios.harness import Project, by_hand, environment
from tests.scenarios.shapes import SHAPES


def project_after(tmp_path: Path, *commands: str, journal_mode: str = "wal") -> Project:
    project = Project.adopt(tmp_path / "app", SHAPES["text"], journal_mode)
    for command in commands:
        project.run(*command.split())
    return project


def tampered(project: Project, patch: str, *command: str) -> subprocess.Popen[str]:
    """A command in a process of its own, in which something happens at one moment."""
    start = "from hotmig.__main__ import main\nsys.argv[0] = 'hotmig'\nmain()"
    program = f"import os, signal, sys\n{patch}\n{start}"
    return Forked(
        [sys.executable, "-c", program, *command, "-d", str(project.directory)],
        env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(project: Project, most: int = 6) -> list[str]:
    """Does what status says is next until there is nothing left to do; returns the commands."""
    commands: list[str] = []
    while (following := project.status()["next"]) != "hotmig cleanup-old":
        assert following is not None, "status knows no way on"
        assert len(commands) < most, f"status leads nowhere: {commands}"
        commands.append(following.split()[1])
        project.run(commands[-1])
    return commands


def check_projection(project: Project) -> None:
    actual = exact.contents_of(project.new, project.shape.new_tables)
    assert exact.differences(project.shape.expected(project.old), actual) == []


KILLED_BEFORE_THE_END = "import hotmig.phases.migrate as m\nm._finish = lambda *rest: os._exit(9)"
KILLED_BEFORE_THE_COPY = "import hotmig.phases.migrate as m\nm.copy_all = lambda *rest: os._exit(9)"
KILLED_BEFORE_THE_FILE = "import hotmig.phases.migrate as m\nm._make_file = lambda *rest: os._exit(9)"


@pytest.mark.parametrize("options", [(), ("--offline",)], ids=["online", "offline"])
@pytest.mark.parametrize("patch", [KILLED_BEFORE_THE_END, KILLED_BEFORE_THE_COPY, KILLED_BEFORE_THE_FILE])
def test_status_leads_a_killed_migrate_to_its_end(patch: str, options: tuple[str, ...], tmp_path: Path) -> None:
    project = project_after(tmp_path)
    assert tampered(project, patch, "migrate", *options).wait() == 9
    assert finish(project) == ["migrate", "drain", "cutover"]
    check_projection(project)
    db = sqlite3.connect(project.new)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_a_new_file_that_is_deleted_behind_the_fence_is_built_again(tmp_path: Path) -> None:
    project = project_after(tmp_path, "migrate", "drain")
    project.new.unlink()
    assert finish(project) == ["migrate", "drain", "cutover"]
    check_projection(project)


def test_what_no_fence_keeps_out_is_drained_again_behind_it(tmp_path: Path) -> None:
    project = project_after(tmp_path, "migrate", "drain")
    by_hand(project.old, "PRAGMA user_version = 7")
    assert "user_version" in project.run("cutover", code=3).err
    project.run("drain")
    project.run("cutover")
    db = sqlite3.connect(project.new)
    assert db.execute("PRAGMA user_version").fetchone() == (7,)
    db.close()


def test_log_rows_can_be_neither_deleted_nor_changed(tmp_path: Path) -> None:
    project = project_after(tmp_path, "migrate")
    by_hand(project.old, "INSERT INTO _migration_log(operation, table_name, key_1) VALUES ('update', 'article', 'x')")
    for statement in ("DELETE FROM _migration_log", "UPDATE _migration_log SET key_1 = 'y'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            by_hand(project.old, statement)


def test_a_log_that_is_dropped_is_told_and_reset(tmp_path: Path) -> None:
    project = project_after(tmp_path, "migrate", "drain")
    by_hand(project.old, "DROP TABLE _migration_log")
    assert "_migration_log dropped" in project.run("drain", code=3).err
    assert "_migration_log dropped" in project.run("status").out
    project.run("reset")
    project.run("migrate")
    project.run("drain", "--cutover")
    check_projection(project)


def test_an_old_database_from_a_backup_is_refused(tmp_path: Path) -> None:
    project = project_after(tmp_path, "migrate", journal_mode="delete")
    shutil.copy(project.old, tmp_path / "backup")
    table = next(iter(project.shape.old_tables))
    by_hand(project.old, f"DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table})")
    project.run("drain", "--hold", "0.1")
    shutil.copy(tmp_path / "backup", project.old)
    assert "backup" in project.run("drain", code=3).err


STOPPED_IN_THE_FENCE_COMMIT = """
import hotmig.sqlite as s, hotmig.phases.pause as p
persist, raise_fence, raised = s.persist, p.raise_fence, []
def committing(db, sql, *rest):
    persist(db, sql, *rest)
    if sql == "COMMIT" and raised:
        raised.clear()
        os.kill(os.getpid(), signal.SIGTERM)
def raising(*rest):
    raise_fence(*rest)
    raised.append(1)
s.persist, p.raise_fence = committing, raising
"""
STOPPED_BETWEEN_THE_COMMITS = """
import hotmig.phases.handover as h
persist, committed = h.persist, []
def committing(db, sql, *rest):
    persist(db, sql, *rest)
    if sql == "COMMIT" and not committed:
        committed.append(1)
        os.kill(os.getpid(), signal.SIGTERM)
h.persist = committing
"""


def test_a_signal_in_the_commit_that_raises_the_fence_lowers_it(tmp_path: Path) -> None:
    project = project_after(tmp_path, "migrate")
    assert tampered(project, STOPPED_IN_THE_FENCE_COMMIT, "drain").wait() == 128 + signal.SIGTERM
    assert project.status()["phase"] == "recording"


@pytest.mark.parametrize("command", ["cutover", "drain --cutover"])
def test_a_signal_between_the_two_commits_of_a_cutover_does_not_stop_the_second(command: str, tmp_path: Path) -> None:
    project = project_after(tmp_path, "migrate", "drain")
    # What was asked for is done, and a deploy script must go on.
    assert tampered(project, STOPPED_BETWEEN_THE_COMMITS, *command.split()).wait() == 0
    assert project.status()["new"]["status"] == "ready"
    check_projection(project)


@pytest.mark.parametrize("command", ["cutover", "drain --cutover"])
def test_a_second_signal_behind_a_cutover_ends_the_tidying_up(command: str, tmp_path: Path) -> None:
    """The first one comes too late: what it would stop is done."""
    project = project_after(tmp_path, "migrate", "drain")
    patch = (
        "import hotmig.phases.cutover as c\n"
        "c.drop_bookkeeping = lambda *rest: [os.kill(os.getpid(), signal.SIGTERM) for _ in range(2)]"
    )
    process = tampered(project, patch, *command.split())
    told, _ = process.communicate()
    assert process.returncode == 0
    assert "what only the migration needed is still in it (interrupted): `hotmig cutover` drops it" in told
    assert project.status()["id_mappings"] is not None
    project.run("cleanup-old")
    assert project.status()["id_mappings"] is None
    check_projection(project)


def test_a_failed_offline_migration_lets_writes_through(tmp_path: Path) -> None:
    project = project_after(tmp_path)
    patch = "import hotmig.phases.migrate as m\nm.copy_all = lambda *rest: os.kill(os.getpid(), signal.SIGINT)"
    assert tampered(project, patch, "migrate", "--offline").wait() == 128 + signal.SIGINT
    assert project.status()["old"]["status"] == "recording"


def test_a_reset_never_deletes_what_a_cutover_hands_over_meanwhile(tmp_path: Path) -> None:
    project = project_after(tmp_path, "migrate")
    new = project.new
    patch = (
        "import hotmig.phases.reset as r\nwriter = r.old_writer\n"
        "r.old_writer = lambda *rest: (os.kill(os.getpid(), signal.SIGSTOP), writer(*rest))[1]"
    )
    reset = tampered(project, patch, "reset")
    _, stopped = os.waitpid(reset.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(stopped)
    assert "`hotmig reset`" in project.run("drain", "--cutover", code=4).err
    # Somebody who does not believe it takes lock and ledger away: what the databases say must still decide.
    (project.directory / ".hotmig").rename(project.directory / "put away")
    project.run("drain", "--cutover")
    reset.send_signal(signal.SIGCONT)
    assert reset.wait() == 3
    assert new.exists()
    check_projection(project)


def test_a_long_reader_holds_up_the_fence_for_no_longer_than_the_budget(tmp_path: Path) -> None:
    project = project_after(tmp_path, "migrate", journal_mode="delete")
    reader = sqlite3.connect(project.old, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    # In rollback-journal mode no commit gets past a reader: waiting for it, hotmig would keep out the writers.
    assert "gave up after 0.2 s" in project.run("drain", "--max-pause", "0.2", code=4).err
    reader.execute("ROLLBACK")
    reader.close()
    assert project.status()["phase"] == "recording"
    assert finish(project) == ["drain", "cutover"]
    check_projection(project)
