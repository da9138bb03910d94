"""The one place where statements are executed."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

import hotmig.sqlite
from hotmig.sqlite import connect, execute, same


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


# --- values that are stored alike


EDGES = (
    "NULL", "0", "1", "-1", "9223372036854775807", "-9223372036854775808", "-9223372036854775807", "9007199254740993",
    "0.0", "-0.0", "1.0", "1.5", "9007199254740992.0", "-9223372036854775808.0", "9223372036854775808.0", "1e400",
    "'1'", "'1.0'", "'abc'", "'ABC'", "''", "'a' || char(0) || 'b'", "x''", "x'31'", "x'616263'",
    "'-9223372036854775808'",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["TEXT", "REAL", "INTEGER", "NUMERIC"])
@pytest.mark.parametrize("collation", ["BINARY", "NOCASE"])
def test_what_is_stored_alike_is_the_same_by_the_shorter_question_too(kind: str, collation: str) -> None:
    """Every pair of values, as a column of that affinity keeps them: column with column, and with a bare value."""
    db = connect(":memory:", "rwc")
    db.execute(f"CREATE TABLE a(v {kind} COLLATE {collation})")
    for edge in EDGES:
        db.execute(f"INSERT INTO a VALUES ({edge})")
    db.execute("CREATE TABLE b(v)")  # without affinity, as the temporary tables of a replay
    db.execute("INSERT INTO b SELECT v FROM a")
    # And what such a column has where its type was changed behind SQLite's back.
    for edge in EDGES:
        db.execute(f"INSERT INTO b SELECT v FROM (SELECT {edge} AS v) WHERE typeof(v) IN ('text', 'blob')")
    for left, right in (("a", "a"), ("a", "b"), ("b", "a")):
        plain, short = same("l.v", "r.v"), same("l.v", "r.v", stored_as=kind)
        question = f"SELECT quote(l.v), quote(r.v) FROM {left} AS l, {right} AS r WHERE ({plain}) IS NOT ({short})"
        assert db.execute(question).fetchall() == []
    assert db.execute(f"SELECT count(*) FROM a AS l, a AS r WHERE {same('l.v', 'r.v')}").fetchone()[0] >= len(EDGES)


def test_the_shorter_question_spares_typeof_where_it_can() -> None:
    assert "typeof" not in same("a", "b", stored_as="TEXT") + same("a", "b", stored_as="REAL")
    assert "typeof" in same("a", "b", stored_as="BLOB")
