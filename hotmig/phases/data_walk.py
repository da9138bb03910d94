"""Data migrations on their way: which are pending, those of the hand-over, and those of a database in service."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from hotmig.errors import DataMigrationExit, HotmigError
from hotmig.ledger.run import Run
from hotmig.ledger.store import Intent
from hotmig.phases.budget import Deadline
from hotmig.phases.data_failures import RUN
from hotmig.phases.migration import Migration
from hotmig.planning.data_marks import Mark, merged, pending, resolved
from hotmig.schema.model import DataMigration, Moment, Schema
from hotmig.sqlite import Row, reading, transaction, value
from hotmig.transfer import data_migrations
from hotmig.transfer.build import is_begun
from hotmig.transfer.marks import all_marks, carry_marks, create_marks, read_marks, rename_marks
from hotmig.transfer.supervised import Supervised

STOPPED = "it was told to stop before all data migrations were done"


@dataclass(frozen=True)
class Walk:
    """The data migrations of one hand-over. ``seconds`` is how long they may take in all, if the pause has so long.

    ``tolerated`` are the orphans that were there shortly before; None where they can still be looked for when one of
    these puts foreign keys off.
    """

    pending: tuple[DataMigration, ...] = ()
    seconds: float = 0.0
    tolerated: frozenset[Row] | None = None

    @property
    def intents(self) -> tuple[Intent, ...]:
        return tuple(map(intent, self.pending))


def intent(each: DataMigration) -> Intent:
    """The step of one data migration."""
    return Intent(RUN, each.name)


def marks_of(schema: Schema, old: Path | None, building: Path | None) -> tuple[Mark, ...]:
    """What is marked: in the new database where one is being built, else in the one in service.

    What the old one says to be applied counts there too: the hand-over takes it over.
    """
    if not schema.data_migrations:
        return ()
    before: tuple[Mark, ...] = ()
    if old is not None:
        with reading(old) as db:
            before = all_marks(db, schema.adopted)
    if building is None or not is_begun(building):
        return before
    with reading(building) as db:
        own = read_marks(db)
    applied = [mark for mark in resolved(schema.data_migrations, before).values() if mark.applied_utc is not None]
    return merged(own, applied)


def at_cutover(migration: Migration, seconds: float = math.inf) -> Walk:
    """What the hand-over has to run, within ``seconds``."""
    waiting = _waiting_for("cutover", migration.schema, marks_of(migration.schema, migration.old, migration.new))
    return Walk(waiting, seconds, _tolerated(migration.new)) if waiting else Walk()


def _tolerated(new: Path) -> frozenset[Row] | None:
    """In rollback-journal mode the hand-over keeps every reader out, and so it can't ask any more."""
    with reading(new) as db:
        if value(db, "PRAGMA journal_mode") == "wal":
            return None
        return frozenset(data_migrations.orphans(db))


def _waiting_for(moment: Moment, schema: Schema, marks: tuple[Mark, ...]) -> tuple[DataMigration, ...]:
    return tuple(each for each in pending(schema.data_migrations, marks) if each.when == moment)


def walk_at_cutover(old: sqlite3.Connection, new: Supervised, schema: Schema, walk: Walk, deadline: Deadline) -> None:
    """Inside the transaction that makes the new database ready, while nobody can write to the old one.

    Raises DataMigrationFailed or DataMigrationTooLong: the caller rolls everything back.
    """
    carry_marks(new, schema, all_marks(old, schema.adopted), skipped=False)
    waiting = [each for each in _waiting_for("cutover", schema, read_marks(new)) if each in walk.pending]
    data_migrations.run(new, schema, waiting, deadline.within(walk.seconds).at, walk.tolerated)


def walk_after(db: Supervised, schema: Schema, seconds: float, run: Run) -> tuple[str, ...]:
    """Runs what waits for a database in service, each in a transaction of its own; returns the names.

    Raises DataMigrationFailed for the first that fails: what came before it stays, what follows is not run.
    """
    done = []
    for each in _waiting_for("after", schema, all_marks(db, schema.adopted)):
        with (
            run.step(RUN, each.name),
            data_migrations.foreign_keys(db, wanted=True),
            transaction(db, seconds, "the database's writers"),
        ):
            create_marks(db)
            rename_marks(db, schema)
            data_migrations.run(db, schema, (each,), None)
        done.append(each.name)
    return tuple(done)


@dataclass(frozen=True)
class Walked:
    """The data migrations that were run, in their order, and why one of those behind a cutover was not."""

    names: tuple[str, ...] = ()
    problem: str | None = None


def walk_behind_cutover(db: Supervised, schema: Schema, walk: Walk, seconds: float, run: Run) -> Walked:
    """The same behind a cutover: that is done, and neither what fails now nor a signal makes it fail."""
    names = [each.name for each in walk.pending]
    waiting = _waiting_for("after", schema, all_marks(db, schema.adopted))
    try:
        with run.stoppable():
            walk_after(db, schema, seconds, run)
        problem = None
    except (HotmigError, DataMigrationExit, sqlite3.Error) as error:  # a lock, a full disk or the ledger, too
        problem = " ".join(str(error).split())
    except BaseException as error:
        # A KeyboardInterrupt is the function's own: a signal that we heard is another exception.
        if not run.handed_over or isinstance(error, Exception | KeyboardInterrupt):
            raise
        problem = STOPPED if pending(waiting, all_marks(db, schema.adopted)) else None
    left = pending(waiting, all_marks(db, schema.adopted))
    names += [each.name for each in waiting if each not in left]
    return Walked(tuple(names), problem)
