"""``--busy-timeout``: how long hotmig waits for any one lock, and the line that says what for."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from hotmig.ledger.store import LEDGER_FILE
from hotmig.phases.survey import LOCKED
from hotmig.sqlite import LOCK_SECONDS, waits
from tests.phases.mutating import COMMANDS, Mutating
from tests.phases.processes import patched
from tests.phases.shops import failure_in, items, open_shop

# Those that write to the old database. Told long before it is over: the tests themselves wait no longer than they must.
WRITING = tuple(
    command
    for command in COMMANDS
    if command.line.split()[0] in ("migrate", "drain", "cutover", "cleanup-old", "reset")
    and "--wal" not in command.line
)
SHORT = "import hotmig.sqlite as s\ns.SILENT_SECONDS = 0.05\n"


def locked(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    return db


def released(db: sqlite3.Connection) -> None:
    db.execute("ROLLBACK")
    db.close()


@pytest.mark.parametrize("command", WRITING, ids=lambda each: each.line)
def test_a_lock_on_the_old_database_is_waited_for_so_long(tmp_path: Path, command: Mutating) -> None:
    shop = command.opened(tmp_path / "shop")
    before = shop.objects()
    other = locked(shop.old)
    failure = failure_in(shop.run(command.line, "--busy-timeout", "0.1", code=4).stderr)
    released(other)
    assert failure.error.startswith("Error: gave up after 0.1 s waiting for the old database")
    assert "nothing is lost" in failure.hint
    assert shop.objects() == before
    shop.run(command.line)


@pytest.mark.parametrize("command", WRITING, ids=lambda each: each.line)
def test_a_wait_that_is_not_short_is_told_once_and_the_work_goes_on_behind_it(
    tmp_path: Path, command: Mutating
) -> None:
    shop = command.opened(tmp_path / "shop")
    other = locked(shop.old)
    process = patched(shop, SHORT, *command.line.split(), "--busy-timeout", "77")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("Run ")
    line = process.stderr.readline()
    assert line.startswith("Waiting for the old database")
    assert line.endswith(", 77 s at most …\n")
    released(other)
    output, told = process.communicate()
    assert process.returncode == 0, told
    assert "Waiting" not in told
    assert output


def test_a_wait_that_is_in_vain_is_told_once(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    other = locked(shop.old)
    process = patched(shop, SHORT, "migrate", "--busy-timeout", "0.5")
    _, told = process.communicate()
    released(other)
    assert process.returncode == 4
    assert told.count("Waiting for ") == 1
    assert "Waiting for the old database's write lock, 0.5 s at most …\nError: gave up after 0.5 s" in told


def test_with_quiet_it_waits_without_a_word(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    other = locked(shop.old)
    process = patched(shop, SHORT, "migrate", "--busy-timeout", "0.3", "--quiet")
    _, told = process.communicate()
    released(other)
    assert process.returncode == 4
    assert told.startswith("Error: gave up after 0.3 s")


def test_the_line_is_not_in_the_json(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    other = locked(shop.old)
    process = patched(shop, SHORT, "migrate", "--json")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("Run ")
    assert process.stderr.readline().startswith("Waiting for the old database")
    released(other)
    output, _ = process.communicate()
    assert json.loads(output)["rows"] == {"item": 50}


def test_a_lock_on_the_ledger_is_waited_for_too(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    other = locked(shop.own / LEDGER_FILE)
    process = patched(shop, SHORT, "drain", "--busy-timeout", "77")
    assert process.stderr is not None
    assert process.stderr.readline() == "Waiting for the ledger, 77 s at most …\n"
    released(other)
    process.communicate()
    assert process.returncode == 0
    assert [run["state"] for run in shop.runs()] == ["completed", "completed"]


def test_a_reader_of_a_rollback_journal_database_is_waited_for(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop", wal=False)
    reader = sqlite3.connect(shop.old, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM item").fetchone()
    failure = failure_in(shop.run("migrate --busy-timeout 0.1", code=4).stderr)
    assert "gave up after 0.1 s" in failure.error
    reader.execute("ROLLBACK")
    reader.close()
    assert shop.phase() == "none"
    shop.run("migrate")


def test_a_database_that_is_locked_for_readers_too_is_waited_for_by_what_looks(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop", wal=False)
    other = sqlite3.connect(shop.old, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    process = patched(shop, SHORT, "plan", "--busy-timeout", "77")
    assert process.stderr is not None
    assert process.stderr.readline() == f"Waiting for a lock on {shop.old.name}, 77 s at most …\n"
    released(other)
    output, _ = process.communicate()
    assert process.returncode == 0
    assert "Can run migrate now: yes" in output


@pytest.mark.parametrize("given", ["-1", "nan", "inf", "soon", ""])
def test_what_is_no_number_of_seconds_is_refused(tmp_path: Path, given: str) -> None:
    shop = open_shop(tmp_path / "shop")
    done = shop.run("migrate", "--busy-timeout", given, code=2)
    assert done.stderr.startswith("Error: Invalid value for '--busy-timeout': ")
    assert not shop.own.exists()


def test_zero_seconds_ask_once(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    for line in ("migrate", "drain --cutover"):
        shop.run(line, "--busy-timeout", "0")
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())


def test_one_command_does_not_leave_its_patience_to_the_next(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.run("status --busy-timeout 3.5")
    assert waits.seconds == 3.5
    shop.run("status")
    assert waits.seconds == LOCK_SECONDS


def test_a_commit_that_waits_for_a_reader_is_a_lock_and_no_unreadable_file(tmp_path: Path) -> None:
    """In rollback-journal mode it keeps every new reader out."""
    shop = open_shop(tmp_path / "shop", wal=False)
    shop.run("migrate")
    reader, writer = (sqlite3.connect(shop.old, isolation_level=None, timeout=0) for _ in range(2))
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM item").fetchone()
    writer.execute("BEGIN")
    writer.execute("UPDATE item SET name = 'waits'")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        writer.execute("COMMIT")
    error = shop.run("drain", "--busy-timeout", "0.2", code=4).stderr
    assert f"gave up after 0.2 s waiting for {shop.old.name}: it is locked" in error
    told = shop.json("status", "--busy-timeout", "0.2")
    assert f"the old database can't be read: {LOCKED}; ask again" in told["attention"]
    reader.close()
    writer.close()
    shop.run("drain --cutover")
