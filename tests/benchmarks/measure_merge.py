"""Rows that become one: a migration with Merge and Duplicates beside a plain copy of the same rows."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from hotmig.bench.processes import Used
from tests.benchmarks.commands import hotmig
from tests.benchmarks.merge_data import ALIAS_OF_ROW, make_merge_project, put_merge_schema
from tests.benchmarks.report import Measured

TIMES_LONGER = 3.0
PEAK_MEGABYTES = 150.0
COMMANDS = (("plan",), ("migrate",), ("drain", "--cutover"))
KINDS = {False: "plain", True: "merged"}
RATIOS = (
    ("plan", ("plan",), None),
    ("migrate", ("migrate",), TIMES_LONGER),
    ("migrate and drain", ("migrate", "drain"), TIMES_LONGER),
)


def measure(work: Path, env: Mapping[str, str], states: int, times: int) -> list[Measured]:
    """Both in turn, ``times`` times, each from a database of its own; a ratio is of two neighbours."""
    found: list[Measured] = []
    for shape in ALIAS_OF_ROW:
        runs: list[dict[bool, dict[str, Used]]] = []
        for number in range(times):
            runs.append(
                {merged: _migration(work / f"{number}{merged}", env, states, shape, merged) for merged in KINDS}
            )
        found += _told(shape, states, runs)
    return found


def _told(shape: str, states: int, runs: list[dict[bool, dict[str, Used]]]) -> list[Measured]:
    found = []
    for title, commands, target in RATIOS:
        name = f"RATIO merged ÷ plain of {title}, {states:,} rows, {shape}"
        found.append(Measured(name, "times longer", _ratios(runs, commands, lambda used: used.seconds), target))
        found.append(Measured("  of its own processor time", "times", _ratios(runs, commands, lambda used: used.cpu)))
    for command in ("plan", "migrate", "drain"):
        for merged, title in KINDS.items():
            seconds = tuple(run[merged][command].seconds for run in runs)
            found.append(Measured(f"  {command}, {title}", "s", seconds))
    peaks = tuple(used.peak / 1e6 for run in runs for used in run[True].values())
    return [*found, Measured("peak memory of a merge", "MB", peaks, PEAK_MEGABYTES, of="max")]


def _ratios(
    runs: list[dict[bool, dict[str, Used]]], commands: tuple[str, ...], cost: Callable[[Used], float]
) -> tuple[float, ...]:
    sums = ([sum(cost(run[merged][each]) for each in commands) for run in runs] for merged in (True, False))
    return tuple(merged / plain for merged, plain in zip(*sums, strict=True))


def _migration(directory: Path, env: Mapping[str, str], states: int, shape: str, merged: bool) -> dict[str, Used]:
    project = make_merge_project(directory, states, shape)
    put_merge_schema(project, merged=merged)
    used = {command[0]: hotmig(directory, env, *command) for command in COMMANDS}
    shutil.rmtree(directory)
    return used
