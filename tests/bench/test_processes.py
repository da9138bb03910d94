"""What a child process used, and nothing of what its parent did."""

from __future__ import annotations

import os

import pytest

from hotmig.bench.processes import python, run
from hotmig.errors import HotmigError


def test_the_peak_is_that_of_the_child_alone() -> None:
    ballast = bytearray(os.urandom(1)) * 200_000_000
    small = run(python("-c", "import time; time.sleep(0.2)"), os.environ)
    large = run(python("-c", "import time; held = bytearray(b'x') * 100_000_000; time.sleep(0.2)"), os.environ)
    assert len(ballast) == 200_000_000
    assert 1e6 < small.peak < 60e6
    assert 100e6 < large.peak < 180e6


def test_its_time_and_output_are_told() -> None:
    used = run(python("-c", "import time; time.sleep(0.2); print('done')"), os.environ)
    assert used.out == "done\n"
    assert 0.2 <= used.seconds == used.ended - used.began


def test_a_program_that_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(HotmigError, match="failed: no more"):
        run(python("-c", "import sys; print('much'); sys.exit('no more')"), os.environ)
