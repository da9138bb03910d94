"""``data``: what became of each data migration; skipping one; running those that wait for a database in service."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hotmig.errors import HotmigError, Refused
from hotmig.ledger.run import UNRECORDED, Run
from hotmig.phases.data_failures import SKIP, UNSKIP, Failure, failures
from hotmig.phases.data_walk import marks_of, walk_after
from hotmig.phases.locate import Location
from hotmig.phases.migration import new_writer
from hotmig.phases.settled import is_settled
from hotmig.planning.data_marks import Mark, resolved
from hotmig.schema.model import DataMigration, Moment, Schema
from hotmig.sqlite import LOCK_SECONDS, reading, transaction
from hotmig.transfer.build import is_begun
from hotmig.transfer.marks import (
    MARKS,
    all_marks,
    carry_marks,
    forget_mark,
    is_taken,
    rename_marks,
    stamp_skipped,
    utc_now,
)

State = Literal["applied", "failed", "pending", "skipped"]
MOMENTS: dict[Moment, str] = {
    "cutover": "in the next migration's `hotmig cutover`, while writes are paused",
    "after": "at the end of `hotmig cutover`, or in `hotmig data run`",
}


@dataclass(frozen=True)
class Entry:
    """One data migration. ``failed_utc`` and ``run_id`` say when it failed, and which run tells more."""

    name: str
    when: Moment
    state: State
    applied_utc: str | None = None
    skipped_utc: str | None = None
    reason: str | None = None
    failed_utc: str | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class DataStatus:
    """``database`` is the one whose marks these are; None before there is one."""

    database: Path | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class SkipResult:
    """The mark that a data migration got, and where."""

    name: str
    database: Path
    reason: str
    skipped_utc: str


@dataclass(frozen=True)
class UnskipResult:
    """``skipped`` says why there was nothing to do; ``runs`` when it will be run."""

    skipped: str | None
    name: str
    database: Path | None
    runs: str | None = None


@dataclass(frozen=True)
class RunResult:
    """``data_migrations`` were run, in their order; ``waiting`` are those that wait for a cutover."""

    skipped: str | None
    database: Path
    data_migrations: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


def look(location: Location) -> DataStatus:
    """What became of each data migration of the module. Nothing is changed."""
    schema = _schema(location)
    marks = resolved(schema.data_migrations, marks_of(schema, location.old, _building(location)))
    try:
        failed = failures(location.directory)
    except HotmigError:
        failed = {}  # `status` says that the ledger can't be read
    entries = []
    for each in schema.data_migrations:
        mark = marks.get(each.name)
        if mark is not None:
            state: State = "skipped" if mark.applied_utc is None else "applied"
            entries.append(Entry(each.name, each.when, state, mark.applied_utc, mark.skipped_utc, mark.reason))
        else:
            entries.append(_unmarked(each, failed.get(each.name)))
    return DataStatus(_building(location) or location.old, tuple(entries))


def _unmarked(each: DataMigration, failure: Failure | None) -> Entry:
    if failure is None:
        return Entry(each.name, each.when, "pending")
    return Entry(each.name, each.when, "failed", failed_utc=failure.utc, run_id=failure.run_id)


def skip(
    location: Location, name: str, reason: str, *, seconds: float = LOCK_SECONDS, run: Run = UNRECORDED
) -> SkipResult:
    """Notes that a data migration is not to be run. Raises Refused for one that is applied or skipped already."""
    require_skippable(location, name)
    schema, database, at = _schema(location), _database(location), utc_now()
    with _marking(location, database, SKIP, name, seconds, run) as db:
        carry_marks(db, schema, all_marks(db, schema.adopted), skipped=False)
        rename_marks(db, schema)
        stamp_skipped(db, name, at, reason)
    return SkipResult(name, database, reason, at)


@contextmanager
def _marking(
    location: Location, database: Path, action: str, name: str, seconds: float, run: Run
) -> Iterator[sqlite3.Connection]:
    run.concerns(None, location.old.name if location.old else None, database.name)
    with (
        new_writer(database, seconds) as db,
        run.step(action, name),
        transaction(db, seconds, "the database's writers"),
    ):
        yield db


def require_skippable(location: Location, name: str) -> None:
    """Raises HotmigError for an unknown name and for marks that can't be made, Refused for one that has a mark."""
    each = _named(location, name)
    mark = _marked(location, each.name)
    if mark is not None and mark.applied_utc is not None:
        raise Refused(
            f"data migration {name} is applied, since {mark.applied_utc}: there is nothing to skip",
            "`hotmig data status` shows all of them",
        )
    if mark is not None:
        raise Refused(
            f"data migration {name} is skipped already, since {mark.skipped_utc}",
            f"`hotmig data unskip {name}` takes that back",
        )
    database = _database(location)
    with reading(database) as db:
        if is_taken(db):
            raise HotmigError(
                f"{MARKS} in {database.name} is not hotmig's, and there is no place for marks",
                "rename it, as `hotmig plan` says too",
            )


