"""Names that a database may have, a database made of them, and an application that writes to it.

The application writes by itself in a thread; the commands that move its database are other processes.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from urllib.parse import quote as url_quote

from tests.scenarios.exact import Contents, cell, quote
from tests.scenarios.harness import wait_until
from tests.scenarios.writers import PAUSED

_KEYWORDS = """
    ABORT ACTION ADD AFTER ALL ALTER ALWAYS ANALYZE AND AS ASC ATTACH AUTOINCREMENT BEFORE BEGIN BETWEEN BY CASCADE CASE
    CAST CHECK COLLATE COLUMN COMMIT CONFLICT CONSTRAINT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP
    DATABASE DEFAULT DEFERRABLE DEFERRED DELETE DESC DETACH DISTINCT DO DROP EACH ELSE END ESCAPE EXCEPT EXCLUDE EXCLUSIVE
    EXISTS EXPLAIN FAIL FILTER FIRST FOLLOWING FOR FOREIGN FROM FULL GENERATED GLOB GROUP GROUPS HAVING IF IGNORE IMMEDIATE
    IN INDEX INDEXED INITIALLY INNER INSERT INSTEAD INTERSECT INTO IS ISNULL JOIN KEY LAST LEFT LIKE LIMIT MATCH
    MATERIALIZED NATURAL NO NOT NOTHING NOTNULL NULL NULLS OF OFFSET ON OR ORDER OTHERS OUTER OVER PARTITION PLAN PRAGMA
    PRECEDING PRIMARY QUERY RAISE RANGE RECURSIVE REFERENCES REGEXP REINDEX RELEASE RENAME REPLACE RESTRICT RETURNING RIGHT
    ROLLBACK ROW ROWS SAVEPOINT SELECT SET TABLE TEMP TEMPORARY THEN TIES TO TRANSACTION TRIGGER UNBOUNDED UNION UNIQUE
    UPDATE USING VACUUM VALUES VIEW VIRTUAL WHEN WHERE WINDOW WITH WITHOUT
