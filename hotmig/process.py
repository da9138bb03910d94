"""Which process is at work, written down so that another one can tell later whether it still is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# The field of /proc/PID/stat, counted behind the command's name: when the process began, in ticks since the boot.
_STARTTIME = 19


@dataclass(frozen=True)
class Process:
    """``started`` tells it from a later process with the same number: the boot of its kernel, the namespace that its
    number is of, and the moment. "" where the system does not say."""

    host: str
    pid: int
    started: str

    @property
    def boot(self) -> str:
        """Which run of which kernel it belongs to: a container has another host name, and the same kernel."""
        return self.started.partition(":")[0]

    @property
    def numbering(self) -> str:
        """Where its number means something."""
        return self.started.rpartition(":")[0]


def this_process() -> Process:
    """The process that asks."""
    return Process(os.uname().nodename, os.getpid(), _started(os.getpid()))


def is_elsewhere(process: Process) -> bool:
    """Whether it ran on another machine, whose locks may not be seen from here."""
    here = this_process()
    return process.host != here.host and process.boot != here.boot


def is_alive(process: Process) -> bool | None:
    """Whether it still runs. None when that can't be known from here: on another host, or in another container."""
    here = this_process()
    if is_elsewhere(process):
        return None
    if process.boot != here.boot:
        return False  # before the host was started anew
    if process.numbering != here.numbering:
        return None
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        if not Path(f"/proc/{process.pid}").exists():
            return None  # it is there, and somebody else's, and /proc is mounted so that it hides those
    except (TypeError, OverflowError):
        return False  # somebody wrote that into lock or ledger: no process ever had it for a number
    return process.started == _started(process.pid)


def boot_id() -> str:
    """Which run of which kernel this is; "" where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _started(pid: int) -> str:
    """The boot, the namespace of process numbers, and the moment at which a process began."""
    try:
        # Of its own kind only: the namespace of somebody else's process is nobody's business.
        numbers = os.stat("/proc/self/ns/pid").st_ino
        # The name stands in parentheses, and may hold blanks and parentheses itself.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    if fields[0] in (b"Z", b"X"):
        return ""  # it has ended, and nobody has asked for its exit code: a container without an init
    return f"{boot_id()}:{numbers}:{fields[_STARTTIME].decode()}"
