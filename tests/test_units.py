"""Counts and sizes as people read them."""

from __future__ import annotations

import pytest

from hotmig.units import counted, size


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 KB"),
        (1_500_000, "1.5 MB"),
        (999_999_999, "1.0 GB"),
        (84_297_800_000, "84.3 GB"),
        (9_216 * 10**12, "9,216.0 TB"),
    ],
)
def test_size(count: int, said: str) -> None:
    assert size(count) == said


def test_counted() -> None:
    assert (counted(1, "row"), counted(2000, "row"), counted(2, "entry", "entries")) == (
        "1 row",
        "2,000 rows",
        "2 entries",
    )
