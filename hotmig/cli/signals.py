"""Being told to stop: the work is unwound (a fence comes down), then the exit code says which signal it was."""

from __future__ import annotations

import signal
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_received: int | None = None


class Stopped(BaseException):
    """A signal asked us to stop. No ``except Exception`` on the way may swallow it."""


def stop_on_signals() -> None:
    """Turns the signals that ask a process to stop into an exception in the main thread."""
    for number in STOPPING:
        # Whoever started us may have had it ignored (nohup): that stays so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def received() -> int | None:
    """The signal that asked us to stop, or None. SQLite callbacks swallow the exception: ask here too."""
    return _received


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the shape of a signal handler
    global _received
    _received = number
    raise Stopped
