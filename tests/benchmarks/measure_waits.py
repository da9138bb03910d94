"""How long a writer waits for hotmig's reads, in rollback-journal mode, where every reader holds up the writers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.application import writing
from tests.benchmarks.commands import hotmig
from tests.benchmarks.data import make_project
from tests.benchmarks.report import Measured

LONGEST_MILLISECONDS = 100.0
ALONE_SECONDS = 3.0
PERCENT = 99
PYTHONS_TIMEOUT_SECONDS = 5.0  # what sqlite3.connect sets by itself


def measure(work: Path, env: Mapping[str, str], rows: int) -> list[Measured]:
    """The longest write alone, and during each command. A writer's own syncs are part of what it waits."""
    project = make_project(work / "waits", rows, journal_mode="delete")
    spans: dict[str, tuple[float, float]] = {}
    with writing(project.database, env, timeout=PYTHONS_TIMEOUT_SECONDS) as writer:
        began = time.monotonic()
        time.sleep(ALONE_SECONDS)
        spans["alone"] = began, time.monotonic()
        for command in (("plan",), ("migrate",), ("drain", "--cutover")):
            began = time.monotonic()
            hotmig(project.directory, env, *command)
            spans[" ".join(command)] = began, time.monotonic()
        time.sleep(ALONE_SECONDS / 10)
    found = []
    for name, span in spans.items():
        waits = sorted(seconds * 1000 for seconds in writer.waits_between(*span)) or [0.0]
        target = LONGEST_MILLISECONDS if name in ("plan", "migrate") else None
        common = waits[len(waits) * PERCENT // 100]
        told = f"{len(waits)} writes, {PERCENT} % within {common:.1f} ms"
        found.append(
            Measured(f"write in rollback-journal mode, {name}", "ms", tuple(waits), target, of="max", note=told)
        )
    return found
