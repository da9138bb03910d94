"""A program as a user runs it, in a process of its own, with what it used."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hotmig.application.running import child_environment
from hotmig.errors import HotmigError

LOOK_SECONDS = 0.01
# What the installed script does; `python -m` would search for the module first.
SCRIPT = "import sys; from hotmig.__main__ import main; sys.exit(main())"


@dataclass(frozen=True)
class Used:
    """One process from start to end. ``began`` and ``ended`` are ``time.monotonic()``; ``peak`` is its largest resident
    memory, in bytes, as seen shortly before its end; ``cpu`` in seconds."""

    out: str
    began: float
    ended: float
    cpu: float
    peak: int

    @property
    def seconds(self) -> float:
        return self.ended - self.began


def environment(cache: Path) -> dict[str, str]:
    """For child processes that find this package byte-compiled, as an installed one is, without a trace in its tree."""
    env = {**child_environment(), "PYTHONPYCACHEPREFIX": str(cache), "NO_COLOR": "1"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    run(python("-m", "compileall", "-q", str(Path(__file__).parents[1])), env)
    return env


def run(command: Sequence[str], env: Mapping[str, str]) -> Used:
    """Runs a program. Raises HotmigError, with the last thing it said, when it fails."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=err, env=env, stdin=subprocess.DEVNULL)
        with _watched(process.pid) as peaks:
            _, status, usage = os.wait4(process.pid, 0)
        ended = time.monotonic()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            told = (err.read().strip() or out.read().strip() or f"exit {process.returncode}").splitlines()[-1]
            raise HotmigError(f"{' '.join(command[:5])} … failed: {told}")
        return Used(out.read(), began, ended, usage.ru_utime + usage.ru_stime, max(peaks, default=0))


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Appends the largest resident memory that a process has had, again and again, in bytes.

    Its ru_maxrss begins with that of the process which started it, before the exec.
    """
    peaks: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            with suppress(OSError, IndexError, ValueError):
                status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
                peaks.append(int(status.partition("VmHWM:")[2].split()[0]) * 1024)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield peaks
    finally:
        over.set()
        watcher.join()


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def hotmig(env: Mapping[str, str], *arguments: str) -> Used:
    """One command of hotmig."""
    return run(python("-c", SCRIPT, *arguments), env)
