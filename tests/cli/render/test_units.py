"""Sizes, times and counts as a person reads them."""

from __future__ import annotations

import pytest

from hotmig.cli.render.units import counted, duration, milliseconds, number, size


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536 * 1024, "1.5 MiB"),
        (5 << 30, "5.0 GiB"),
        (9 << 50, "9216.0 TiB"),
    ],
)
def test_size(count: int, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0.0 s"), (0.84, "0.8 s"), (12.9, "12 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (349_200, "4 d 1 h")],
)
def test_duration(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(("seconds", "said"), [(0.00842, "8.4 ms"), (0.12, "120 ms"), (12.0, "12,000 ms")])
def test_milliseconds(seconds: float, said: str) -> None:
    assert milliseconds(seconds) == said


def test_counts() -> None:
    assert (counted(1, "row"), counted(2000, "row"), counted(2, "entry", "entries")) == (
        "1 row",
        "2,000 rows",
        "2 entries",
    )
    assert (number(1234), number(None)) == ("1,234", "n/a")
