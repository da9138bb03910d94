"""How fast the replay follows: a drain behind many writes, and one behind none, of the same database."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from tests.benchmarks.commands import hotmig
from tests.benchmarks.data import make_project
from tests.benchmarks.report import Measured

KEYS_A_SECOND = 200_000.0


def measure(work: Path, env: Mapping[str, str], rows: int, written: int, times: int) -> list[Measured]:
    """``written`` rows are updated, each once, in transactions of 1,000."""
    project = make_project(work / "replay", rows)
    rates = []
    for revision in range(1, times + 1):
        project.put_schema(revision)
        hotmig(project.directory, env, "migrate")
        idle = hotmig(project.directory, env, "drain", "--hold", "0.001").seconds
        write_rows(project.database, written)
        busy = hotmig(project.directory, env, "drain", "--hold", "0.001").seconds
        rates.append(written / max(busy - idle, 1e-6))
        hotmig(project.directory, env, "reset")
    return [
        Measured(f"replay of {written:,} rows that were updated", "keys/s", tuple(rates), KEYS_A_SECOND, "at least")
    ]


def write_rows(database: Path, written: int) -> None:
    """Updates so many lines, each once."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=60)) as db:
        db.execute("PRAGMA synchronous = NORMAL")
        for first in range(1, written + 1, 1_000):
            db.execute("UPDATE line SET quantity = quantity + 1 WHERE id BETWEEN ? AND ?", (first, first + 999))
