"""The one place where statements are executed."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

import hotmig.sqlite
from hotmig.sqlite import connect, execute


@pytest.fixture
def cut_short(tmp_path: Path) -> Path:
    """A database with the journal of a transaction whose writer died."""
    path, dead = tmp_path / "live.sqlite", tmp_path / "dead.sqlite"
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(
        "PRAGMA cache_size = 1; CREATE TABLE t(a);"
        " INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
        " SELECT i FROM n;"
    )
    db.executescript("BEGIN; UPDATE t SET a = -a;")
    for suffix in ("", "-journal"):
        shutil.copyfile(f"{path}{suffix}", f"{dead}{suffix}")
    db.close()
    return dead


def roll_back(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("SELECT * FROM t").fetchone()
    db.close()


def test_a_journal_that_is_hot_for_a_moment_is_waited_for(cut_short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As SQLite may see it between two commits of a live writer."""
    monkeypatch.setattr(hotmig.sqlite, "HOT_JOURNAL_SECONDS", 30.0)  # however busy the machine is
    timer = threading.Timer(0.02, roll_back, [cut_short])
    db = connect(cut_short, "ro")
    timer.start()
    assert execute(db, "SELECT min(a) FROM t", patience=30.0).fetchone() == (1,)
    timer.join()
    db.close()


def test_one_that_stays_is_told(cut_short: Path) -> None:
    db = connect(cut_short, "ro", patience=30.0)
    with pytest.raises(sqlite3.OperationalError) as told:
        execute(db, "SELECT min(a) FROM t")
    assert told.value.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK
    db.close()
