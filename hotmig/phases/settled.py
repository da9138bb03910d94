"""Whether the live database has the module's schema already, under whatever name."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from hotmig.catalog.fingerprint import equal
from hotmig.catalog.read import read_catalog
from hotmig.phases.locate import Location
from hotmig.planning.checking import Context
from hotmig.planning.checks import seeds
from hotmig.planning.copy_plan import build_plan
from hotmig.planning.data_marks import all_known
from hotmig.planning.model import Answer
from hotmig.planning.sameness import nothing_to_do
from hotmig.schema.model import Schema
from hotmig.sqlite import execute, reading
from hotmig.transfer.bookkeeping import read_hints
from hotmig.transfer.marks import all_marks, read_known


def is_settled(location: Location) -> bool:
    """Whether no migration is under way and none is needed.

    A module from which used hints were taken out asks for another file name, and yet for nothing new.
    """
    if location.marker is not None or location.old is None or location.schema is None:
        return False
    return location.nothing_to_do or has_schema(location.old, location.schema)


def has_schema(live: Path, schema: Schema) -> bool:
    """Whether the live database has the schema, its seed rows and data migrations: then there is nothing to migrate."""
    with reading(live) as db:
        if not has_data_migrations(db, schema):
            return False
        used = read_hints(db)
        context = Context(build_plan(read_catalog(db), schema, used), schema, used_hints=used)
        questions = seeds.probes(context)
        answers = tuple(Answer(each, tuple(execute(db, each.sql, each.parameters).fetchall())) for each in questions)
        return nothing_to_do(replace(context, answers=answers))


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
