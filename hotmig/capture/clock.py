"""Whether somebody set the clock while the fence was up: told by the time since the boot, which nobody can set.

The fence goes by the clock, as its triggers can't ask for anything else.
"""

from __future__ import annotations

import time

from hotmig.capture.marker import Marker
from hotmig.process import boot_id

SLACK_SECONDS = 2.0  # a clock that is slewed drifts by less while a fence is up
JULIAN_DAY_OF_1970 = 2440587.5
SECONDS_A_DAY = 86400


def uptime() -> str:
    """The boot, and the seconds since then: for the marker."""
    return f"{boot_id()} {time.clock_gettime(time.CLOCK_BOOTTIME):.3f}"


def unix_time(julian_day: float) -> float:
    """A moment of the marker in seconds since 1970."""
    return (julian_day - JULIAN_DAY_OF_1970) * SECONDS_A_DAY


def julian_day(unix_time: float) -> float:
    """Seconds since 1970 as the marker has its times."""
    return unix_time / SECONDS_A_DAY + JULIAN_DAY_OF_1970


def clock_set(marker: Marker) -> str | None:
    """In words, by how much the clock was set since the fence was raised; None where it was not, or nobody knows.

    Nobody knows after another boot.
    """
    boot, _, then = (marker.fence_uptime or "").partition(" ")
    if marker.fence_from is None or not boot or boot != boot_id():
        return None
    passed = time.clock_gettime(time.CLOCK_BOOTTIME) - float(then)
    moved = time.time() - unix_time(marker.fence_from) - passed
    if abs(moved) < SLACK_SECONDS:
        return None
    return f"the clock was set {'on' if moved > 0 else 'back'} by {abs(moved):,.0f} s"
