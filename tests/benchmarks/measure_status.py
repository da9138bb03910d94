"""``hotmig status`` in the middle of a migration, against the start of Python with what it is made of."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from hotmig.bench.processes import SCRIPT, python, run
from tests.benchmarks.commands import hotmig
from tests.benchmarks.data import make_project
from tests.benchmarks.report import Measured

TIMES_SLOWER = 2.0
WARM_UP = 2


def measure(work: Path, env: Mapping[str, str], rows: int, times: int) -> list[Measured]:
    """Both in turn; each ratio is of two neighbours, so that what else the machine does falls on both."""
    directory = make_project(work / "status", rows).directory
    os.utime(directory / "schema.py", (0, 0))  # as a deploy's is: written before the migration began
    hotmig(directory, env, "migrate")
    ratios, seconds = [], []
    for _ in range(times + WARM_UP):
        status = run(python("-c", SCRIPT, "status", "--dir", str(directory)), env).seconds
        bare = run(python("-c", "import click, sqlite3"), env).seconds
        ratios.append(status / bare)
        seconds.append(status * 1000)
    return [
        Measured("hotmig status ÷ python -c 'import click, sqlite3'", "times", tuple(ratios[WARM_UP:]), TIMES_SLOWER),
        Measured("  hotmig status", "ms", tuple(seconds[WARM_UP:])),
    ]
