"""That somebody set the clock is told by the time since the boot."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from hotmig.capture.clock import SLACK_SECONDS, clock_set, julian_day, unix_time
from hotmig.capture.fence import lower_fence, raise_fence
from hotmig.capture.marker import Marker, read_marker
from hotmig.sqlite import transaction
from tests.capture.conftest import SECONDS, make_plan, start


@pytest.mark.parametrize("moment", ["1970-01-01", "2026-01-02 03:04:05", "2100-12-31 23:59:59"])
def test_moments_of_the_marker_are_told_as_python_tells_them(db: sqlite3.Connection, moment: str) -> None:
    day, seconds = db.execute("SELECT julianday(?1), CAST(strftime('%s', ?1) AS INTEGER)", (moment,)).fetchone()
    assert unix_time(day) == pytest.approx(seconds, abs=0.001)
    assert julian_day(seconds) == pytest.approx(day)


@pytest.fixture
def fenced(db: sqlite3.Connection) -> sqlite3.Connection:
    plan = make_plan(db)
    start(db, plan)
    with transaction(db, SECONDS, "test"):
        raise_fence(db, plan.recorded, 60)
    return db


def marker_of(db: sqlite3.Connection) -> Marker:
    marker = read_marker(db)
    assert marker is not None
    return marker


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, None),
        (SLACK_SECONDS / 2, None),
        (-SLACK_SECONDS / 2, None),
        (45.0, "the clock was set on by 45 s"),
        (-3600.0, "the clock was set back by 3,600 s"),
    ],
)
def test_by_how_much_the_clock_was_set(fenced: sqlite3.Connection, seconds: float, told: str | None) -> None:
    """When the clock is set on, the fence's times lie further back."""
    fenced.execute("UPDATE _migration_marker SET fence_from = fence_from - ? / 86400", (seconds,))
    assert clock_set(marker_of(fenced)) == told


def test_after_another_boot_nobody_knows(fenced: sqlite3.Connection) -> None:
    marker = marker_of(fenced)
    assert marker.fence_uptime is not None
    _, _, seconds = marker.fence_uptime.partition(" ")
    marker = replace(marker, fence_from=0.0)
    assert clock_set(marker) is not None
    assert clock_set(replace(marker, fence_uptime=f"another-boot {seconds}")) is None
    assert clock_set(replace(marker, fence_uptime=f" {seconds}")) is None
    assert clock_set(replace(marker, fence_uptime=None)) is None


def test_without_a_fence_the_clock_does_not_matter(fenced: sqlite3.Connection) -> None:
    with transaction(fenced, SECONDS, "test"):
        lower_fence(fenced)
    assert marker_of(fenced).fence_uptime is None
    assert clock_set(marker_of(fenced)) is None


def test_a_fence_that_is_raised_again_keeps_the_time_since_when_it_refuses(fenced: sqlite3.Connection) -> None:
    first = marker_of(fenced)
    with transaction(fenced, SECONDS, "test"):
        raise_fence(fenced, make_plan(fenced).recorded, 60)
    again = marker_of(fenced)
    assert (again.fence_from, again.fence_uptime) == (first.fence_from, first.fence_uptime)


def test_a_fence_that_lapsed_begins_anew(fenced: sqlite3.Connection) -> None:
    first = marker_of(fenced)
    fenced.execute("UPDATE _migration_marker SET fence_from = fence_from - 1, fence_until = fence_until - 1")
    with transaction(fenced, SECONDS, "test"):
        raise_fence(fenced, make_plan(fenced).recorded, 60)
    again = marker_of(fenced)
    assert again.fence_uptime != first.fence_uptime
    assert clock_set(again) is None
