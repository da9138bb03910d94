"""A migration under way: the plan that was recorded, and the two files it is between."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hotmig.capture.marker import Marker, read_marker
from hotmig.capture.names import MARKER
from hotmig.catalog.read import read_catalog
from hotmig.errors import BEGIN_ANEW, HotmigError, Refused
from hotmig.phases.locate import Location
from hotmig.phases.standing import elsewhere
from hotmig.planning.copy_plan import build_plan
from hotmig.planning.model import CopyPlan
from hotmig.schema.model import Schema
from hotmig.sqlite import connect, connect_as, execute, is_in_place, make_durable, reading
from hotmig.transfer.bookkeeping import read_hints, read_migration, read_source
from hotmig.transfer.build import is_begun
from hotmig.transfer.identity import read_copies, read_status
from hotmig.transfer.supervised import Supervised

# A deploy script that died can be run again: migrate and drain let it come to its cutover, which finishes.
HALF_CUT = "the old database is retired already: a cutover was cut in two, and `hotmig cutover` finishes it"


@dataclass(frozen=True)
class Migration:
    """Everything a later phase needs to go on."""

    old: Path
    new: Path
    marker: Marker
    schema: Schema
    plan: CopyPlan


def recorded_plan(old: Path, new: Path, schema: Schema) -> CopyPlan:
    """The plan from the old database as it was when recording began: what changed since can then be named."""
    with reading(new) as db:
        source = read_source(db)
    with reading(old) as db:
        return build_plan(source or read_catalog(db), schema, read_hints(db))


def find_migration(location: Location) -> Migration:
    """The migration that ``migrate`` began. Raises Refused or HotmigError where there is none to go on with."""
    if location.old is None or location.schema is None:
        raise HotmigError("there is no old database to work on", "`hotmig status` says what is there")
    with reading(location.old) as db:
        marker = read_marker(db)
    if marker is None:
        raise Refused(
            f"{location.old.name} has no _migration_marker: no migration is recording there",
            "run `hotmig migrate` first; if one was under way, `hotmig reset` removes what is left of it",
        )
    require_here(location)
    new = location.directory / marker.target
    if new != location.new:
        raise Refused(
            f"the migration under way builds {marker.target}, but the schema module asks for {location.new.name}",
            module_of(location, marker) or _put_back(marker),
        )
    if not is_begun(new):
        gone = "put it back from a backup: it may have been in service"
        way = gone if marker.status == "retired" else "run `hotmig migrate` to build it again"
        raise Refused(f"the new database {new.name} is missing or empty", way)
    require_its_own(marker, new, location.old)
    plan = recorded_plan(location.old, new, location.schema)
    if plan.hash != marker.plan_hash:
        raise Refused(
            "the migration under way was begun from another plan: the schema module changed since",
            _put_back(marker),
        )
    return Migration(location.old, new, marker, location.schema, plan)


def require_here(location: Location) -> None:
    """Raises Refused where the migration under way is run in another directory that has the same old database."""
    there = elsewhere(location.marker.directory if location.marker else None, location.old, location.directory)
    if there is not None and location.old is not None:
        what = f"{location.old.name} is being migrated in {there}, which has the same file"
        raise Refused(what, f"go on there: -d {there}")


def _put_back(marker: Marker) -> str:
    """The hint where the module says something else than the migration under way; half a cutover is only finished."""
    first = "put the schema module, and what it reads, back as it was"
    return f"{first}, then run the same command" if marker.status == "retired" else f"{first}, or {BEGIN_ANEW}"


def module_of(location: Location, marker: Marker) -> str | None:
    """The hint where the migration was begun with a module that lies elsewhere."""
    from hotmig.phases.last_run import other_module

    given = other_module(location.directory, marker.target, location.schema_file)
    return f"it was begun with another module: give --schema {given}" if given is not None else None


def require_its_own(marker: Marker, new: Path, old: Path) -> None:
    """Raises Refused for a new database that another migration began: what it copied was not recorded by this one."""
    with reading(new) as db:
        if read_status(db) == "migrating" and read_migration(db) != marker.migration:
            raise Refused(
                f"{new.name} was begun by another migration than the one that {MARKER} of the old database tells of:"
                " one of the two was put back from a backup",
                unretire(old) if marker.status == "retired" else BEGIN_ANEW,
            )


def unretire(old: Path) -> str:
    """The way back where a cutover that was cut in two can't be finished: the new database never was in service."""
    statement = f"UPDATE {MARKER} SET status = 'recording'"
    return (
        f"put the file back that was there; if there is none, execute {statement} in {old.name}: it takes writes again,"
        f" which are recorded; then {BEGIN_ANEW}"
    )


