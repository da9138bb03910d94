"""Rows that become one: a migration with Merge and Duplicates beside a plain copy of the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.commands import Used, hotmig
from tests.benchmarks.merge_data import make_merge_project, put_merge_schema
from tests.benchmarks.report import Measured

TIMES_LONGER = 3.0
PEAK_MEGABYTES = 150.0
COMMANDS = (("plan",), ("migrate",), ("drain", "--cutover"))


def measure(work: Path, env: Mapping[str, str], states: int, times: int) -> list[Measured]:
    """Both in turn, ``times`` times, each from a database of its own; a ratio is of two neighbours."""
    runs: dict[bool, list[dict[str, Used]]] = {True: [], False: []}
    for number in range(times):
        for merged in (True, False):
            runs[merged].append(_migration(work / f"merge{number}{merged}", env, states, merged=merged))
    found = [
        _ratio(f"RATIO merged ÷ plain: {title}, {states:,} rows", runs, commands)
        for title, commands in (("plan", ("plan",)), ("migrate", ("migrate",)), ("migrate and drain", _MIGRATION))
    ]
    for command in ("plan", *_MIGRATION):
        for merged, title in ((False, "plain"), (True, "merged")):
            seconds = tuple(run[command].seconds for run in runs[merged])
            found.append(Measured(f"  {command}, {title}", "s", seconds))
    peaks = [max(run[command].peak / 1e6 for run in runs[True]) for command in ("plan", *_MIGRATION)]
    found.append(Measured("peak memory of a merge", "MB", tuple(peaks), PEAK_MEGABYTES, of="max"))
    return found


_MIGRATION = ("migrate", "drain")


def _ratio(name: str, runs: Mapping[bool, list[dict[str, Used]]], commands: tuple[str, ...]) -> Measured:
    sums = {merged: [sum(run[each].seconds for each in commands) for run in runs[merged]] for merged in runs}
    ratios = tuple(merged / plain for merged, plain in zip(sums[True], sums[False], strict=True))
    return Measured(name, "times longer", ratios, None if commands == ("plan",) else TIMES_LONGER)


def _migration(directory: Path, env: Mapping[str, str], states: int, *, merged: bool) -> dict[str, Used]:
    project = make_merge_project(directory, states)
    put_merge_schema(project, merged=merged)
    used = {command[0]: hotmig(directory, env, *command) for command in COMMANDS}
    for path in directory.glob("*.sqlite*"):
        path.unlink()
    return used
