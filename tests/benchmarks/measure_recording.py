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
Spent = dict[str, float]
KINDS = ("update line", "insert line", "update orders", "delete line")


def measure(work: Path, env: Mapping[str, str], rows: int, blocks: int, writes: int) -> list[Measured]:
    """Blocks of the same ``writes`` of each kind on a database that is recorded and on one that is not."""
    projects = [make_project(work / name, rows) for name in ("plain", "recorded")]
    hotmig(projects[1].directory, env, "migrate")
    databases = [_open(project.database) for project in projects]
    spent = [_block(databases, block, writes, rows // 4) for block in range(blocks)]
    for database in databases:
        database.close()
    whole = tuple(sum(block[1].values()) / sum(block[0].values()) for block in spent)
    return [
        Measured("recorded ÷ unrecorded write", "times", whole, TIMES_DEARER),
        *(Measured(f"  {kind}, all blocks together", "times", (_ratio(spent, kind),)) for kind in KINDS),
    ]


def _block(databases: list[sqlite3.Connection], block: int, writes: int, orders: int) -> tuple[Spent, Spent]:
    """Seconds for each kind in either database; they take turns in being first."""
    spent: tuple[Spent, Spent] = ({}, {})
    # Spread over the table, the same keys in both, each of them once.
    keys = [(block * writes + number) * 7919 % orders + 1 for number in range(writes)]
    for kind, sql in zip(KINDS, WRITES, strict=True):
        for which in (0, 1) if block % 2 else (1, 0):
            spent[which][kind] = _spent(databases[which], sql, keys)
    return spent


def _ratio(spent: list[tuple[Spent, Spent]], kind: str) -> float:
    return sum(recorded[kind] for _, recorded in spent) / sum(plain[kind] for plain, _ in spent)


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