def cut_in_two() -> Refused:
    """The refusal between the two commits of a cutover, of what does not lead to its end."""
    return Refused(
        "the old database is retired already, and the new one is not ready: a cutover was cut in two",
        "run `hotmig cutover` to finish it",
    )


def require_copied(migration: Migration) -> None:
    """Raises Refused when the copy is not complete."""
    with reading(migration.new) as db:
        copies = read_copies(db)
        status = read_status(db)
    if status != "migrating" or copies is None:
        what = status or "not a database of hotmig"
        raise Refused(f"{migration.new.name} is {what}", "`hotmig status` says what is next")
    if any(copy.state != "copied" for copy in copies):
        waiting = [copy.table for copy in copies if copy.state not in ("indexed", "copied")]
        missing = ", ".join(waiting) or "its last step"
        raise Refused(f"the copy is not complete: {missing}", "run `hotmig migrate`: it goes on where it stood")


def require_in_place(db: sqlite3.Connection, path: Path) -> None:
    """Raises Refused where the path leads to another file by now: nobody would find what is fenced, or handed over."""
    if not is_in_place(db):
        raise Refused(
            f"{path} leads to another file than before: it was replaced meanwhile",
            "nothing was handed over; `hotmig status` says where things stand with the files that are there now",
        )


def require_both_in_place(old: sqlite3.Connection, new: sqlite3.Connection, migration: Migration) -> None:
    """``require_in_place`` of either file of a hand-over."""
    for db, path in ((old, migration.old), (new, migration.new)):
        require_in_place(db, path)


@contextmanager
def old_writer(old: Path, seconds: float) -> Iterator[sqlite3.Connection]:
    """The one connection that writes to the old database; what it commits is on the disk.

    Raises HotmigError where this user may not write to it.
    """
    _require_write(old)
    db = connect(old, "rw", patience=seconds)
    try:
        make_durable(db)
        # A checkpoint at the wrong moment is the application's to make, not ours.
        execute(db, "PRAGMA wal_autocheckpoint = 0")
        yield db
    finally:
        db.close()


@contextmanager
def new_writer(new: Path, seconds: float, extensions: Sequence[str] = ()) -> Iterator[Supervised]:
    """A connection to the new database alone, whose commits are on the disk.

    A transaction of one that has the old database attached can hold a read lock there, and in rollback-journal mode
    the old database's commit would wait for that for ever. Raises HotmigError where this user may not write to it.
    """
    _require_write(new)
    db = connect_as(Supervised, new, "rw", patience=seconds, extensions=extensions)
    try:
        make_durable(db)
        yield db
    finally:
        db.close()


def _require_write(path: Path) -> None:
    """SQLite opens what can't be written for reading only, and says so at the first write: behind what went before."""
    real = Path(os.path.realpath(path))
    for each in (real, real.parent):  # side files lie beside it
        if each.exists() and not os.access(each, os.W_OK):
            raise HotmigError(
                f"this user may not write to {each}",
                "run hotmig as the owner of the databases or as root, on a disk that is not mounted read-only",
            )


def file_size(path: Path) -> int:
    """The size of a database with its write-ahead log, in bytes."""
    real = os.path.realpath(path)
    return sum(os.stat(name).st_size for name in (real, real + "-wal") if os.path.exists(name))
