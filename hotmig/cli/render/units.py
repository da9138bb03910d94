"""Sizes, times and counts as a person reads them."""

from __future__ import annotations

BINARY_UNITS = ("KiB", "MiB", "GiB", "TiB")
MINUTE, HOUR, DAY = 60, 3600, 86400


def size(count: int) -> str:
    """Bytes: ``512 B``, ``1.5 MiB``."""
    if count < 1024:
        return f"{count} B"
    amount = float(count)
    for unit in BINARY_UNITS:
        amount /= 1024
        if amount < 1024 or unit == BINARY_UNITS[-1]:
            break
    return f"{amount:.1f} {unit}"


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


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 row``, ``2 rows``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def milliseconds(seconds: float) -> str:
    """A pause: ``8.4 ms``, ``120 ms``."""
    amount = seconds * 1000
    return f"{amount:.1f} ms" if amount < 100 else f"{amount:,.0f} ms"
