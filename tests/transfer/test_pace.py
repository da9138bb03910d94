"""How the copy leaves room: a share of the time, and pauses where the application suffers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotmig.transfer import pace
from hotmig.transfer.pace import Pace, wal_size


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have slept."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


def with_log(tmp_path: Path, size: int) -> Path:
    (tmp_path / "app.db-wal").write_bytes(b"x" * size)
    return tmp_path / "app.db"


def test_without_a_throttle_it_works_all_the_time(tmp_path: Path, slept: list[float]) -> None:
    Pace().rest(tmp_path / "app.db", 3.0)
    assert slept == []


@pytest.mark.parametrize(("share", "worked", "rested"), [(0.5, 2.0, 2.0), (0.25, 1.0, 3.0), (0.1, 0.1, 0.9)])
def test_a_share_of_the_time(tmp_path: Path, slept: list[float], share: float, worked: float, rested: float) -> None:
    told: list[str | None] = []
    Pace(share, lambda: 0.0, told.append).rest(tmp_path / "app.db", worked)
    assert slept == [pytest.approx(rested)]
    assert told == [f"throttled to {share:.0%} of the time"]


def test_it_rests_while_commits_are_slow(tmp_path: Path, slept: list[float]) -> None:
    taken: Iterator[float] = iter([0.083, 0.06, 0.01])
    told: list[str | None] = []
    Pace(1.0, lambda: next(taken), told.append).rest(tmp_path / "app.db", 1.0)
    assert slept == [pace.PAUSE_SECONDS] * 2
    assert told == ["a commit to the old database took 83 ms", "a commit to the old database took 60 ms", None]


def test_what_does_not_get_better_does_not_stop_it(tmp_path: Path, slept: list[float]) -> None:
    Pace(1.0, lambda: 9.0).rest(tmp_path / "app.db", 1.0)
    assert len(slept) == pace.MOST_PAUSES


def test_it_rests_while_the_log_grows_beyond_its_limit(
    tmp_path: Path, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "MOST_WAL_BYTES", 1_000)
    told: list[str | None] = []
    resting = Pace(tell=told.append)
    resting.rest(with_log(tmp_path, 900), 1.0)
    assert (slept, told) == ([], [])
    resting.rest(with_log(tmp_path, 1_500), 1.0)
    assert slept == [pace.PAUSE_SECONDS]
    assert told == ["the old database's log has grown to 1.5 KB: its application's checkpoints need a gap", None]
    resting.rest(with_log(tmp_path, 1_500), 1.0)  # it started over, and keeps its size
    assert len(slept) == 1
    assert resting.largest_wal == 1_500


def test_a_log_that_was_large_before_is_none_of_ours(
    tmp_path: Path, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "MOST_WAL_BYTES", 1_000)
    Pace().rest(with_log(tmp_path, 5_000), 1.0)
    assert slept == []


def test_the_log_is_that_of_the_file_that_a_link_leads_to(tmp_path: Path) -> None:
    old = with_log(tmp_path, 7)
    link = tmp_path / "other.db"
    link.symlink_to(old)
    assert (wal_size(link), wal_size(tmp_path / "nothing.db")) == (7, 0)


def test_a_log_that_grows_through_a_whole_rest_is_rested_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else reads for long. Once it has stopped growing, it is looked at again."""
    monkeypatch.setattr(pace, "MOST_WAL_BYTES", 1_000)
    old, sizes, slept = tmp_path / "app.db", iter(range(2_000, 900_000, 100)), []

    def grow(seconds: float) -> None:
        slept.append(seconds)
        with_log(tmp_path, next(sizes))

    monkeypatch.setattr(time, "sleep", grow)
    resting = Pace()
    for _ in range(5):
        with_log(tmp_path, next(sizes))
        resting.rest(old, 1.0)
    assert len(slept) == pace.MOST_PAUSES
    resting.rest(old, 1.0)  # it kept its size
    with_log(tmp_path, next(sizes))
    resting.rest(old, 1.0)
    assert len(slept) > pace.MOST_PAUSES
