"""The fence refuses every write, for a time, and for good once the database is retired."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

import pytest

from hotmig.capture.clock import unix_time
from hotmig.capture.fence import (
    FenceState,
    extend_fence,
    fence_state,
    fence_triggers,
    lower_fence,
    raise_fence,
    retire,
)
from hotmig.capture.marker import Marker, read_marker
from hotmig.errors import Refused
from hotmig.planning.model import CopyPlan, Recorded
from hotmig.sqlite import quote, transaction
from tests.capture.conftest import SECONDS, TARGET, make_plan, start
from tests.capture.keys import recorded_tables

PAUSED = f"hotmig: writes are paused for a migration to {TARGET}"
REPLACED = f"hotmig: this database was replaced by {TARGET}"

WRITES = [
    "INSERT INTO customer VALUES (3, 'cid')",
    "INSERT OR IGNORE INTO customer VALUES (3, 'cid')",
    "INSERT OR IGNORE INTO customer VALUES (1, 'cid')",
    "INSERT OR FAIL INTO customer VALUES (3, 'cid'), (4, 'dan')",
    "INSERT OR ROLLBACK INTO customer VALUES (3, 'cid')",
    "REPLACE INTO customer VALUES (1, 'cid')",
    "INSERT INTO customer VALUES (1, 'cid') ON CONFLICT DO UPDATE SET email = 'cid'",
    "INSERT INTO customer VALUES (3, 'cid') ON CONFLICT DO NOTHING",
    "INSERT INTO customer SELECT id + 10, email || '!' FROM customer",
    "INSERT INTO customer DEFAULT VALUES",
    "UPDATE customer SET email = 'cid' WHERE id = 1",
    "UPDATE OR IGNORE customer SET email = 'bob' WHERE id = 1",
    "UPDATE OR REPLACE customer SET email = 'bob' WHERE id = 1",
    "UPDATE OR FAIL customer SET id = id",
    "DELETE FROM customer",
    "DELETE FROM customer WHERE id = 1",
    "DELETE FROM orders",
    "INSERT INTO emails VALUES ('eve')",
    "INSERT OR IGNORE INTO emails VALUES ('eve')",
    "INSERT INTO plain VALUES (1)",
]


@pytest.fixture
def plan(db: sqlite3.Connection) -> CopyPlan:
    """Recording, with one table that has no key and is only fenced."""
    db.execute("CREATE TABLE plain(a)")
    whole = make_plan(db)
    recorded = tuple(
        Recorded(each.number, each.table, None if each.table.name == "plain" else each.key) for each in whole.recorded
    )
    plan = CopyPlan(whole.old, whole.new, (), recorded, whole.hash)
    start(db, plan)
    return plan


def up(db: sqlite3.Connection, plan: CopyPlan, hold: float = 60.0) -> None:
    with transaction(db, SECONDS, "the lock"):
        raise_fence(db, plan.recorded, hold)


def lower(db: sqlite3.Connection) -> None:
    with transaction(db, SECONDS, "the lock"):
        lower_fence(db)


def logged(db: sqlite3.Connection) -> list[tuple[object, ...]]:
    return db.execute("SELECT table_name, key_1 FROM _migration_log ORDER BY id").fetchall()


def marker_of(db: sqlite3.Connection) -> Marker:
    marker = read_marker(db)
    assert marker is not None
    return marker


def contents(db: sqlite3.Connection) -> list[tuple[object, ...]]:
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    return [(name, *row) for name in tables for row in db.execute(f"SELECT * FROM {quote(name)}")]


def assert_refused(application: sqlite3.Connection, sql: str, message: str) -> None:
    before = contents(application)
    with pytest.raises(sqlite3.IntegrityError) as error:
        application.execute(sql)
    assert str(error.value) == message
    assert contents(application) == before


@pytest.mark.parametrize("sql", WRITES)
def test_every_write_is_refused(
    db: sqlite3.Connection, application: sqlite3.Connection, plan: CopyPlan, sql: str
) -> None:
    up(db, plan)
    assert_refused(application, sql, PAUSED)
    with transaction(db, SECONDS, "the lock"):
        retire(db)
    assert_refused(application, sql, REPLACED)


def test_a_write_by_a_cascade_is_refused(db: sqlite3.Connection, application: sqlite3.Connection) -> None:
    plan = make_plan(db)
    start(db, plan)
    children = tuple(each for each in plan.recorded if each.table.name == "orders")
    with transaction(db, SECONDS, "the lock"):
        raise_fence(db, children, 60)
    assert_refused(application, "DELETE FROM customer WHERE id = 1", PAUSED)


def test_a_transaction_that_began_before_the_fence_goes_on_without_the_refused_statement(
    db: sqlite3.Connection, application: sqlite3.Connection, plan: CopyPlan
) -> None:
    application.execute("BEGIN")
    up(db, plan)
    assert_refused(application, "DELETE FROM customer", PAUSED)
    assert application.in_transaction
    assert application.execute("SELECT count(*) FROM customer").fetchone() == (2,)
    application.execute("COMMIT")
    assert_refused(application, "DELETE FROM customer", PAUSED)


def test_a_fence_that_has_lapsed_lets_writes_through_and_records_them(
    db: sqlite3.Connection, application: sqlite3.Connection, plan: CopyPlan
) -> None:
    up(db, plan)
    db.execute("UPDATE _migration_marker SET fence_until = julianday('now') - 0.001")
    application.execute("INSERT INTO customer VALUES (3, 'cid')")
    assert fence_state(marker_of(db), time.time()) == FenceState("lapsed", 0.0)
    assert logged(db) == [("customer", 3)]


def test_a_clock_that_is_set_back_does_not_keep_the_fence_up(
    db: sqlite3.Connection, application: sqlite3.Connection, plan: CopyPlan
) -> None:
    up(db, plan)
    db.execute("UPDATE _migration_marker SET fence_from = fence_from + 1, fence_until = fence_until + 1")
    assert not fence_state(marker_of(db), time.time()).is_up
    application.execute("INSERT INTO customer VALUES (3, 'cid')")
    assert logged(db) == [("customer", 3)]


def test_a_lapsed_fence_is_raised_again(
    db: sqlite3.Connection, application: sqlite3.Connection, plan: CopyPlan
) -> None:
    up(db, plan)
    db.execute("UPDATE _migration_marker SET fence_until = julianday('now') - 0.001")
    assert fence_state(marker_of(db), time.time()).state == "lapsed"
    up(db, plan)
    assert fence_state(marker_of(db), time.time()).state == "up"
    assert_refused(application, "DELETE FROM customer", PAUSED)


def test_a_fence_that_is_raised_while_it_is_up_has_been_up_since_it_was_first_raised(
    db: sqlite3.Connection, plan: CopyPlan
) -> None:
    up(db, plan)
    db.execute("UPDATE _migration_marker SET fence_from = fence_from - 0.001")
    first = marker_of(db)
    up(db, plan, hold=600.0)
    again = marker_of(db)
    assert again.fence_from == first.fence_from
    assert first.fence_until is not None
    assert again.fence_until is not None
    assert again.fence_until > first.fence_until


def test_lowering_leaves_the_recording_as_it_was(
    db: sqlite3.Connection, application: sqlite3.Connection, plan: CopyPlan
) -> None:
    def shape() -> list[tuple[object, ...]]:
        return db.execute("SELECT name, sql FROM sqlite_schema").fetchall()

    before = shape()
    up(db, plan)
    assert shape() != before
    lower(db)
    assert shape() == before
    marker = marker_of(db)
    assert (marker.status, marker.fence_from, marker.fence_until) == ("recording", None, None)
    application.execute("DELETE FROM orders")
    assert logged(db) == [("orders", 1)]


def test_raising_and_lowering_stamp_the_schema_version(db: sqlite3.Connection, plan: CopyPlan) -> None:
    changes: list[Callable[[], None]] = [lambda: raise_fence(db, plan.recorded, 60), lambda: lower_fence(db)]
    for change in changes:
        with transaction(db, SECONDS, "the lock"):
            change()
        assert (marker_of(db).schema_version,) == db.execute("PRAGMA schema_version").fetchone()


def test_somebody_elses_ddl_is_not_stamped(db: sqlite3.Connection, plan: CopyPlan) -> None:
    db.execute("CREATE TABLE theirs(a)")
    before = marker_of(db).schema_version
    up(db, plan)
    assert marker_of(db).schema_version == before


def test_the_state_counts_the_seconds_down(db: sqlite3.Connection, plan: CopyPlan) -> None:
    assert fence_state(None, 0.0) == fence_state(marker_of(db), 0.0) == FenceState("none", 0.0)
    up(db, plan, hold=60.0)
    marker = marker_of(db)
    assert marker.fence_from is not None
    raised = unix_time(marker.fence_from)
    state = fence_state(marker, raised + 20)
    assert state.is_up
    assert state.seconds_left == pytest.approx(40, abs=0.01)
    with transaction(db, SECONDS, "the lock"):
        extend_fence(db, 600.0)
    left = fence_state(marker_of(db), raised + 20).seconds_left
    assert left is not None
    assert left > 500
    with transaction(db, SECONDS, "the lock"):
        retire(db)
    assert fence_state(marker_of(db), raised + 1e9) == FenceState("up", None)


def test_nothing_is_fenced_that_is_not_recorded(db: sqlite3.Connection) -> None:
    changes: list[Callable[[], None]] = [
        lambda: raise_fence(db, (), 1),
        lambda: lower_fence(db),
        lambda: extend_fence(db, 1),
        lambda: retire(db),
    ]
    for change in changes:
        with pytest.raises(Refused, match="not being recorded"):
            change()


def test_only_a_draining_database_is_retired_and_none_comes_back(db: sqlite3.Connection, plan: CopyPlan) -> None:
    with pytest.raises(Refused, match="not up"):
        retire(db)
    with pytest.raises(Refused, match="not up"):
        extend_fence(db, 1)
    up(db, plan)
    retire(db)
    with pytest.raises(Refused, match="was replaced"):
        lower_fence(db)
    with pytest.raises(Refused, match="was replaced"):
        raise_fence(db, plan.recorded, 1)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("draining", "hotmig: writes are paused for a migration to it's.sqlite"),
        ("retired", "hotmig: this database was replaced by it's.sqlite"),
    ],
)
def test_quotes_in_names_and_targets(db: sqlite3.Connection, status: str, message: str) -> None:
    db.execute("""CREATE TABLE "it's ""new"(a)""")
    for sql in fence_triggers(recorded_tables(db), "it's.sqlite"):
        db.execute(sql)
    db.execute("CREATE TABLE _migration_marker(status, fence_from, fence_until)")
    db.execute("INSERT INTO _migration_marker VALUES (?, 0, julianday('now') + 1)", (status,))
    assert_refused(db, """INSERT INTO "it's ""new" VALUES (1)""", message)
