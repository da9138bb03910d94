"""What recording costs the application: single-row transactions with and without it, in turn."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.benchmarks.commands import hotmig
from tests.benchmarks.data import make_project
from tests.benchmarks.report import Measured
from tests.benchmarks.writer import WRITES

TIMES_DEARER = 1.35
Spent = dict[str, list[float]]
KINDS = ("update line", "insert line", "update orders", "delete line")


def measure(work: Path, env: Mapping[str, str], rows: int, blocks: int, writes: int) -> list[Measured]:
    """Blocks of the same ``writes`` of each kind on a database that is recorded and on one that is not.

    The target is asked of the common transaction: a checkpoint, every thousand pages or so, waits for the disk, and
    for whoever else uses it.
    """
    projects = [make_project(work / name, rows) for name in ("plain", "recorded")]
    hotmig(projects[1].directory, env, "migrate")
    databases = [_open(project.database) for project in projects]
    spent = [_block(databases, block, writes, rows // 4) for block in range(blocks)]
    for database in databases:
        database.close()
    return [
        Measured("recorded ÷ unrecorded write", "times", _ratios(spent, KINDS, statistics.median), TIMES_DEARER),
        *(Measured(f"  {kind}", "times", _ratios(spent, (kind,), statistics.median)) for kind in KINDS),
        Measured("  all kinds, with checkpoints", "times", _ratios(spent, KINDS, sum)),
    ]


def _block(databases: list[sqlite3.Connection], block: int, writes: int, orders: int) -> tuple[Spent, Spent]:
    """Seconds of each transaction of each kind in either database; they take turns in being first."""
    spent: tuple[Spent, Spent] = ({}, {})
    # Spread over the table, the same keys in both, each of them once.
    keys = [(block * writes + number) * 7919 % orders + 1 for number in range(writes)]
    for kind, sql in zip(KINDS, WRITES, strict=True):
        for which in (0, 1) if block % 2 else (1, 0):
            spent[which][kind] = _transactions(databases[which], sql, keys)
    return spent


def _ratios(
    spent: list[tuple[Spent, Spent]], kinds: tuple[str, ...], of: Callable[[list[float]], float]
) -> tuple[float, ...]:
    """One for each block."""
    return tuple(
        sum(of(recorded[kind]) for kind in kinds) / sum(of(plain[kind]) for kind in kinds) for plain, recorded in spent
    )


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = NORMAL")
    return db


def _transactions(db: sqlite3.Connection, sql: str, keys: list[int]) -> list[float]:
    """Seconds of one transaction for each key."""
    seconds = []
    for key in keys:
        began = time.perf_counter()
        db.execute(sql, {"line": key, "order": key})
        seconds.append(time.perf_counter() - began)
    return seconds
