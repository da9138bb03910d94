"""What a phase tells while it runs, to whoever draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` rows in one stage of the work ("copying", "replaying", …); a total of None is unknown.

    ``resting`` says why it waits, or works only part of the time.
    """

    stage: str
    done: int
    total: int | None = None
    table: str | None = None
    resting: str | None = None


Report = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Nobody is watching."""
