"""Somebody's DDL while we record: what is harmless, and what is refused."""

from __future__ import annotations

import sqlite3

import pytest

from hotmig.capture.drift import check_drift, check_planned, drift
from hotmig.capture.fence import raise_fence
from hotmig.capture.marker import read_marker
from hotmig.errors import Refused
from hotmig.planning.model import CopyPlan
from hotmig.sqlite import transaction
from tests.capture.conftest import SECONDS, make_plan, start


@pytest.fixture
def plan(db: sqlite3.Connection) -> CopyPlan:
    plan = make_plan(db)
    start(db, plan)
    return plan


def checked(db: sqlite3.Connection, plan: CopyPlan) -> bool:
    with transaction(db, SECONDS, "the lock"):
        return check_drift(db, plan)


def stamped(db: sqlite3.Connection) -> bool:
    marker = read_marker(db)
    return marker is not None and (marker.schema_version,) == db.execute("PRAGMA schema_version").fetchone()


def test_nothing_happened(db: sqlite3.Connection, application: sqlite3.Connection, plan: CopyPlan) -> None:
    application.execute("DELETE FROM orders")
    checked(db, plan)
    marker = read_marker(db)
    assert marker is not None
    assert drift(db, plan, marker) == ()


@pytest.mark.parametrize("sql", ["ANALYZE", "VACUUM", "CREATE TABLE tried(a); DROP TABLE tried"])
def test_what_changes_no_schema_is_told_and_stamped_by_who_is_about_to_prove(
    db: sqlite3.Connection, application: sqlite3.Connection, plan: CopyPlan, sql: str
) -> None:
    for statement in sql.split(";"):
        application.execute(statement)
    assert not stamped(db)
    assert checked(db, plan)
    assert not stamped(db), "a drained database would be handed over without a proof"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("CREATE TABLE more(a)", "table more appeared"),
        ("DROP VIEW emails", "view emails dropped"),
        ("DROP TABLE orders", "table orders dropped"),
        ("ALTER TABLE customer ADD COLUMN name", "name"),
        ("ALTER TABLE customer RENAME TO client", "client"),
        ("ALTER TABLE orders RENAME COLUMN code TO sku", "sku"),
        ("CREATE UNIQUE INDEX again ON customer(email)", "again"),
        ("DROP INDEX orders_code", "orders_code"),
        ("CREATE TRIGGER theirs AFTER INSERT ON orders BEGIN SELECT 1; END", "trigger theirs appeared"),
        ("DROP TRIGGER _migration_capture_1_after_insert", "_migration_capture_1_after_insert dropped"),
        ("CREATE UNIQUE INDEX i ON _migration_log(key_1)", "i appeared"),
        ("CREATE TRIGGER g AFTER INSERT ON _migration_log BEGIN SELECT 1; END", "g appeared"),
        ("ALTER TABLE _migration_log ADD COLUMN a", "_migration_log changed"),
        ("DROP TABLE _migration_marker", "not being recorded any more"),
        ("DROP TABLE _migration_log", "_migration_log dropped"),
    ],
)
def test_what_changes_the_schema_is_refused_with_what_changed(
    db: sqlite3.Connection, application: sqlite3.Connection, plan: CopyPlan, sql: str, message: str
) -> None:
    application.execute("PRAGMA foreign_keys = OFF")
    application.execute(sql)
    with pytest.raises(Refused, match=message) as refused:
        checked(db, plan)
    assert "hotmig reset" in str(refused.value.hint)
    assert not stamped(db)


def test_a_table_that_was_swapped_for_its_like_is_refused(
    db: sqlite3.Connection, application: sqlite3.Connection, plan: CopyPlan
) -> None:
    application.execute("PRAGMA foreign_keys = OFF")
    (sql,) = application.execute("SELECT sql FROM sqlite_schema WHERE name = 'orders'").fetchone()
    application.execute("DROP TABLE orders")
    application.execute(sql)
    application.execute("CREATE UNIQUE INDEX orders_code ON orders(lower(code))")
    with pytest.raises(Refused, match="_migration_capture_2"):
        checked(db, plan)


def test_a_capture_trigger_with_another_text_is_refused(db: sqlite3.Connection, plan: CopyPlan) -> None:
    db.execute("DROP TRIGGER _migration_capture_2_before_delete")
    db.execute("CREATE TRIGGER _migration_capture_2_before_delete BEFORE DELETE ON orders BEGIN SELECT 1; END")
    with pytest.raises(Refused, match="_migration_capture_2_before_delete changed"):
        checked(db, plan)


def test_a_vacuum_with_a_table_that_has_only_its_rowid_is_refused(
    db: sqlite3.Connection, application: sqlite3.Connection
) -> None:
    db.execute("CREATE TABLE plain(a)")
    plan = make_plan(db)
    start(db, plan)
    checked(db, plan)
    application.execute("VACUUM")
    with pytest.raises(Refused, match="table plain has no key but the rowid"):
        checked(db, plan)


def test_the_fence_is_no_drift_once_it_was_raised(db: sqlite3.Connection, plan: CopyPlan) -> None:
    """With gaps neither: a drain raises a whole one."""
    with transaction(db, SECONDS, "the lock"):
        raise_fence(db, plan.recorded, 0.0)
    checked(db, plan)
    db.execute("ANALYZE")
    checked(db, plan)
    db.execute("DROP TRIGGER _migration_fence_2_delete")
    checked(db, plan)


def test_a_trigger_of_a_fence_that_nobody_raised_is_refused(db: sqlite3.Connection, plan: CopyPlan) -> None:
    """A drain would take it for its own, whatever it does."""
    table = plan.recorded[0].table.name
    db.execute(f"CREATE TRIGGER _migration_fence_1_insert BEFORE INSERT ON {table} BEGIN SELECT 1; END")
    with pytest.raises(Refused, match="_migration_fence_1_insert appeared"):
        checked(db, plan)


def test_raising_the_fence_does_not_cover_drift_up(
    db: sqlite3.Connection, application: sqlite3.Connection, plan: CopyPlan
) -> None:
    application.execute("CREATE TABLE more(a)")
    with transaction(db, SECONDS, "the lock"):
        raise_fence(db, plan.recorded, 0.0)
    with pytest.raises(Refused, match="table more appeared"):
        checked(db, plan)


def test_recording_is_not_started_on_another_schema_than_the_planned_one(db: sqlite3.Connection) -> None:
    plan = make_plan(db)
    check_planned(db, plan)
    db.execute("CREATE TABLE more(a)")
    with pytest.raises(Refused, match="table more appeared"):
        check_planned(db, plan)


def test_many_changes_are_told_briefly(db: sqlite3.Connection, plan: CopyPlan) -> None:
    for number in range(5):
        db.execute(f"CREATE TABLE more_{number}(a)")
    with pytest.raises(Refused, match="and 2 more"):
        checked(db, plan)
