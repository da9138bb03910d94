"""Copying: rows per second against row by row in Python, and the memory that every command takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.commands import Used, hotmig, python, run
from tests.benchmarks.data import make_project
from tests.benchmarks.report import Measured

RATE, TIMES_SLOWER, PEAK_MEGABYTES = 800_000, 4.0, 150.0
MAPPINGS = ("table", "dict")


def measure(work: Path, env: Mapping[str, str], rows: int, times: int) -> list[Measured]:
    """Both copies in turn, ``times`` times, on one database; then the rest of the commands, for their memory."""
    project = make_project(work / "copy", rows)
    directory = project.directory
    peaks: dict[str, Used] = {}
    copied: list[float] = []
    whole: list[float] = []
    cpu: list[float] = []
    by_hand: dict[str, list[float]] = {mapping: [] for mapping in MAPPINGS}
    for _ in range(times):
        if copied:
            peaks["reset"] = hotmig(directory, env, "reset")
        peaks["plan"] = hotmig(directory, env, "plan")
        peaks["migrate"] = hotmig(directory, env, "migrate")
        copied.append(project.rows / peaks["migrate"].json()["seconds"])
        whole.append(project.rows / peaks["migrate"].seconds)
        cpu.append(project.rows / peaks["migrate"].cpu)
        for mapping in MAPPINGS:
            by_hand[mapping].append(_row_by_row(project.database, work / "by_hand.sqlite", mapping, env))
    for command in ("status", "drain", "cutover", "cleanup-old"):
        peaks[command] = hotmig(directory, env, command)
    size = f"{project.database.stat().st_size / 1e6:.0f} MB"
    return [
        Measured(f"copy of {project.rows:,} rows, {size}", "rows/s", tuple(copied), RATE, "at least"),
        Measured("  the whole command", "rows/s", tuple(whole)),
        Measured("  the whole command, of its own processor time", "rows/s", tuple(cpu)),
        *(_compared(mapping, by_hand[mapping], copied) for mapping in MAPPINGS),
        *(
            Measured(f"peak memory of {command}, {size}", "MB", (used.peak / 1e6,), PEAK_MEGABYTES, of="max")
            for command, used in peaks.items()
        ),
    ]


def _row_by_row(old: Path, new: Path, mapping: str, env: Mapping[str, str]) -> float:
    """Rows per second."""
    command = python("-m", "tests.benchmarks.row_by_row", str(old), str(new), "--mapping", mapping)
    rate = float(run(command, env).out)
    new.unlink()
    return rate


def _compared(mapping: str, by_hand: list[float], copied: list[float]) -> Measured:
    ratios = tuple(ours / theirs for ours, theirs in zip(copied, by_hand, strict=True))
    told = f"{sum(by_hand) / len(by_hand):,.0f} rows/s"
    name = f"row by row, mapping in a {mapping} ÷ ours"
    return Measured(name, "times slower", ratios, TIMES_SLOWER if mapping == "table" else None, "at least", note=told)
