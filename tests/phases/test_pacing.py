"""``migrate --throttle``: real commits to the live file, and what progress and ``status`` say of it."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

import pytest

from hotmig.phases.pacing import LOCKED_SECONDS, pacing
from hotmig.transfer import pace
from hotmig.transfer.session import Session
from tests.phases.shops import ROWS, Shop, items, open_shop

MANY = """CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO item WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
    SELECT i, 'item ' || i FROM n;"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "shop", wal=True)


def test_a_throttled_copy_takes_the_projected_way_and_comes_to_the_same(shop: Shop) -> None:
    application = sqlite3.connect(shop.old, isolation_level=None)
    application.execute("UPDATE item SET name = 'written' WHERE id = 3")
    done = shop.run("migrate --throttle 50%")
    assert shop.json("status")["old"]["wal_size"] > 0
    application.close()
    shop.run("drain --cutover")
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())
    assert f"Copied {ROWS} rows" in done.stdout
    assert "the old database's log was" in done.stdout
    assert "throttled to 50% of the time" in done.stderr


def test_it_works_no_more_than_its_share_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock that the copy itself goes by: what it worked between two rests, and how long each was."""
    shop = open_shop(tmp_path / "shop", script=MANY)
    worked, rested = [], []
    real = pace.Pace.rest

    def rest(self: pace.Pace, old: Path, seconds: float) -> None:
        began = time.monotonic()
        real(self, old, seconds)
        worked.append(seconds)
        rested.append(time.monotonic() - began)

    monkeypatch.setattr(pace.Pace, "rest", rest)
    shop.run("migrate --throttle 20")
    assert len(worked) > 2  # chunks
    assert sum(rested) >= 4 * sum(worked)


def test_status_says_why_it_rests_and_forgets_it_afterwards(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, object]] = []
    note = Session.note_rest

    def noted(self: Session, reason: str | None) -> None:
        note(self, reason)
        seen.append(shop.json("status"))

    monkeypatch.setattr(Session, "note_rest", noted)
    shop.run("migrate --throttle 90")
    resting = [each["new"]["resting"] for each in seen]  # type: ignore[index]
    assert resting[:2] == [None, "throttled to 90% of the time"]
    assert shop.ask("SELECT resting FROM _migration_progress", shop.new) == [(None,)]


def test_what_a_killed_run_left_is_no_reason_any_more(shop: Shop) -> None:
    shop.run("migrate")
    db = sqlite3.connect(shop.new, isolation_level=None)
    db.execute("UPDATE _migration_progress SET resting = 'throttled'")
    db.execute("UPDATE _migration_copy SET state = 'indexing'")
    db.execute("DROP INDEX IF EXISTS ix")
    db.close()
    assert "; throttled" not in shop.run("status").stdout  # nobody is at work
    shop.run("migrate")
    assert shop.ask("SELECT resting FROM _migration_progress", shop.new) == [(None,)]


def test_its_commits_are_real_ones_and_change_nothing(shop: Shop) -> None:
    shop.run("migrate")
    before = shop.ask("SELECT * FROM _migration_marker"), shop.ask("SELECT count(*) FROM _migration_log")
    with pacing(shop.old, 0.5, 5.0) as found:
        assert found.commit is not None
        version = shop.ask("PRAGMA data_version")
        assert 0 < found.commit() < 5
        assert shop.ask("PRAGMA data_version") == version  # of another connection each time
    assert (shop.ask("SELECT * FROM _migration_marker"), shop.ask("SELECT count(*) FROM _migration_log")) == before


def test_a_commit_that_waits_for_another_writer_is_as_slow(shop: Shop) -> None:
    shop.run("migrate")
    other = sqlite3.connect(shop.old, isolation_level=None, check_same_thread=False)
    with pacing(shop.old, 0.5, 0.2) as found:
        assert found.commit is not None
        other.execute("BEGIN IMMEDIATE")
        assert found.commit() >= LOCKED_SECONDS
        other.execute("ROLLBACK")
        assert found.commit() < LOCKED_SECONDS


def test_a_writer_that_keeps_its_lock_does_not_stop_the_copy(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "MOST_PAUSES", 2)
    other = sqlite3.connect(shop.old, isolation_level=None)
    real = Session.note_rest

    def locked(self: Session, reason: str | None) -> None:
        real(self, reason)
        if not other.in_transaction:
            other.execute("BEGIN IMMEDIATE")

    monkeypatch.setattr(Session, "note_rest", locked)
    done = shop.run("migrate --throttle 90 --busy-timeout 0.2")
    other.execute("ROLLBACK")
    other.close()
    assert f"Copied {ROWS} rows" in done.stdout


def test_offline_is_not_throttled(shop: Shop) -> None:
    refused = shop.run("migrate --offline --throttle 50", code=2)
    assert "--offline pauses writes until all is copied" in refused.stderr


@pytest.mark.parametrize("given", ["0", "101", "abc", "", "nan", "-5"])
def test_what_is_no_share_is_refused(shop: Shop, given: str) -> None:
    refused = shop.run(f"migrate --throttle={given}", code=2)
    assert "Invalid value for '--throttle'" in refused.stderr
    assert json.loads(shop.run("status --json").stdout)["phase"] == "none"
