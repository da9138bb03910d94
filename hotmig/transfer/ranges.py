"""Walking a table in the order of its key, in chunks that are sized by time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hotmig.sqlite import execute, value
from hotmig.transfer.key_sql import row_value
from hotmig.transfer.session import Session

# In rollback-journal mode a reader holds up the writers; in WAL it only keeps the log from being reset.
ROLLBACK_SECONDS = 0.03
WAL_SECONDS = 0.5
FIRST_ROWS = 1_000
SMALLEST_ROWS = 50
SMALLEST_LOG_ROWS = 200  # each portion of the log has its own commit, and a search for children
LARGEST_ROWS = 500_000


@dataclass
class ChunkSize:
    """How many rows the next chunk may have so that it takes about ``seconds``."""

    seconds: float
    rows: int = FIRST_ROWS
    smallest: int = SMALLEST_ROWS

    @classmethod
    def for_session(cls, session: Session) -> ChunkSize:
        return cls(WAL_SECONDS if session.wal else ROLLBACK_SECONDS)

    @classmethod
    def for_log(cls, session: Session) -> ChunkSize:
        """For rows of the log."""
        return replace(cls.for_session(session), smallest=SMALLEST_LOG_ROWS)

    def took(self, seconds: float) -> None:
        """Learns from the last chunk: grows at most fourfold, shrinks as far as needed.

        ``seconds`` are those of the rows themselves: smaller chunks would not make a commit shorter.
        """
        wanted = self.rows * self.seconds / max(seconds, 1e-6)
        self.rows = int(min(max(wanted, self.smallest), self.rows * 4, LARGEST_ROWS))


class Stopwatch:
    def __init__(self) -> None:
        self.started = time.monotonic()

    def seconds(self) -> float:
        return time.monotonic() - self.started


@dataclass(frozen=True)
class KeyRange:
    """One walk over one table in the order of its key.

    The bounds stay inside SQLite, in temporary tables: text that is not UTF-8 would not survive Python. Their unary
    plus takes away the affinity of the bounds' columns, with which SQLite would use the first key column only.
    Rows that the columns' collations hold equal are never parted: both bounds compare the same way.
    """

    db: sqlite3.Connection
    table: str  # quoted, with its schema
    columns: tuple[str, ...]  # quoted

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(f"p{number}" for number in range(1, len(self.columns) + 1))

    def begin(self, position: str | None = None) -> None:
        """Starts before the first row, or behind the key that the SELECT ``position`` finds."""
        names = ", ".join(self._names)
        for bound in ("lower_bound", "upper_bound", "last_row"):
            execute(self.db, f"DROP TABLE IF EXISTS temp._migration_{bound}")
            execute(self.db, f"CREATE TEMP TABLE _migration_{bound}({names})")
        if position is not None:
            execute(self.db, f"INSERT INTO temp._migration_lower_bound {position}")

    def extend(self, rows: int) -> bool:
        """Sets the upper bound ``rows`` further on. False when the chunk reaches the end of the walk.

        That is the row which was last in the walk's first snapshot: every row behind it came later, and is logged. An
        application that appends rows faster than they are walked would never let it end otherwise.
        """
        columns = ", ".join(self.columns)
        if value(self.db, "SELECT 1 FROM temp._migration_last_row") is None:
            last = ", ".join(f"{column} DESC" for column in self.columns)
            newest = f"SELECT {columns} FROM {self.table} ORDER BY {last} LIMIT 1"
            execute(self.db, f"INSERT INTO temp._migration_last_row {newest}")
        execute(self.db, "DELETE FROM temp._migration_upper_bound")
        cursor = execute(
            self.db,
            f"INSERT INTO temp._migration_upper_bound SELECT {columns} FROM {self.table}"
            f" WHERE {self._above(self.columns)} AND {row_value(self.columns)} < {self._bound('last_row')}"
            f" ORDER BY {columns} LIMIT 1 OFFSET ?",
            (rows - 1,),
        )
        if cursor.rowcount == 1:
            return True
        execute(self.db, "INSERT INTO temp._migration_upper_bound SELECT * FROM temp._migration_last_row")
        return False

    def where(self, key: Sequence[str]) -> str:
        """The condition that a row, whose key columns are called ``key`` here, lies in the chunk."""
        terms = [self._above(key)]
        if value(self.db, "SELECT 1 FROM temp._migration_upper_bound") is not None:
            terms.append(f"{row_value(key)} <= {self._bound('upper_bound')}")
        return " AND ".join(terms)

    def behind(self, key: Sequence[str]) -> str:
        """The condition that a row lies behind the last one of the walk."""
        if value(self.db, "SELECT 1 FROM temp._migration_last_row") is None:
            return "1"
        return f"{row_value(key)} > {self._bound('last_row')}"

    def advance(self) -> None:
        """Goes on behind the upper bound."""
        execute(self.db, "DELETE FROM temp._migration_lower_bound")
        execute(self.db, "INSERT INTO temp._migration_lower_bound SELECT * FROM temp._migration_upper_bound")

    def _above(self, key: Sequence[str]) -> str:
        if value(self.db, "SELECT 1 FROM temp._migration_lower_bound") is None:
            return "1"
        return f"{row_value(key)} > {self._bound('lower_bound')}"

    def _bound(self, bound: str) -> str:
        return f"(SELECT {', '.join(f'+{name}' for name in self._names)} FROM temp._migration_{bound})"
