"""The benchmark: every contender in turn, round by round, on copies of one database."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from hotmig.bench import shapes
from hotmig.bench.changes import CHANGES
from hotmig.bench.contenders import MODULES, Job, missing, module_of
from hotmig.bench.measured import OURS, BenchResult, Comparison, Trial
from hotmig.bench.processes import environment
from hotmig.bench.trial import Setting, attempt

Tell = Callable[[str], None]


def run(
    work: Path,
    tell: Tell,
    *,
    shape: str = "shop",
    rows: int,
    changes: Sequence[str] = (),
    only: Sequence[str] = (),
    rounds: int,
    pace: float,
) -> BenchResult:
    """Measures in an empty directory; ``tell`` gets a line before each trial. Raises HotmigError where hotmig fails."""
    old = shapes.SHAPES[shape]()
    template = work / "template.sqlite"
    tell(f"making {rows:,} rows, shape {shape}")
    counts = shapes.create(template, old, rows)
    env = environment(work / "pycache")
    comparisons: list[Comparison] = []
    skipped: list[str] = []
    for change in changes or CHANGES:
        new = CHANGES[change].apply(old)
        if new is None:
            skipped.append(f"{change}: the shape {shape} has nothing to change so")
            continue
        setting = Setting(template, shape, change, Job(template, old, new), counts, pace, env)
        contenders = [OURS, *_contenders(change, only, skipped)]
        comparisons.append(_compared(setting, contenders, rounds, work, tell))
    return BenchResult(
        shape, sum(counts.values()), template.stat().st_size, rounds, machine(), tuple(comparisons),
        tuple(dict.fromkeys(skipped)),
    )  # fmt: skip


def machine() -> dict[str, str | int]:
    """What a reader has to know to compare the numbers with others."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def _contenders(change: str, only: Sequence[str], skipped: list[str]) -> Iterable[str]:
    for name in MODULES:
        if change not in module_of(name).CHANGES or (only and name not in only):
            continue
        needed = missing(name)
        if needed:
            skipped.append(f"{name}: {', '.join(needed)} is not installed; pip install 'hotmig[bench]'")
        else:
            yield name


def _compared(setting: Setting, contenders: Sequence[str], rounds: int, work: Path, tell: Tell) -> Comparison:
    told = CHANGES[setting.change].told
    done: list[tuple[Trial, ...]] = []
    for number in range(rounds):
        trials = []
        # Another one is first each time: what the machine does at the beginning falls on each.
        turn = number % len(contenders)
        for contender in (*contenders[turn:], *contenders[:turn]):
            tell(f"round {number + 1} of {rounds}, {setting.change}: {contender}")
            trial = attempt(setting, contender, work / "trial")
            # One round is enough for a picture, and every write of all of them is much to keep.
            trials.append(trial if number == 0 else replace(trial, samples=()))
        done.append(tuple(trials))
    return Comparison(setting.change, told, tuple(done))
