"""The pause of ``drain --cutover`` under a steady writer: as hotmig prints it, and as the writer saw it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.application import writing
from tests.benchmarks.commands import hotmig, told
from tests.benchmarks.data import make_project
from tests.benchmarks.measure_replay import write_rows
from tests.benchmarks.report import Measured

PAUSE_MILLISECONDS, FACTOR, PEAK_MEGABYTES = 20.0, 2.0, 150.0


@dataclass(frozen=True)
class Pauses:
    """Milliseconds and bytes, one for each hand-over of a database of ``megabytes``, ``written`` rows behind."""

    megabytes: float
    written: int
    printed: list[float]
    seen: list[float]
    peaks: list[int]

    def measured(self) -> list[Measured]:
        size = f"{self.megabytes:,.0f} MB" + (f", {self.written:,} rows written since the copy" * bool(self.written))
        return [
            Measured(f"pause, {size}, as printed", "ms", tuple(self.printed), PAUSE_MILLISECONDS),
            Measured(f"pause, {size}, as the writer saw it", "ms", tuple(self.seen), PAUSE_MILLISECONDS),
            Measured(f"peak memory, {size}", "MB", tuple(p / 1e6 for p in self.peaks), PEAK_MEGABYTES, of="max"),
        ]


def measure(work: Path, env: Mapping[str, str], sizes: list[tuple[int, int, int]], times: int) -> list[Measured]:
    """``sizes`` are (rows, further characters in each note, rows that are written behind the copy)."""
    found = [
        _pauses(work / f"pause{rows}-{note}-{written}", env, rows, note, written, times)
        for rows, note, written in sizes
    ]
    printed, seen = ([_median(which(each)) for each in found] for which in (lambda p: p.printed, lambda p: p.seen))
    factors = [
        Measured(
            "pause, the longest ÷ the shortest of these medians, as printed", "times", (_spread(printed),), FACTOR
        ),
        Measured("  as the writer saw it", "times", (_spread(seen),), FACTOR),
    ]
    return [*(each for pauses in found for each in pauses.measured()), *factors]


def _spread(medians: list[float]) -> float:
    return max(medians) / min(medians)


def _median(values: list[float]) -> float:
    return Measured("", "", tuple(values)).median


def _pauses(directory: Path, env: Mapping[str, str], rows: int, note: int, written: int, times: int) -> Pauses:
    """Migrates one database from revision to revision, the writer following."""
    project = make_project(directory, rows, note=note)
    pauses = Pauses(project.database.stat().st_size / 1e6, written, [], [], [])
    with writing(project.database) as writer:
        for revision in range(1, times + 1):
            project.put_schema(revision)
            migrated = hotmig(directory, env, "migrate")
            write_rows(next(_in_service(directory)), written)
            drained = hotmig(directory, env, "drain", "--cutover")
            hotmig(directory, env, "cleanup-old", "--delete")
            pauses.printed.append(told(drained)["pause"] * 1000)
            pauses.peaks.append(max(migrated.peak, drained.peak))
    pauses.seen.extend(seconds * 1000 for seconds in writer.seen["gaps"])
    shutil.rmtree(directory)
    return pauses


def _in_service(directory: Path) -> Iterator[Path]:
    """The one that is being migrated: of two files the new one is still unfinished."""
    for path in sorted(directory.glob("*.sqlite")):
        with closing(sqlite3.connect(path)) as db:
            if db.execute("SELECT 1 FROM sqlite_schema WHERE name = '_migration_marker'").fetchone():
                yield path