def unskip(location: Location, name: str, *, seconds: float = LOCK_SECONDS, run: Run = UNRECORDED) -> UnskipResult:
    """Takes a skip back; says when the data migration will be run. Raises HotmigError for an unknown name."""
    nothing = not_skipped(location, name)
    if nothing is not None:
        return nothing
    database = _database(location)
    with _marking(location, database, UNSKIP, name, seconds, run) as db:
        rename_marks(db, _schema(location))
        forget_mark(db, name)
    return UnskipResult(None, name, database, runs=_when(location, _named(location, name)))


def not_skipped(location: Location, name: str) -> UnskipResult | None:
    """What ``unskip`` says where there is nothing to take back; None where there is."""
    each = _named(location, name)
    mark = _marked(location, name)
    if mark is not None and mark.applied_utc is None:
        return None
    state = "pending" if mark is None else f"applied, since {mark.applied_utc}"
    runs = _when(location, each) if mark is None else None
    return UnskipResult(
        f"data migration {name} is not skipped: it is {state}", name, _building(location) or location.old, runs=runs
    )


def _when(location: Location, each: DataMigration) -> str:
    if each.when == "cutover" and location.marker is not None:
        return "in `hotmig cutover`, while writes are paused"
    return MOMENTS[each.when]


def run_pending(
    location: Location, *, seconds: float = LOCK_SECONDS, extensions: tuple[str, ...] = (), run: Run = UNRECORDED
) -> RunResult:
    """Runs what waits for a database in service. Raises DataMigrationFailed for the first that fails.

    Raises Refused where a migration is under way, or needed: its cutover runs them.
    """
    schema, database = _schema(location), require_settled(location)
    run.concerns(None, database.name, database.name)
    with new_writer(database, seconds, extensions) as db:
        done = walk_after(db, schema, seconds, run)
    waiting = tuple(each.name for each in look(location).entries if each.state in ("failed", "pending"))
    skipped = None if done else "no data migration is waiting to be run"
    return RunResult(skipped, database, done, waiting)


def require_settled(location: Location) -> Path:
    """The database in service. Raises Refused where a migration is under way, or needed."""
    if location.old is None or not is_settled(location):
        raise Refused(
            "the database in service does not have this schema: data migrations are run once it has",
            "`hotmig migrate`, `hotmig drain` and `hotmig cutover` lead there; `hotmig status` says what is next",
        )
    return location.old


def _schema(location: Location) -> Schema:
    if location.schema is None:
        raise HotmigError("there is no schema module to read data migrations from", "name it with --schema")
    return location.schema


def _named(location: Location, name: str) -> DataMigration:
    declared = _schema(location).data_migrations
    for each in declared:
        if each.name == name:
            return each
    raise HotmigError(f"there is no data migration {name}", "`hotmig data status` shows their names")


def _marked(location: Location, name: str) -> Mark | None:
    schema = _schema(location)
    return resolved(schema.data_migrations, marks_of(schema, location.old, _building(location))).get(name)


def _building(location: Location) -> Path | None:
    """The new database, where one is being built for this very module."""
    new = location.building
    return new if new is not None and new == location.new and is_begun(new) else None


def _database(location: Location) -> Path:
    """Where marks are made. Raises Refused where that is about to be made."""
    if location.old is None:
        raise HotmigError("there is no database to mark data migrations in", "`hotmig status` says what is there")
    if location.marker is None:
        return location.old
    new = _building(location)
    if new is None:
        raise Refused(
            f"a migration to {location.marker.target} has begun, and that file is not made yet",
            "run `hotmig migrate` first; with another schema module than it began with, `hotmig reset`",
        )
    return new
