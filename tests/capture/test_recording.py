"""Starting to record, and leaving the old database: one transaction each, and each can be done twice."""

from __future__ import annotations

import sqlite3

import pytest

from hotmig.capture.fence import raise_fence, retire
from hotmig.capture.marker import read_marker, retired_successor
from hotmig.capture.recording import (
    leave_retired,
    leave_retired_sql,
    start_recording,
    start_recording_sql,
    stay_first,
    stop_recording,
    stop_recording_sql,
)
from hotmig.errors import GaveUp, Refused
from hotmig.sqlite import transaction
from tests.capture.conftest import SECONDS, TARGET, make_plan, start


def dump(db: sqlite3.Connection) -> list[str]:
    return list(db.iterdump())


def schema(db: sqlite3.Connection) -> list[tuple[object, ...]]:
    return db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name").fetchall()


def own_objects(db: sqlite3.Connection) -> set[str]:
    return {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE name GLOB '_migration_*'")}


def retired(db: sqlite3.Connection) -> None:
    plan = make_plan(db)
    start(db, plan)
    with transaction(db, SECONDS, "the lock"):
        raise_fence(db, plan.recorded, 60)
        retire(db)


def test_from_the_commit_on_every_write_is_logged(db: sqlite3.Connection, application: sqlite3.Connection) -> None:
    start(db, make_plan(db))
    application.execute("INSERT INTO customer VALUES (3, 'cid')")
    rows = application.execute("SELECT operation, table_name, key_1 FROM _migration_log").fetchall()
    assert rows == [("insert", "customer", 3)]


def test_nothing_is_created_when_the_database_is_no_longer_the_planned_one(db: sqlite3.Connection) -> None:
    def verify() -> None:
        assert db.in_transaction
        raise Refused("the schema changed")

    before = dump(db)
    with pytest.raises(Refused, match="the schema changed"):
        start_recording(db, make_plan(db).recorded, TARGET, "hash", SECONDS, verify)
    assert dump(db) == before


def test_the_same_recording_is_started_once(db: sqlite3.Connection, application: sqlite3.Connection) -> None:
    plan = make_plan(db)
    start(db, plan)
    application.execute("DELETE FROM customer WHERE id = 2")
    before = dump(db)
    start(db, plan)
    assert dump(db) == before


def test_another_recording_is_refused(db: sqlite3.Connection) -> None:
    plan = make_plan(db)
    start(db, plan)
    with pytest.raises(Refused, match=TARGET):
        start_recording(db, plan.recorded, "other.sqlite", plan.hash, SECONDS, lambda: None)


def test_left_overs_of_a_migration_are_refused(db: sqlite3.Connection) -> None:
    start(db, make_plan(db))
    db.execute("DELETE FROM _migration_marker")
    with pytest.raises(Refused, match="left of a migration") as refused:
        start(db, make_plan(db))
    assert "hotmig reset" in str(refused.value.hint)
    assert stop_recording(db, SECONDS).marker is None
    assert own_objects(db) == set()


def test_a_held_lock_is_waited_for_and_given_up(db: sqlite3.Connection, application: sqlite3.Connection) -> None:
    plan = make_plan(db)
    application.execute("BEGIN IMMEDIATE")
    with pytest.raises(GaveUp, match="write lock"):
        start_recording(db, plan.recorded, TARGET, plan.hash, 0.01, lambda: None)
    application.execute("ROLLBACK")
    assert own_objects(db) == set()


def test_a_commit_that_waits_for_a_long_reader_lets_everybody_in_again(
    db: sqlite3.Connection, application: sqlite3.Connection
) -> None:
    db.execute("PRAGMA journal_mode = DELETE")
    plan = make_plan(db)
    application.execute("BEGIN")
    application.execute("SELECT * FROM customer").fetchone()
    with pytest.raises(GaveUp, match="gave up after 2 s"):
        start_recording(db, plan.recorded, TARGET, plan.hash, 3600, lambda: None)
    application.execute("COMMIT")
    application.execute("INSERT INTO customer VALUES (3, 'cid')")
    assert own_objects(db) == set()


def test_the_printed_sql_does_the_same(db: sqlite3.Connection) -> None:
    plan = make_plan(db)
    before = dump(db)
    for sql in start_recording_sql(plan.recorded, TARGET, plan.hash):
        db.execute(sql)
    marker = read_marker(db)
    assert marker is not None
    assert (marker.schema_version,) == db.execute("PRAGMA schema_version").fetchone()
    printed = schema(db)
    for sql in stop_recording_sql(db):
        db.execute(sql)
    assert dump(db) == before
    assert stop_recording_sql(db) == ()
    start(db, plan)
    assert schema(db) == printed


def test_stopping_leaves_the_database_as_it_was(db: sqlite3.Connection, application: sqlite3.Connection) -> None:
    before = dump(db)
    plan = make_plan(db)
    start(db, plan)
    with transaction(db, SECONDS, "the lock"):
        raise_fence(db, plan.recorded, 0.0)
    marker, objects = read_marker(db), own_objects(db)
    removed = stop_recording(db, SECONDS)
    assert removed.marker == marker
    assert set(removed.dropped) == objects
    assert dump(db) == before
    assert stop_recording(db, SECONDS).dropped == ()
    application.execute("INSERT INTO customer VALUES (9, 'zed')")
    assert db.execute("SELECT count(*) FROM customer").fetchone() == (3,)


def test_objects_that_only_look_like_ours_stay(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE _migration_notes(a)")
    db.execute("CREATE TRIGGER _migration_capture_all AFTER INSERT ON customer BEGIN SELECT 1; END")
    start(db, make_plan(db))
    stop_recording(db, SECONDS)
    assert own_objects(db) == {"_migration_notes", "_migration_capture_all"}


def test_a_retired_database_is_not_reset(db: sqlite3.Connection) -> None:
    retired(db)
    with pytest.raises(Refused, match="retired"):
        stop_recording(db, SECONDS)
    leave_retired(db, TARGET, SECONDS)
    with pytest.raises(Refused, match="retired"):
        stop_recording(db, SECONDS)


def test_a_retired_database_keeps_a_fence_that_stands_by_itself(
    db: sqlite3.Connection, application: sqlite3.Connection
) -> None:
    retired(db)
    db.execute("BEGIN")
    for sql in leave_retired_sql(db, TARGET):
        db.execute(sql)
    printed = schema(db)
    db.execute("ROLLBACK")
    removed = leave_retired(db, TARGET, SECONDS)
    assert schema(db) == printed
    assert {"_migration_marker", "_migration_log", "_migration_capture_1_after_insert"} <= set(removed.dropped)
    assert own_objects(db) == {
        "_migration_retired",
        *(f"_migration_fence_{number}_{event}" for number in (1, 2) for event in ("insert", "update", "delete")),
    }
    assert retired_successor(db) == TARGET
    for sql in ("INSERT INTO orders(id) VALUES (7)", "UPDATE customer SET email = 'x'", "DELETE FROM customer"):
        with pytest.raises(sqlite3.IntegrityError, match=f"hotmig: this database was replaced by {TARGET}"):
            application.execute(sql)
    assert leave_retired(db, TARGET, SECONDS).dropped == ()


@pytest.mark.parametrize("cleaned_before", [False, True])
def test_unfencing_leaves_nothing(db: sqlite3.Connection, cleaned_before: bool) -> None:
    before = dump(db)
    retired(db)
    if cleaned_before:
        leave_retired(db, TARGET, SECONDS)
    assert "_migration_fence_1_insert" in leave_retired(db, TARGET, SECONDS, unfence=True).dropped
    assert dump(db) == before
    assert leave_retired(db, TARGET, SECONDS, unfence=True).dropped == ()


def test_a_database_in_service_is_not_cleaned(db: sqlite3.Connection) -> None:
    start(db, make_plan(db))
    before = dump(db)
    with pytest.raises(Refused, match="still being migrated"):
        leave_retired(db, TARGET, SECONDS)
    assert dump(db) == before


FAILS = (
    "CREATE TABLE audit(word TEXT UNIQUE)",
    "CREATE TRIGGER audits AFTER INSERT ON customer BEGIN INSERT INTO audit VALUES ('again'); END",
)
MADE_AGAIN = ("DROP TRIGGER audits", FAILS[1])


def logged_behind_a_failure(application: sqlite3.Connection, id: int) -> list[tuple[object, ...]]:
    with pytest.raises(sqlite3.IntegrityError, match=r"audit\.word"):
        application.execute("INSERT OR FAIL INTO customer VALUES (?, NULL)", (id,))
    assert application.execute("SELECT count(*) FROM customer WHERE id = ?", (id,)).fetchone() == (1,)
    return application.execute(
        "SELECT key_1 FROM _migration_log WHERE table_name = 'customer' AND key_1 = ?", (id,)
    ).fetchall()


def test_a_trigger_that_the_application_makes_again_does_not_come_first(
    db: sqlite3.Connection, application: sqlite3.Connection
) -> None:
    """Under OR FAIL a row stays that an AFTER trigger has failed behind, and what would fire next does not."""
    for sql in (*FAILS, "INSERT INTO audit VALUES ('again')"):
        application.execute(sql)
    plan = make_plan(db)
    start(db, plan)
    assert logged_behind_a_failure(application, 10) == [(10,)]
    for sql in MADE_AGAIN:
        application.execute(sql)
    assert logged_behind_a_failure(application, 11) == []
    with transaction(db, SECONDS, "the lock"):
        stay_first(db, plan.recorded)
    assert logged_behind_a_failure(application, 12) == [(12,)]


def test_triggers_that_are_the_newest_are_left_alone(db: sqlite3.Connection, application: sqlite3.Connection) -> None:
    application.execute(FAILS[0])
    application.execute(FAILS[1])
    plan = make_plan(db)
    start(db, plan)
    before = application.execute("PRAGMA schema_version").fetchall()
    with transaction(db, SECONDS, "the lock"):
        stay_first(db, plan.recorded)
    assert application.execute("PRAGMA schema_version").fetchall() == before
