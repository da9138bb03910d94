"""``inspect``: the schema module of a database that is there."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from hotmig import project
from hotmig.catalog.fingerprint import differences
from hotmig.catalog.model import Catalog
from hotmig.catalog.read import read_catalog, unsayable
from hotmig.errors import HotmigError, SchemaError
from hotmig.schema.drafts import load_text
from hotmig.schema.scaffold import module_text
from hotmig.sqlite import load_extensions, reading


@dataclass(frozen=True)
class Inspection:
    """``unsaid`` is what the database says and the module does not, one line each."""

    module: str
    unsaid: tuple[str, ...]


def inspect(path: Path, *, extensions: tuple[str, ...] = ()) -> Inspection:
    """The module for any SQLite database, which is only read. Raises HotmigError for a file that is none."""
    catalog, unsaid = read_database(path, extensions=extensions)
    named = project.split(path)  # by the rule: the module belongs to these files
    name = named[0] if named else None
    module = module_text(catalog, database_name=name, prepare=lambda db: load_extensions(db, extensions))
    return Inspection(module, (*unsaid, *_lost(catalog, module, extensions)))


def read_database(path: Path, *, extensions: tuple[str, ...] = ()) -> tuple[Catalog, tuple[str, ...]]:
    """The catalog of a database, and what no catalog can hold. Raises HotmigError for a file that is no database."""
    if not path.is_file():
        raise HotmigError(f"there is no database {path}", "give the path of a SQLite file that exists")
    if path.stat().st_size == 0:
        raise HotmigError(f"{path} is empty", "give the database that the application writes to")
    try:
        with reading(path, extensions=extensions) as db:
            return read_catalog(db), tuple(map(_told, unsayable(db)))
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_NOTADB:
            raise
        raise HotmigError(
            f"{path} is no SQLite database", "give the database that the application writes to"
        ) from error


def _lost(catalog: Catalog, module: str, extensions: tuple[str, ...]) -> tuple[str, ...]:
    """The module is held against the database: what it can't say here is told, never dropped in silence."""
    try:
        made = load_text(module, prepare=lambda db: load_extensions(db, extensions)).catalog
    except SchemaError as error:
        return (f"this module can't be loaded here: {error.message}; {error.hint}",)
    return tuple(map(_told, differences(catalog, made)))


def _told(what: str) -> str:
    return f"the module does not say: {what}"
