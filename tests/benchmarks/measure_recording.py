"""What recording costs the application: single-row transactions with and without it, in turn."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.benchmarks.application import WRITES
from tests.benchmarks.commands import hotmig
from tests.benchmarks.data import make_project
from tests.benchmarks.report import Measured

# What a transaction has, and how it is synced → how much dearer it may be.
WAYS = {(1, "NORMAL"): 1.25, (1, "FULL"): 1.1, (100, "NORMAL"): 1.15}
Spent = dict[str, list[float]]
KINDS = tuple(WRITES)


def measure(work: Path, env: Mapping[str, str], rows: int, blocks: int, writes: int) -> list[Measured]:
    """Blocks of the same ``writes`` of each kind on a database that is recorded and on one that is not.

    The target is asked of the common transaction: a checkpoint, every thousand pages or so, waits for the disk, and
    for whoever else uses it.
    """
    projects = [make_project(work / name, rows) for name in ("plain", "recorded")]
    hotmig(projects[1].directory, env, "migrate")
    databases = [_open(project.database) for project in projects]
    found = []
    for way_number, ((size, synchronous), target) in enumerate(WAYS.items()):
        for database in databases:
            database.execute(f"PRAGMA synchronous = {synchronous}")
        # Lines that one way has deleted are none that the next could write to.
        numbers = range(way_number * blocks, (way_number + 1) * blocks)
        spent = [_block(databases, block, writes, rows // 4, size) for block in numbers]
        way = f"{size} in a transaction, synchronous = {synchronous}"
        ratios = _ratios(spent, KINDS, statistics.median)
        found += [
            Measured(f"recorded ÷ unrecorded write, {way}", "times", ratios, target),
            *(Measured(f"  {kind}", "times", _ratios(spent, (kind,), statistics.median)) for kind in KINDS),
            Measured("  all kinds, with checkpoints", "times", _ratios(spent, KINDS, sum)),
        ]
    for database in databases:
        database.close()
    return found


def _block(databases: list[sqlite3.Connection], block: int, writes: int, orders: int, size: int) -> tuple[Spent, Spent]:
    """Seconds of each transaction of each kind in either database; they take turns in being first."""
    spent: tuple[Spent, Spent] = ({}, {})
    # Spread over the table, the same keys in both, each of them once.
    keys = [(block * writes + number) * 7919 % orders + 1 for number in range(writes)]
    for kind, sql in WRITES.items():
        for which in (0, 1) if block % 2 else (1, 0):
            spent[which][kind] = _transactions(databases[which], sql, keys, size)
    return spent


def _ratios(
    spent: list[tuple[Spent, Spent]], kinds: tuple[str, ...], of: Callable[[list[float]], float]
) -> tuple[float, ...]:
    """One for each block."""
    return tuple(
        sum(of(recorded[kind]) for kind in kinds) / sum(of(plain[kind]) for kind in kinds) for plain, recorded in spent
    )


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def _transactions(db: sqlite3.Connection, sql: str, keys: list[int], size: int) -> list[float]:
    """Seconds of each transaction of ``size`` writes, one for each key."""
    seconds = []
    for first in range(0, len(keys), size):
        began = time.perf_counter()
        if size > 1:
            db.execute("BEGIN IMMEDIATE")
        for key in keys[first : first + size]:
            db.execute(sql, (key,))
        if size > 1:
            db.execute("COMMIT")
        seconds.append(time.perf_counter() - began)
    return seconds
