"""What the ledger costs: whole migrations with it and without it, in turn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.commands import hotmig
from tests.benchmarks.data import Project, make_project
from tests.benchmarks.report import Measured

TIMES_LONGER = 1.05


def measure(work: Path, env: Mapping[str, str], rows: int, pairs: int) -> list[Measured]:
    """Each ratio is of two neighbours, and which of them comes first changes from pair to pair."""
    project = make_project(work / "ledger", rows)
    ratios, kept = [], []
    for number in range(pairs):
        seconds = {}
        for place, ledger in enumerate((True, False) if number % 2 else (False, True)):
            seconds[ledger] = _migration(project, env, 2 * number + place + 1, ledger=ledger)
        ratios.append(seconds[True] / seconds[False])
        kept.append(seconds[True])
    return [
        Measured("a migration with its ledger ÷ without", "times", tuple(ratios), TIMES_LONGER),
        Measured("  with it", "s", tuple(kept)),
    ]


def _migration(project: Project, env: Mapping[str, str], revision: int, *, ledger: bool) -> float:
    project.put_schema(revision)
    without = () if ledger else ("--no-ledger",)
    commands = (("migrate",), ("drain", "--cutover"))
    seconds = sum(hotmig(project.directory, env, *command, *without).seconds for command in commands)
    hotmig(project.directory, env, "cleanup-old", "--delete", *without)
    return seconds
