"""Whether the live database has the module's schema already, under whatever name."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from hotmig.catalog.fingerprint import equal
from hotmig.catalog.read import read_catalog
from hotmig.phases.last_run import found_settled
from hotmig.phases.locate import Location
from hotmig.phases.rehearsal import find_groups
from hotmig.planning.checking import Context
from hotmig.planning.checks import mapped_values, seeds
from hotmig.planning.copy_plan import build_plan
from hotmig.planning.data_marks import all_known
from hotmig.planning.model import Answer
from hotmig.planning.sameness import nothing_to_do, same_schema
from hotmig.schema.model import Schema
from hotmig.sqlite import SHORT_READ_SECONDS, TookTooLong, at_most, execute, is_closed_wal, reading, value
from hotmig.transfer.bookkeeping import read_hints
from hotmig.transfer.marks import all_marks, read_known
from hotmig.transfer.value_maps import create_value_maps


def is_settled(location: Location) -> bool:
    """Whether no migration is under way and none is needed.

    A module from which used hints were taken out asks for another file name, and yet for nothing new.
    """
    if location.marker is not None or location.old is None or location.schema is None:
        return False
    return location.nothing_to_do or has_schema(location.old, location.schema)


def stays_settled(location: Location) -> bool:
    """The same behind a migrate that found nothing to do, whatever the application wrote since.

    A row under an alias is the next migrate's: a deploy goes on, and the application starts.
    """
    if is_settled(location):
        return True
    if location.marker is not None or location.old is None or location.schema is None:
        return False
    return was_settled(location.directory, location.old, location.new, location.schema, last_of_all=True)


def was_settled(directory: Path, live: Path, target: Path, schema: Schema, *, last_of_all: bool = False) -> bool:
    """Whether a migrate found nothing to do in the live database, and it still has what the module asks for.

    An application starts also where a later migrate is blocked, which a deploy must not take for done: ``last_of_all``.
    """
    if not found_settled(directory, live.name, target.name, last_of_all=last_of_all):
        return False
    with reading(live) as db:
        return has_data_migrations(db, schema) and same_schema(build_plan(read_catalog(db), schema, read_hints(db)))


def has_schema(live: Path, schema: Schema) -> bool:
    """Whether the live database has schema, seed rows and data migrations, and no rule would change a row of it.

    So that there is nothing to migrate. Where that takes too long for the application's writes to wait, it is unknown.
    """
    with reading(live) as db:
        if not has_data_migrations(db, schema):
            return False
        used = read_hints(db)
        context = Context(build_plan(read_catalog(db), schema, used), schema, used_hints=used)
        if not same_schema(context.plan):
            return False
        is_wal = is_closed_wal(live) or value(db, "PRAGMA journal_mode") == "wal"
        seconds = None if is_wal else SHORT_READ_SECONDS
        create_value_maps(db, context.plan.steps)
        questions = (*seeds.probes(context), *mapped_values.probes(context))
        try:
            with at_most(db, seconds):
                answers = tuple(
                    Answer(each, tuple(execute(db, each.sql, each.parameters).fetchall())) for each in questions
                )
        except TookTooLong:
            return False
    # The rows stand in tables of that schema: where none changes, all fit.
    return nothing_to_do(find_groups(replace(context, answers=answers), live, seconds, (), None, judged=False)[0])


def has_data_migrations(db: sqlite3.Connection, schema: Schema) -> bool:
    """Whether a database was made with all of the module's data migrations, or has them; some may be pending there."""
    if not schema.data_migrations:
        return True
    names = [*(mark.name for mark in all_marks(db, schema.adopted)), *(known.name for known in read_known(db))]
    return all_known(schema.data_migrations, names)


def has_catalog(live: Path, schema: Schema) -> bool:
    """Whether the live database has the module's tables and all that belongs to them, whatever their rows."""
    with reading(live) as db:
        return equal(read_catalog(db), schema.catalog)
