"""What recording costs the application: single-row transactions with and without it, in turn."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.commands import hotmig
from tests.benchmarks.data import make_project
from tests.benchmarks.report import Measured
from tests.benchmarks.writer import WRITES

TIMES_DEARER = 1.35
KINDS = ("update line", "insert line", "update orders", "delete line")


def measure(work: Path, env: Mapping[str, str], rows: int, blocks: int, writes: int) -> list[Measured]:
    """Blocks of the same ``writes`` on a database that is recorded and on one that is not."""
    plain, recorded = (make_project(work / name, rows) for name in ("plain", "recorded"))
    hotmig(recorded.directory, env, "migrate")
    databases = [_open(project.database) for project in (plain, recorded)]
    orders = rows // 4
    ratios: dict[str, list[float]] = {kind: [] for kind in KINDS}
    alike, seconds = [], {database: 0.0 for database in databases}
    for block in range(blocks):
        sums = [0.0, 0.0]
        for kind, sql in zip(KINDS, WRITES, strict=True):
            # Spread over the table, the same keys in both, each of them once.
            keys = [(block * writes + number) * 7919 % orders + 1 for number in range(writes)]
            turn = databases if block % 2 else databases[::-1]
            spent = {database: _spent(database, sql, keys) for database in turn}
            ratios[kind].append(spent[databases[1]] / spent[databases[0]])
            sums = [total + spent[database] for total, database in zip(sums, databases, strict=True)]
        alike.append(sums[1] / sums[0])
    for database in seconds:
        database.close()
    return [
        Measured("recorded ÷ unrecorded write, all kinds", "times", tuple(alike), TIMES_DEARER),
        *(Measured(f"  {kind}", "times", tuple(values)) for kind, values in ratios.items()),
    ]


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = NORMAL")
    return db


def _spent(db: sqlite3.Connection, sql: str, keys: list[int]) -> float:
    """Seconds for one transaction for each key."""
    began = time.perf_counter()
    for key in keys:
        db.execute(sql, {"line": key, "order": key})
    return time.perf_counter() - began
