"""The application of the benchmarks: a process of single-row transactions, and how long each of them took.

    python -m tests.benchmarks.writer DATABASE --pace 0.001

When the database is replaced it goes on with the new one. SIGTERM ends it; it then prints what it saw as JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path

PAUSED = "hotmig: writes are paused for a migration to "
REPLACED = re.compile(r"hotmig: this database was replaced by (?P<file>.+)")
RETRY_SECONDS = 0.0005

# The same rows before and after every migration.
WRITES = (
    "UPDATE line SET quantity = quantity + 1 WHERE id = :line",
    "INSERT INTO line(order_id, quantity, price, what) VALUES (:order, 1, 2, 'new')",
    "UPDATE orders SET note = 'changed' WHERE id = :order",
    "DELETE FROM line WHERE id = :line",
)


@dataclass
class Seen:
    """Times are ``time.monotonic()``. ``gaps``: from the last commit in one file to the first in the next one."""

    accepted: int = 0
    refused: int = 0
    waits: list[tuple[float, float]] = field(default_factory=list)  # (when accepted, seconds since the first try)
    gaps: list[tuple[float, float]] = field(default_factory=list)


class Application:
    """One connection at a time. With a ``timeout`` of 0 it polls for locks itself, and sees how long they are held."""

    def __init__(self, path: Path, pace: float, timeout: float) -> None:
        self.path, self.pace, self.timeout = path, pace, timeout
        self.db = self.open(path)
        self.lines = self.db.execute("SELECT max(id) FROM line").fetchone()[0]
        self.orders = self.db.execute("SELECT max(id) FROM orders").fetchone()[0]
        self.random = random.Random(1)
        self.seen = Seen()
        self.stopping = False
        self.last, self.moved = time.monotonic(), False

    def stop(self, *_signal: object) -> None:
        self.stopping = True

    def open(self, path: Path) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None, timeout=self.timeout)

    def run(self) -> None:
        while not self.stopping:
            self.write()
            if self.pace:
                time.sleep(self.pace)

    def write(self) -> None:
        """One write, until it is accepted."""
        began = time.monotonic()
        sql = self.random.choice(WRITES)
        key = {"line": self.random.randint(1, self.lines), "order": self.random.randint(1, self.orders)}
        while not self.stopping:
            try:
                self.db.execute("PRAGMA synchronous = NORMAL")
                self.db.execute(sql, key)
            except sqlite3.OperationalError:
                time.sleep(RETRY_SECONDS)
            except sqlite3.IntegrityError as error:
                self.refused(str(error))
            else:
                self.note(began, time.monotonic())
                return

    def note(self, began: float, now: float) -> None:
        if self.moved:
            self.seen.gaps.append((now, now - self.last))
            self.moved = False
        self.seen.accepted += 1
        self.seen.waits.append((now, now - began))
        self.last = now

    def refused(self, message: str) -> None:
        self.seen.refused += 1
        replaced = REPLACED.match(message)
        if replaced:
            self.follow(self.path.parent / replaced["file"])
        elif not message.startswith(PAUSED):
            raise RuntimeError(message)
        else:
            time.sleep(RETRY_SECONDS)

    def follow(self, path: Path) -> None:
        db = self.open(path)
        while not self.stopping and not self.is_ready(db):
            time.sleep(RETRY_SECONDS)
        self.db.close()
        self.db, self.path, self.moved = db, path, True

    @staticmethod
    def is_ready(db: sqlite3.Connection) -> bool:
        try:
            return bool(db.execute("SELECT status FROM _migration_status").fetchone() == ("ready",))
        except sqlite3.OperationalError:
            return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", type=Path)
    parser.add_argument("--pace", type=float, default=0.0, help="seconds to sleep between writes")
    parser.add_argument("--timeout", type=float, default=0.0, help="SQLite's busy timeout in seconds")
    options = parser.parse_args()
    application = Application(options.database, options.pace, options.timeout)
    signal.signal(signal.SIGTERM, application.stop)
    print("writing", flush=True)
    application.run()
    application.db.close()
    print(json.dumps(application.seen.__dict__), flush=True)


if __name__ == "__main__":
    main()
