"""Times and figures as a person reads them."""

from __future__ import annotations

import pytest

from hotmig.cli.render.units import duration, number, pause


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0.0 s"), (0.84, "0.8 s"), (12.9, "12 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (349_200, "4 d 1 h")],
)
def test_duration(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.00842, "8.4 ms"), (0.12, "120 ms"), (0.9996, "1.0 s"), (2.312, "2.3 s"), (12.0, "12 s")]
)
def test_pauses(seconds: float, said: str) -> None:
    assert pause(seconds) == said


def test_a_figure_that_is_unknown_is_said_to_be() -> None:
    assert (number(1234), number(None)) == ("1,234", "n/a")
