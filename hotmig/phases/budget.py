"""How long writes may be paused."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

MAX_PAUSE_SECONDS = 2.0
HOLD_SECONDS = 60.0


@dataclass(frozen=True)
class Budget:
    """In seconds: how long the pause may take, and how long writes are refused when nobody goes on."""

    max_pause: float
    hold: float


@dataclass(frozen=True)
class Deadline:
    """The moment (of time.monotonic) at which a pause has to be over: one for all that is done in it."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    def left(self, most: float = math.inf) -> float:
        """The seconds until then, ``most`` at most, 0 when it is over."""
        return max(0.0, min(most, self.at - time.monotonic()))

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.at
