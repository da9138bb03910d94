"""The pause of ``drain --cutover`` under a steady writer: as hotmig prints it, and as the writer saw it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.application import writing
from tests.benchmarks.commands import hotmig
from tests.benchmarks.data import make_project
from tests.benchmarks.report import Measured

PAUSE_MILLISECONDS, FACTOR, PEAK_MEGABYTES = 50.0, 2.0, 150.0


@dataclass(frozen=True)
class Pauses:
    """Milliseconds and bytes, one for each hand-over of a database of ``megabytes``."""

    megabytes: float
    printed: list[float]
    seen: list[float]
    peaks: list[int]

    def measured(self) -> list[Measured]:
        size = f"{self.megabytes:,.0f} MB"
        return [
            Measured(f"pause, {size}, as printed", "ms", tuple(self.printed), PAUSE_MILLISECONDS),
            Measured(f"pause, {size}, as the writer saw it", "ms", tuple(self.seen), PAUSE_MILLISECONDS),
            Measured(f"peak memory, {size}", "MB", tuple(p / 1e6 for p in self.peaks), PEAK_MEGABYTES, of="max"),
        ]


def measure(work: Path, env: Mapping[str, str], sizes: list[tuple[int, int]], times: int) -> list[Measured]:
    """``sizes`` are (rows, further characters in each note), the small one first."""
    small, large = (_pauses(work / f"pause{rows}-{note}", env, rows, note, times) for rows, note in sizes)
    printed = _median(large.printed) / _median(small.printed)
    seen = _median(large.seen) / _median(small.seen)
    factors = [
        Measured("pause, large ÷ small, as printed", "medians", (printed,), FACTOR),
        Measured("pause, large ÷ small, as the writer saw it", "medians", (seen,), FACTOR),
    ]
    return [*small.measured(), *large.measured(), *factors]


def _median(values: list[float]) -> float:
    return Measured("", "", tuple(values)).median


def _pauses(directory: Path, env: Mapping[str, str], rows: int, note: int, times: int) -> Pauses:
    """Migrates one database from revision to revision, the writer following."""
    project = make_project(directory, rows, note=note)
    pauses = Pauses(project.database.stat().st_size / 1e6, [], [], [])
    with writing(project.database, env) as writer:
        for revision in range(1, times + 1):
            project.put_schema(revision)
            migrated = hotmig(directory, env, "migrate")
            drained = hotmig(directory, env, "drain", "--cutover")
            hotmig(directory, env, "cleanup-old", "--delete")
            pauses.printed.append(drained.json()["pause"] * 1000)
            pauses.peaks.append(max(migrated.peak, drained.peak))
    pauses.seen.extend(seconds * 1000 for _, seconds in writer.seen["gaps"])
    shutil.rmtree(directory)
    return pauses
