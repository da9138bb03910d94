"""The application of Chinook as a process; the options are those of ``tests.scenarios.writers``.

Its tables are too large to be compared as a whole in every transaction, so TEMP triggers of its own connection note
the rows that come and go. At the end the whole contents must agree with the notes.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.scenarios import writers
from tests.scenarios.chinook import CHINOOK
from tests.scenarios.exact import Row, Tables, cell, quote
from tests.scenarios.journal import Change
from tests.scenarios.shape import Write

_EVENTS = {"INSERT": {"came": "NEW"}, "DELETE": {"gone": "OLD"}, "UPDATE": {"gone": "OLD", "came": "NEW"}}


@dataclass
class NotingDatabase(writers.Database):
    """A connection that notes what it changes. A rollback, to a savepoint too, takes the notes with it."""

    notes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, tables: Tables, writes: Mapping[str, Write]) -> NotingDatabase:
        database = super().open(path, tables, writes)
        assert isinstance(database, NotingDatabase)
        database.notes = {table: f"noted_{number}" for number, table in enumerate(tables)}
        for table, notes in database.notes.items():
            _note(database.db, table, tables[table], notes)
        return database

    def begin(self, statement: str) -> None:
        self.db.execute(statement)

    def changes(self) -> dict[str, Change]:
        found = {table: self._changes_of(notes) for table, notes in self.notes.items()}
        return {table: change for table, change in found.items() if change.gone or change.came}

    def _changes_of(self, notes: str) -> Change:
        rows: dict[str, Counter[Row]] = {"gone": Counter(), "came": Counter()}
        for way, *values in self.db.execute(f"SELECT * FROM temp.{notes}"):
            rows[way.raw.decode()][tuple(map(cell, values))] += 1
        if rows["gone"] or rows["came"]:
            self.db.execute(f"DELETE FROM temp.{notes}")
        gone, came = rows["gone"] - rows["came"], rows["came"] - rows["gone"]
        return Change(tuple(gone.elements()), tuple(came.elements()))

    def commit(self) -> None:
        self.db.execute("COMMIT")


def _note(db: sqlite3.Connection, table: str, columns: Sequence[str], notes: str) -> None:
    # Columns without a type keep every value as it is.
    db.execute(f"CREATE TEMP TABLE {notes}(way, {', '.join(f'c{number}' for number in range(len(columns)))})")
    for event, images in _EVENTS.items():
        inserts = "".join(
            f"INSERT INTO {notes} VALUES ('{way}', {', '.join(f'{image}.{quote(column)}' for column in columns)}); "
            for way, image in images.items()
        )
        name = f"{notes}_{event.lower()}"
        db.execute(f"CREATE TEMP TRIGGER {name} AFTER {event} ON main.{quote(table)} BEGIN {inserts}END")


if __name__ == "__main__":
    writers.main({CHINOOK.name: CHINOOK}, NotingDatabase)
