"""A database that a newer version of the application wrote: its data migrations are not all in the schema module."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from hotmig import project
from hotmig.errors import DowngradeDetected, HotmigError
from hotmig.phases.locate import guess_name, try_schema
from hotmig.planning.data_marks import Mark, unknown
from hotmig.schema.model import Schema
from hotmig.sqlite import connect, is_closed_wal
from hotmig.transfer.identity import read_status
from hotmig.transfer.marks import read_marks

_NUMBER = re.compile(r"[0-9]{3}(?=_)")


def require_not_newer(database: Path, marks: Iterable[Mark], schema: Schema) -> None:
    """Raises DowngradeDetected for a database whose marks name a data migration that the module does not know."""
    told = newer(database, marks, schema)
    if told is not None:
        raise DowngradeDetected(
            told, "run hotmig with the schema module of the version that wrote it; a new name needs formerly=(…)"
        )


def newer(database: Path, marks: Iterable[Mark], schema: Schema) -> str | None:
    """Why the module is too old for the database, in one sentence; None where it is not."""
    names = unknown(schema.data_migrations, (mark.name for mark in marks))
    if not names:
        return None
    known = schema.data_migrations[-1].name if schema.data_migrations else None
    return (
        f"{database.name} has data migration {_number(names[-1])} ({names[-1]}), which the schema module does not know:"
        f" {f'it goes to {_number(known)} ({known})' if known else 'it has none (000)'}"
    )


def _number(name: str) -> str:
    found = _NUMBER.match(name)
    return found[0] if found else name


def look_for_newer(directory: Path, schema_file: Path | None) -> None:
    """The same for every database of a directory that is or was in service. Cheap where none has marks.

    What can't be read, or loaded, is told by whoever needs it.
    """
    file = project.schema_file(directory, schema_file)
    with suppress(HotmigError, OSError):
        found = list(_marked(directory, guess_name(directory, file)))
        schema = try_schema(file)[0] if found else None
    if found and schema is not None:
        for path, marks in found:
            require_not_newer(path, marks, schema)


def _marked(directory: Path, name: str) -> Iterator[tuple[Path, tuple[Mark, ...]]]:
    for path in project.candidates(directory, name):
        if not path.is_file():
            continue  # to open a pipe would wait for whoever writes into it
        with suppress(HotmigError, sqlite3.Error, OSError):
            # Without patience: who only asks for the runs does not wait for a lock.
            db = connect(path, "ro", immutable=is_closed_wal(path))
            try:
                marks = read_marks(db)
                if marks and read_status(db) != "migrating":  # one that is being built can be given up
                    yield path, marks
            finally:
                db.close()
