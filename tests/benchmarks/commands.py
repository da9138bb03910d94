"""``hotmig`` as a user runs it, each time in a process of its own, with what it used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# What the installed script does; `python -m` would search for the module first.
SCRIPT = "import sys; from hotmig.__main__ import main; sys.exit(main())"


@dataclass(frozen=True)
class Used:
    """One process from start to end. ``peak`` is its largest resident memory, in bytes; ``cpu`` in seconds."""

    out: str
    seconds: float
    cpu: float
    peak: int

    def json(self) -> Any:
        return json.loads(self.out)


def environment(work: Path) -> dict[str, str]:
    """This source tree, byte-compiled as an installed package is, without a trace in the tree."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    compiled = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONPYCACHEPREFIX": str(work / "pycache"), "NO_COLOR": "1"}
    return {**{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}, **compiled}


def run(command: Sequence[str], env: Mapping[str, str]) -> Used:
    """Runs a program. Raises RuntimeError, with what it said, when it fails."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=err, env=env, stdin=subprocess.DEVNULL)
        # wait4 alone tells what this one child used.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit {process.returncode}\n{out.read()}{err.read()}")
        return Used(out.read(), seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def hotmig(directory: Path, env: Mapping[str, str], *arguments: str) -> Used:
    """One command on a directory."""
    return run(python("-c", SCRIPT, *arguments, "--dir", str(directory), "--json"), env)
