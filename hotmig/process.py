"""Which process is at work, written down so that another one can tell later whether it still is."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

# The field of /proc/PID/stat, counted behind the command's name: when the process began, in ticks since the boot.
_STARTTIME = 19


@dataclass(frozen=True)
class Process:
    """``started`` tells it from a later process with the same number; "" where the system does not say."""

    host: str
    pid: int
    started: str


def this_process() -> Process:
    """The process that asks."""
    return Process(socket.gethostname(), os.getpid(), _started(os.getpid()))


def is_alive(process: Process) -> bool | None:
    """Whether it still runs. None when it ran on another host: from here that can't be known."""
    if process.host != socket.gethostname():
        return None
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is there, and somebody else's
    return process.started == _started(process.pid)


def _started(pid: int) -> str:
    """The boot and the moment in it at which a process began."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # The name stands in parentheses, and may hold blanks and parentheses itself.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    if fields[0] in (b"Z", b"X"):
        return ""  # it has ended, and nobody has asked for its exit code: a container without an init
    return f"{boot}:{fields[_STARTTIME].decode()}"
