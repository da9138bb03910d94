"""Room for the last commit: taken before the old database is retired, given back right before it is needed."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from hotmig.errors import HotmigError
from hotmig.phases.room import give_back, reserved

SIZE = 300_000


def test_it_is_taken_for_good_and_given_back_when_asked(tmp_path: Path) -> None:
    new, reserve = tmp_path / "app.sqlite", tmp_path / "app.sqlite-reserve"
    with reserved(new, SIZE) as release:
        stat = os.stat(reserve)
        assert stat.st_blocks * 512 >= SIZE
        assert stat.st_mode & 0o777 == 0o600
        release()
        assert not reserve.exists()
    assert not reserve.exists()


def test_a_failure_gives_it_back(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), reserved(tmp_path / "app.sqlite", SIZE):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_command_reserved_is_taken_over_and_given_back(tmp_path: Path) -> None:
    (tmp_path / "app.sqlite-reserve").write_bytes(b"x")
    with reserved(tmp_path / "app.sqlite", SIZE):
        pass
    give_back(tmp_path / "app.sqlite")  # nothing is left: nothing to do
    assert list(tmp_path.iterdir()) == []


def test_without_room_it_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE // 2, hard))
    try:
        with pytest.raises(HotmigError, match="the disk has no room for the cutover"), reserved(tmp_path / "a", SIZE):
            raise AssertionError("it was reserved")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
