"""What an application wrote down about its own transactions: one line of JSON each.

An entry holds the whole effect of a transaction: every row that went and every row that came, in all tables,
cascades, evictions and triggers included, because the writer compares the tables before and after inside its own
transaction. So the journals of all writers, played one after the other over the first contents, must give the last.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.scenarios.exact import Contents, Row, from_json, to_json

Outcome = Literal["accepted", "paused", "replaced", "failed"]


@dataclass(frozen=True)
class Change:
    """What one transaction did to one table."""

    gone: tuple[Row, ...] = ()
    came: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One transaction. Times are ``time.monotonic()``, which all processes of a machine share.

    ``began`` is before BEGIN, ``locked`` before COMMIT (so while the write lock was held: entries sorted by it are
    in the order in which SQLite committed them), ``ended`` after COMMIT or after the refusal. ``wall`` is
    ``time.time()`` at ``ended``.
    """

    writer: int
    number: int
    file: str
    outcome: Outcome
    began: float
    locked: float
    ended: float
    wall: float
    writes: tuple[str, ...]
    message: str | None = None
    changes: dict[str, Change] = field(default_factory=dict)

    def to_line(self) -> str:
        changes = {
            table: {"gone": [to_json(row) for row in change.gone], "came": [to_json(row) for row in change.came]}
            for table, change in self.changes.items()
        }
        return json.dumps({**self.__dict__, "changes": changes})

    @staticmethod
    def from_line(line: str) -> Entry:
        values: dict[str, Any] = json.loads(line)
        values["writes"] = tuple(values["writes"])
        values["changes"] = {
            table: Change(tuple(map(from_json, change["gone"])), tuple(map(from_json, change["came"])))
            for table, change in values["changes"].items()
        }
        return Entry(**values)


def read(path: Path) -> list[Entry]:
    """All whole lines: the last one may still be being written."""
    if not path.exists():
        return []
    lines = path.read_text().split("\n")
    return [Entry.from_line(line) for line in lines[:-1]]


def merged(paths: Iterable[Path]) -> list[Entry]:
    """The entries of several writers in the order in which the database saw them."""
    return sorted((entry for path in paths for entry in read(path)), key=lambda entry: entry.locked)


def changes_between(before: Contents, after: Contents) -> dict[str, Change]:
    changes = {}
    for table, rows in after.items():
        # Most tables of most transactions: == is done in C.
        if rows == before[table]:
            continue
        gone, came = before[table] - rows, rows - before[table]
        changes[table] = Change(tuple(gone.elements()), tuple(came.elements()))
    return changes


def play(contents: Contents, entries: Iterable[Entry]) -> Contents:
    """The contents after those transactions. Raises AssertionError when one removes a row that is not there."""
    result = {table: Counter(rows) for table, rows in contents.items()}
    for entry in entries:
        for table, change in entry.changes.items():
            _take(result[table], change.gone, entry)
            result[table].update(change.came)
    return {table: +rows for table, rows in result.items()}


def rewind(contents: Contents, entries: Iterable[Entry]) -> Contents:
    """The contents before those transactions (given in the order in which they happened)."""
    result = {table: Counter(rows) for table, rows in contents.items()}
    for entry in reversed(list(entries)):
        for table, change in entry.changes.items():
            _take(result[table], change.came, entry)
            result[table].update(change.gone)
    return {table: +rows for table, rows in result.items()}


def _take(rows: Counter[Row], taken: Iterable[Row], entry: Entry) -> None:
    for row in taken:
        rows[row] -= 1
        if rows[row] < 0:
            raise AssertionError(f"{entry.file}: writer {entry.writer}, transaction {entry.number}: no row {row}")