"""  # noqa: E501

# Meant for SQL, for Python, for rich, for click, for SQLite's URIs, and for hotmig's own tables and aliases.
_ODD = (
    "", " ", "with space", " leading", "trailing ", "'", "''", "single'quote", '"', '""', 'double"quote', "`",
    "back`tick", "[", "]", "[bracketed]", "]]", "dot.ted", "main.t", ".", "🚀", "emoji 👩‍👩‍👧 joined", "é",
    "É", "ß", "中文", "e\u0301", "100%", "%", "%s", "%(name)s", "%q", "{0}", "{", "$HOME", "\\", "back\\slash",
    "\\n", "new\nline", "tab\t", "\r\n", "\u2028", "\u200b", "\x01", ";", "--", "/*", "*/", "?", "?1", ":name",
    "@at", "#", "0", "1e3", "x'00'", "[bold]rich[/bold]", "[/]", "-d", "--json", "a" * 300, "old", "new",
    "main", "excluded", "t", "o", "n", "s", "k", "id", "key_1", "operation", "table_name", "old_id", "new_id",
    "src", "dst", "log", "marker", "logged", "sqlite", "fence_orders", "orders", "capture_1_insert", "class",
    "None", "self", "auto", "table_", "_", "__init__", "_migration",
)  # fmt: skip

NAMES: tuple[str, ...] = (*_ODD, *(word.lower() for word in _KEYWORDS.split()))

Tables = Mapping[str, Sequence[str]]  # the first column is the INTEGER PRIMARY KEY
REPLACED = "hotmig: this database was replaced by "  # what follows may have line breaks
PAUSE_SECONDS = 0.002
PACE_SECONDS = 0.004
BUSY_SECONDS = 10.0


def create(path: Path, tables: Tables, journal_mode: str, *, rows: int = 20) -> None:
    """Tables of an integer key and TEXT columns, and some rows; deletes and updates must find some."""
    db = sqlite3.connect(f"file:{url_quote(str(path))}", uri=True, isolation_level=None)
    db.execute(f"PRAGMA journal_mode = {journal_mode}")
    db.execute("BEGIN")
    for table, (key, *columns) in tables.items():
        texts = "".join(f", {quote(column)} TEXT" for column in columns)
        db.execute(f"CREATE TABLE {quote(table)}({quote(key)} INTEGER PRIMARY KEY{texts})")
        values = [(number, *(f"{table} {column} {number}" for column in columns)) for number in range(1, rows + 1)]
        holes = ", ".join("?" * (1 + len(columns)))
        db.executemany(f"INSERT INTO {quote(table)} VALUES ({holes})", values)
    db.execute("COMMIT")
    db.close()


class Busy:
    """The application: it writes to each table in turn until its database is replaced, and knows what was accepted."""

    def __init__(self, path: Path, tables: Tables, *, seed: int = 1) -> None:
        self.path = path
        self.tables = tables
        self.accepted = 0
        self.replaced_by: str | None = None
        self._dice = random.Random(seed)
        self._error: BaseException | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._rows: dict[str, dict[int, tuple[str | None, ...]]] = {}

    def __enter__(self) -> Busy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def write_everywhere(self) -> None:
        """Waits until each table has taken two more writes."""
        goal = self.accepted + 2 * len(self.tables)
        wait_until(lambda: self.accepted >= goal or not self._thread.is_alive(), "writes to every table")
        assert self._error is None, repr(self._error)

    def wait_until_replaced(self) -> None:
        wait_until(lambda: not self._thread.is_alive(), "the refusal of a replaced database")

    @property
    def contents(self) -> Contents:
        """What the database must hold, by what it accepted."""
        return {
            table: Counter((key, *map(cell, row)) for key, row in rows.items()) for table, rows in self._rows.items()
        }

    def _run(self) -> None:
        try:
            db = sqlite3.connect(
                f"file:{url_quote(str(self.path))}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_SECONDS
            )
            db.execute("PRAGMA synchronous = OFF")  # what is at stake here is no power failure
            self._rows = {table: {row[0]: row[1:] for row in _all_rows(db, table)} for table in self.tables}
            while not self._stopping.is_set() and self.replaced_by is None:
                for table in self.tables:
                    self._write(db, table)
                    time.sleep(PACE_SECONDS * (1 + len(self.tables[table]) / 50))  # wide rows are dear
            db.close()
        except BaseException as error:  # shown by the thread that waits for this one
            self._error = error

    def _write(self, db: sqlite3.Connection, table: str) -> None:
        rows, (key, *columns), name = self._rows[table], self.tables[table], quote(table)
        at, row = self._dice.choice(list(rows) or [0]), tuple(map(self._value, columns))
        kind = self._dice.choice(["insert", "insert", "update", "update", "delete", "move"])
        if kind == "insert":
            at = max(rows, default=0) + 1
            holes = ", ".join("?" * (1 + len(columns)))
            accepted, after = self._try(db, f"INSERT INTO {name} VALUES ({holes})", (at, *row)), {at: row}
        elif kind == "update":
            sets = ", ".join(f"{quote(column)} = ?" for column in columns)
            accepted = self._try(db, f"UPDATE {name} SET {sets} WHERE {quote(key)} = ?", (*row, at))
            after = {at: row} if at in rows else {}
        elif kind == "delete":
            accepted, after = self._try(db, f"DELETE FROM {name} WHERE {quote(key)} = ?", (at,)), {}
        else:
            to = max(rows, default=0) + 1
            accepted = self._try(db, f"UPDATE {name} SET {quote(key)} = ? WHERE {quote(key)} = ?", (to, at))
            after = {to: rows[at]} if at in rows else {}
        if accepted:
            rows.pop(at, None)
            rows.update(after)
            self.accepted += 1

    def _value(self, column: str) -> str | None:
        return self._dice.choice([None, "", f"{column} {self._dice.random()}"])

    def _try(self, db: sqlite3.Connection, sql: str, parameters: Sequence[object]) -> bool:
        """Whether the database accepted it."""
        try:
            db.execute(sql, parameters)
            return True
        except sqlite3.IntegrityError as error:
            message = str(error)
            if message.startswith(REPLACED):
                self.replaced_by = message.removeprefix(REPLACED)
            elif not message.startswith(PAUSED):
                raise
        time.sleep(PAUSE_SECONDS)
        return False


def _all_rows(db: sqlite3.Connection, table: str) -> list[tuple[int, str | None]]:
    return db.execute(f"SELECT * FROM {quote(table)}").fetchall()
