"""A projected migration of few rows and of ten times as many, and what the proof costs beside the copy."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.commands import hotmig, told
from tests.benchmarks.data import make_project
from tests.benchmarks.report import Measured

TIMES_DEARER, OF_THE_COPY, PEAK_MEGABYTES = 1.15, 0.6, 150.0


def measure(work: Path, env: Mapping[str, str], sizes: tuple[int, int], times: int) -> list[Measured]:
    """Both sizes in turn, ``times`` times; a ratio is of two neighbours. Of ``migrate`` the whole process counts."""
    ratios, proofs, peaks = [], [], []
    for _ in range(times):
        each = []
        for rows in sizes:
            project = make_project(work / "rows", rows)
            migrated = hotmig(project.directory, env, "migrate")
            drained = hotmig(project.directory, env, "drain")
            each.append(migrated.seconds / project.rows)
            proofs.append(told(drained)["proved"]["seconds"] / told(migrated)["seconds"])
            peaks += [migrated.peak / 1e6, drained.peak / 1e6]
            shutil.rmtree(project.directory)
        ratios.append(each[1] / each[0])
    small, large = (f"{rows:,}" for rows in sizes)
    return [
        Measured(f"{large} rows ÷ {small} rows, per row", "times", tuple(ratios), TIMES_DEARER),
        Measured("proof ÷ projected copy with its indexes", "times", tuple(proofs), OF_THE_COPY),
        Measured("  peak memory", "MB", tuple(peaks), PEAK_MEGABYTES, of="max"),
    ]
