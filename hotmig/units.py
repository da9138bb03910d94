"""Counts and sizes as people read them, the same in every message."""

from __future__ import annotations

_DECIMAL_UNITS = ("KB", "MB", "GB", "TB")


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size(count: float) -> str:
    """Bytes, in powers of 1,000: ``512 bytes``, ``1.5 MB``."""
    if count < 1000:
        return counted(round(count), "byte")
    amount = float(count)
    for unit in _DECIMAL_UNITS:
        amount /= 1000
        if amount < 999.95 or unit == _DECIMAL_UNITS[-1]:
            break
    return f"{amount:,.1f} {unit}"
