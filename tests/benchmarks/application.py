"""The writer as a child process of the benchmark."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.commands import ROOT, python

PACE_SECONDS = 0.001
STOP_SECONDS = 60


class Writing:
    """A running writer; ``seen`` is what it told at its end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.seen: dict[str, Any] = {}

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=STOP_SECONDS)
        self.seen = json.loads(out)

    def waits_between(self, began: float, ended: float) -> list[float]:
        """Seconds that each write took which was accepted in that time."""
        return [seconds for when, seconds in self.seen["waits"] if began <= when <= ended]


@contextmanager
def writing(
    database: Path, env: Mapping[str, str], pace: float = PACE_SECONDS, timeout: float = 0.0
) -> Iterator[Writing]:
    """A writer on the database from its first write to the end of the block."""
    options = ("--pace", str(pace), "--timeout", str(timeout))
    command = python("-m", "tests.benchmarks.writer", str(database), *options)
    process = subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE)
    running = Writing(process)
    try:
        if process.stdout is None or process.stdout.readline().strip() != "writing":
            raise RuntimeError("the writer did not start")
        yield running
        if process.poll() is not None:
            raise RuntimeError(f"the writer ended with {process.returncode}")
        running.stop()
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
