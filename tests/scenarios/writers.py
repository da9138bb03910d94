"""An application as a process: it writes without pause, and keeps a journal of what the database accepted.

    python -m tests.scenarios.writers --db app.sqlite --shape text --journal w1.jsonl --writer 1 --seed 7

It knows of hotmig only what the runbook tells an application: two messages, and ``_migration_status``.
SIGTERM or the stop file end it after the transaction at hand.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import sqlite3
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from tests.scenarios import exact, journal
from tests.scenarios.exact import Contents, Tables, Text
from tests.scenarios.journal import Entry, Outcome
from tests.scenarios.shape import Dice, Shape, Write
from tests.scenarios.shapes import SHAPES

PAUSED = "hotmig: writes are paused for a migration to "
REPLACED = re.compile(r"hotmig: this database was replaced by (?P<file>.+)")
BUSY_SECONDS = 5.0


class UndoneError(Exception):
    """The application changed its mind and rolled its transaction back."""


@dataclass
class Database:
    """One connection, as an application holds it, and what it last saw in it."""

    path: Path
    db: sqlite3.Connection
    tables: Tables
    writes: Mapping[str, Write]
    seen: Contents
    version: int = -1
    after: Contents = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, tables: Tables, writes: Mapping[str, Write]) -> Database:
        db = sqlite3.connect(f"file:{path}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_SECONDS)
        db.text_factory = Text
        db.execute("PRAGMA foreign_keys = ON")
        return cls(path, db, tables, writes, {})

    def begin(self, statement: str) -> None:
        self.db.execute(statement)
        self.contents()

    def changes(self) -> dict[str, journal.Change]:
        """The effect of the transaction so far."""
        self.after = exact.contents(self.db, self.tables)
        return journal.changes_between(self.seen, self.after)

    def commit(self) -> None:
        self.db.execute("COMMIT")
        self.seen = self.after

    def contents(self) -> Contents:
        """All rows, inside a transaction. Read again only when another connection has committed."""
        (version,) = self.db.execute("PRAGMA data_version").fetchone()
        if version != self.version:
            self.seen, self.version = exact.contents(self.db, self.tables), version
        return self.seen


@dataclass
class Writer:
    """The loop: one random transaction after the other."""

    shape: Shape
    dice: Dice
    out: TextIO
    number: int = 0
    stopping: bool = False

    def stop(self, *_signal: object) -> None:
        self.stopping = True

    def transact(self, database: Database) -> Entry:
        """One transaction, whatever comes of it; what came of it is in the journal when this returns."""
        self.number += 1
        began = locked = time.monotonic()
        writes: list[str] = []
        changes: dict[str, journal.Change] = {}
        outcome, message = "accepted", None
        try:
            database.begin(self.dice.choice(["BEGIN", "BEGIN IMMEDIATE"]))
            self.write(database, writes)
            changes = database.changes()
            locked = time.monotonic()
            database.commit()
        except (sqlite3.Error, UndoneError) as error:
            if database.db.in_transaction:
                database.db.execute("ROLLBACK")
            outcome, message, changes = outcome_of(error), str(error), {}
        return self.note(database, outcome, message, began, locked, writes, changes)

    def write(self, database: Database, writes: list[str]) -> None:
        """One to four writes; some in savepoints, some of which are rolled back; some transactions are undone."""
        for _ in range(self.dice.choice([1, 1, 1, 2, 4])):
            name = self.dice.choice(list(database.writes))
            if self.dice.random() < 0.2:
                self.nested(database, name, writes)
            else:
                database.writes[name](database.db, self.dice)
                writes.append(name)
        if self.dice.random() < 0.05:
            raise UndoneError("rolled back by the application")

    def nested(self, database: Database, name: str, writes: list[str]) -> None:
        """A write in a savepoint: what breaks a constraint, and half of the rest, is rolled back to it."""
        database.db.execute("SAVEPOINT nested")
        try:
            database.writes[name](database.db, self.dice)
            kept = self.dice.random() < 0.5
        except sqlite3.IntegrityError as error:
            # RAISE(ABORT) is an IntegrityError too: the fence ends the whole transaction.
            if outcome_of(error) != "failed":
                raise
            kept = False
        if not kept:
            database.db.execute("ROLLBACK TO nested")
        database.db.execute("RELEASE nested")
        writes.append(name if kept else f"({name})")

    def note(
        self, database: Database, outcome: Outcome, message: str | None, began: float, locked: float,
        writes: Sequence[str], changes: dict[str, journal.Change],
    ) -> Entry:  # fmt: skip
        entry = Entry(
            self.dice.writer, self.number, database.path.name, outcome, began, locked, time.monotonic(), time.time(),
            tuple(writes), message, changes,
        )  # fmt: skip
        self.out.write(entry.to_line() + "\n")
        return entry


def outcome_of(error: Exception) -> Outcome:
    """What the application makes of an error: wait, go to the new file, or count it as its own failure."""
    if str(error).startswith(PAUSED):
        return "paused"
    return "replaced" if REPLACED.match(str(error)) else "failed"


def run(writer: Writer, database: Database, options: argparse.Namespace) -> None:
    refused = 0
    while not writer.stopping and not (options.stop_file and options.stop_file.exists()):
        entry = writer.transact(database)
        if entry.outcome == "paused":
            time.sleep(writer.dice.uniform(0.001, 0.005))
        elif entry.outcome == "replaced":
            refused += 1
            if options.follow and refused >= options.refusals:
                database = follow(writer, database, options.follow, entry)
                refused = 0
            elif options.until_refused and refused >= options.refusals:
                return
            time.sleep(writer.dice.uniform(0.0002, 0.001))
        elif options.pace:
            time.sleep(writer.dice.uniform(0, 2 * options.pace))


def follow(writer: Writer, database: Database, directory: Path, entry: Entry) -> Database:
    """The new file, once it says that it is ready."""
    match = REPLACED.match(entry.message or "")
    assert match is not None
    database.db.close()
    path = directory / match["file"]
    while not writer.stopping and not is_ready(path):
        time.sleep(0.002)
    return type(database).open(path, writer.shape.new_tables, writer.shape.new_writes)


def is_ready(path: Path) -> bool:
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_SECONDS)
        try:
            return db.execute("SELECT status FROM _migration_status").fetchone() == ("ready",)
        finally:
            db.close()
    except sqlite3.Error:
        return False


def parse(shapes: Mapping[str, Shape], arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--shape", choices=sorted(shapes), required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--writer", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**30))
    parser.add_argument("--pace", type=float, default=0.0, help="mean seconds between transactions")
    parser.add_argument("--stop-file", type=Path)
    parser.add_argument("--follow", type=Path, metavar="DIR", help="go on with the new file in DIR when replaced")
    parser.add_argument("--until-refused", action="store_true", help="end when the database was replaced")
    parser.add_argument("--refusals", type=int, default=1, help="how often to try a replaced database")
    return parser.parse_args(arguments)


def main(shapes: Mapping[str, Shape] = SHAPES, kind: type[Database] = Database) -> None:
    options = parse(shapes)
    shape = shapes[options.shape]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with options.journal.open("a", buffering=1) as out:
        writer = Writer(shape, Dice(options.seed, options.writer), out)
        signal.signal(signal.SIGTERM, writer.stop)
        signal.signal(signal.SIGINT, writer.stop)
        database = kind.open(options.db, shape.old_tables, shape.writes)
        print(os.getpid(), flush=True)
        run(writer, database, options)
        database.db.close()


if __name__ == "__main__":
    main()
