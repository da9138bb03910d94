"""A command in a process of its own, in which something happens at one moment."""

from __future__ import annotations

import subprocess
import sys

from tests.forked import Forked
from tests.phases.shops import Shop
from tests.scenarios.harness import environment

START = "from hotmig.__main__ import main\nsys.argv[0] = 'hotmig'\nmain()"


def patched(shop: Shop, patch: str, *command: str) -> subprocess.Popen[str]:
    """Runs ``patch`` before the command."""
    program = f"import os, signal, sys\n{patch}\n{START}"
    return Forked(
        [sys.executable, "-c", program, *command, "-d", str(shop.directory)],
        env=environment(), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
