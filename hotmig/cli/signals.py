"""Being told to stop: the work is unwound (a fence comes down), then the exit code says which signal it was."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from hotmig.errors import Stopped

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ALREADY = b"Stopping already: what was begun is undone first.\n"
DONE = b"Done already; a second signal ends what is left: tidying up and printing.\n"

_received: int | None = None
_done_when: Callable[[], bool] | None = None


def stop_on_signals() -> None:
    """Turns the signals that ask a process to stop into an exception in the main thread."""
    for number in STOPPING:
        # Whoever started us may have had it ignored (nohup): that stays so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def received() -> int | None:
    """The first signal that asked us to stop, or None. SQLite callbacks swallow the exception: ask here too."""
    return _received


def done_when(is_done: Callable[[], bool] | None) -> None:
    """Behind what can't be taken back a signal comes too late, and must not make it look like a failure."""
    global _done_when
    _done_when = is_done


def ignore() -> None:
    """The exit code is settled: a signal has nothing left to stop, and would end Python in the middle of its own end,
    with a traceback or another exit code. An application that imports us keeps its handlers."""
    for number in STOPPING:
        if signal.getsignal(number) is _stop:
            signal.signal(number, signal.SIG_IGN)


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the shape of a signal handler
    global _received
    if _done_when is not None and _done_when():
        done_when(None)  # a second one is obeyed: whoever reads the output may hold it up
        _say(DONE)
        return
    if _received is not None and sys.exc_info()[0] is not None:
        # Something is being unwound already: stopped in that, it would leave the fence up.
        _say(ALREADY)
        return
    _received = _received or number
    raise Stopped


def _say(line: bytes) -> None:
    # Past the stream's buffer, which the signal may have found half written.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.write(sys.stderr.fileno(), line)
