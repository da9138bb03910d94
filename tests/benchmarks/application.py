"""The application of the benchmarks: hotmig's own writer, with writes that go on before and after every migration."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from hotmig.application.running import Writing
from hotmig.application.running import writing as running

PACE_SECONDS = 0.001
# The same rows before and after every migration.
WRITES = {
    "update line": "UPDATE line SET quantity = quantity + 1 WHERE id = ?",
    "insert line": "INSERT INTO line(order_id, quantity, price, what) VALUES (?, 1, 2, 'new')",
    # Another value each time: SQLite writes no page for a row that it finds as it is to be.
    "update orders": "UPDATE orders SET note = random() WHERE id = ?",
    "delete line": "DELETE FROM line WHERE id = ?",
}


class Application:
    """``seen`` is what it told at its end."""

    def __init__(self, process: Writing) -> None:
        self.process = process
        self.seen: dict[str, Any] = {}

    def waits_between(self, began: float, ended: float) -> list[float]:
        """Seconds that each write took which was accepted in that time."""
        return [seconds for when, seconds in self.seen["waits"] if began <= when <= ended]


@contextmanager
def writing(database: Path, pace: float = PACE_SECONDS) -> Iterator[Application]:
    """A writer on the database from its first write to the end of the block."""
    with closing(sqlite3.connect(database)) as db:
        highest = {
            kind: db.execute(f"SELECT max(id) FROM {'line' if 'line' in kind and 'insert' not in kind else 'orders'}")
            for kind in WRITES
        }
        writes = {kind: (sql, highest[kind].fetchone()[0]) for kind, sql in WRITES.items()}
    file = database.with_suffix(".writes.json")
    file.write_text(json.dumps({"old": writes, "new": writes}), encoding="utf-8")
    options = ("--writes", str(file), "--pace", str(pace), "--waits", "--follow", str(database.parent))
    with running(database, *options) as process:
        application = Application(process)
        yield application
        application.seen = process.stop()
