"""How long a steady writer waits during each command, where readers hold it up (rollback journal), and in WAL."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from hotmig.application.writer import share
from tests.benchmarks.application import writing
from tests.benchmarks.commands import hotmig
from tests.benchmarks.data import make_project
from tests.benchmarks.report import Measured

LONGEST_MILLISECONDS = 100.0
TIMES_SLOWER = 3.0
ALONE_SECONDS = 3.0
COMMANDS = (("plan",), ("migrate",), ("drain", "--cutover"))


def measure(work: Path, env: Mapping[str, str], rows: int) -> list[Measured]:
    """In either mode the writes alone, and during each command. A writer's own syncs are part of what it waits."""
    return [each for mode in ("delete", "wal") for each in _measured(work / mode, env, rows, mode)]


def _measured(directory: Path, env: Mapping[str, str], rows: int, mode: str) -> list[Measured]:
    project = make_project(directory, rows, journal_mode=mode)
    spans: dict[str, tuple[float, float]] = {}
    with writing(project.database) as writer:
        began = time.monotonic()
        time.sleep(ALONE_SECONDS)
        spans["alone"] = began, time.monotonic()
        for command in COMMANDS:
            began = time.monotonic()
            hotmig(project.directory, env, *command)
            spans[" ".join(command)] = began, time.monotonic()
        time.sleep(ALONE_SECONDS / 10)
    shutil.rmtree(directory)
    waits = {name: sorted(seconds * 1000 for seconds in writer.waits_between(*span)) for name, span in spans.items()}
    found = []
    for name, each in waits.items():
        target = LONGEST_MILLISECONDS if name in ("plan", "migrate") else None
        told = f"{len(each)} writes, 99 % within {share(each, 99):.2f} ms"
        found.append(Measured(f"write, {mode}, {name}", "ms", tuple(each) or (0.0,), target, of="max", note=told))
    slower = share(waits["migrate"], 99) / share(waits["alone"], 99)
    return [*found, Measured(f"  99th percentile during migrate ÷ alone, {mode}", "times", (slower,), TIMES_SLOWER)]
