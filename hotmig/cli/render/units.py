"""Times and figures as a person reads them."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60, 3600, 86400


def duration(seconds: float) -> str:
    """Seconds in the two largest units: ``0.8 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``, ``4 d 1 h``."""
    seconds = max(seconds, 0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def number(count: int | None, missing: str = "n/a") -> str:
    """A count with thousands separators."""
    return missing if count is None else f"{count:,}"


def pause(seconds: float) -> str:
    """A pause: ``8.4 ms``, ``120 ms``, ``2.3 s``."""
    amount = seconds * 1000
    if round(amount) >= 1000:
        return duration(seconds)
    return f"{amount:.1f} ms" if amount < 100 else f"{amount:.0f} ms"
