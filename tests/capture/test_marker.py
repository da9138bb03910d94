"""Reading the marker."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hotmig.capture.fence import stand_fence
from hotmig.capture.marker import (
    CREATE_MARKER,
    FORMAT,
    Marker,
    captures_in_vain,
    has_triggers,
    insert_marker,
    read_marker,
    retired_successor,
)
from hotmig.errors import Refused
from hotmig.sqlite import connect, execute
from tests.capture.conftest import TARGET, make_plan, start


def test_a_database_that_was_never_recorded_has_no_marker(db: sqlite3.Connection) -> None:
    assert read_marker(db) is None
    assert retired_successor(db) is None


def test_the_marker_says_what_is_under_way(db: sqlite3.Connection) -> None:
    start(db, make_plan(db))
    (version,) = db.execute("PRAGMA schema_version").fetchone()
    (started,) = db.execute("SELECT started_utc FROM _migration_marker").fetchone()
    assert read_marker(db) == Marker(FORMAT, "recording", TARGET, "hash", version, None, None, started)
    assert retired_successor(db) is None


def test_the_marker_is_read_through_an_attached_schema(db: sqlite3.Connection, old_path: object) -> None:
    start(db, make_plan(db))
    reader = sqlite3.connect(":memory:")
    reader.execute("ATTACH ? AS old", (str(old_path),))
    assert read_marker(reader, "old") == read_marker(db)
    assert read_marker(reader) is None
    reader.close()


def test_triggers_are_seen_without_a_marker(db: sqlite3.Connection) -> None:
    db.execute("CREATE TRIGGER _migration_capture_all AFTER INSERT ON customer BEGIN SELECT 1; END")
    assert not has_triggers(db)
    plan = make_plan(db)
    start(db, plan)
    db.execute("DROP TABLE _migration_marker")
    assert has_triggers(db)
    assert not captures_in_vain(db)
    db.execute("DROP TABLE _migration_log")
    assert captures_in_vain(db)


def test_a_fence_without_a_marker_is_seen(db: sqlite3.Connection) -> None:
    plan = make_plan(db)
    start(db, plan)
    stand_fence(db, plan.recorded)
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE name GLOB '_migration_capture*'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    assert not captures_in_vain(db)
    db.execute("DROP TABLE _migration_marker")
    assert has_triggers(db)
    assert captures_in_vain(db)


def test_a_marker_of_a_newer_hotmig_is_refused(db: sqlite3.Connection) -> None:
    start(db, make_plan(db))
    db.execute("UPDATE _migration_marker SET format = format + 1")
    with pytest.raises(Refused, match="a newer hotmig"):
        read_marker(db)


def test_a_retired_database_names_its_successor(db: sqlite3.Connection) -> None:
    start(db, make_plan(db))
    db.execute("UPDATE _migration_marker SET status = 'retired'")
    assert retired_successor(db) == TARGET


@pytest.mark.parametrize(
    "change", ["target = '../other.sqlite'", "target = ''", "fence_until = 'soon'", "fence_uptime = 'x'"]
)
def test_a_marker_that_was_changed_by_hand_is_refused(tmp_path: Path, change: str) -> None:
    db = connect(tmp_path / "old.sqlite", "rwc")
    execute(db, CREATE_MARKER)
    execute(db, insert_marker("shop-0123456789abcdef.sqlite", "0" * 16))
    execute(db, f"UPDATE _migration_marker SET {change}")
    with pytest.raises(Refused, match="changed by hand"):
        read_marker(db)
