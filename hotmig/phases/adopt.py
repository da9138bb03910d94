"""Adopting the application's database: a schema module for it, and a link that gives it its name by the rule.

The application is not touched: its file is only read, and SQLite names side files after what a link points to.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hotmig import project
from hotmig.catalog.fingerprint import differences
from hotmig.catalog.model import Catalog
from hotmig.errors import HotmigError, Refused, SchemaError
from hotmig.ledger.run import UNRECORDED, Run
from hotmig.phases.first import publish, scratch_folder
from hotmig.phases.inspect import read_database
from hotmig.phases.locate import database_name, load_schema
from hotmig.phases.survey import look, survey
from hotmig.schema.drafts import load_text
from hotmig.schema.model import Schema
from hotmig.schema.scaffold import module_text
from hotmig.sqlite import load_extensions
from hotmig.transfer.build import sync_directory

_MOST = 5  # differences in one message
_MODULE_MODE = 0o644  # before the umask
_NAME = re.compile(r"""[^.\s"'\\/][^"'\\/]*""")  # what `database = "…"` can say without an escape


@dataclass(frozen=True)
class Adopted:
    """``database`` is the application's file, links followed; ``skipped`` is set when all this was done before."""

    link: Path
    database: Path
    schema_hash: str
    schema_written: bool
    skipped: str | None
    unsaid: tuple[str, ...]


def adopt(
    directory: Path,
    file: Path,
    database: Path,
    *,
    dry_run: bool = False,
    extensions: tuple[str, ...] = (),
    run: Run = UNRECORDED,
) -> Adopted:
    """Writes the schema module and makes the link; with ``dry_run`` it only looks whether that can be done.

    A module that is there is kept, if it says just what the database has. Raises Refused for another one, for a
    database that is in a migration, and for a link or a database that is in the way.
    """
    catalog, unsaid = read_database(database, extensions=extensions)
    _require_adoptable(database)
    real = Path(os.path.realpath(database))
    text = module_text(
        catalog, database_name=_name(directory, real), prepare=lambda db: load_extensions(db, extensions)
    )
    schema = _loaded(text, catalog, database, extensions)
    written = not os.path.lexists(file)
    name = database_name(directory, schema if written else _same(file, schema, database, extensions))
    link = project.target(directory, name, schema.hash)
    there = _is_there(link, real)
    _require_alone(directory, name, link, real)
    if not dry_run:
        run.concerns(None, real.name, link.name)
        _carry_out(directory, None if there else link, real, file, text if written else None, run)
    skipped = f"{database} is {link.name} already, and {file} says what it has" if there and not written else None
    return Adopted(link, real, schema.hash, written, skipped, () if skipped else unsaid)


def _carry_out(directory: Path, link: Path | None, real: Path, file: Path, text: str | None, run: Run) -> None:
    if link is not None:
        with run.step("make the link", link.name):
            os.symlink(_seen_from(directory, real), link)
            sync_directory(directory)
    if text is not None:
        with run.step("write the schema module", file.name):
            _write(file, text)


def _require_adoptable(database: Path) -> None:
    seen = look(database)
    if seen.problem:
        raise HotmigError(
            f"{database} can't be adopted: {seen.problem}", "give the database that the application writes to"
        )
    if seen.retired:
        raise Refused(
            f"{database} was replaced by {seen.replaced_by}", "give the database that the application writes to"
        )
    if seen.marker is not None or seen.status == "migrating":
        raise Refused(f"{database} is in a migration", "`hotmig status` in its directory says what to run next")


def _name(directory: Path, real: Path) -> str | None:
    """The name for ``database = "…"``: the file's own, which stays when release directories change theirs."""
    parts = project.split(real)
    names = (parts[0] if parts else real.stem, project.default_name(directory))
    return next((name for name in names if _NAME.fullmatch(name) and name.isprintable()), None)


def _loaded(text: str, catalog: Catalog, database: Path, extensions: tuple[str, ...]) -> Schema:
    """The schema of the module that is about to be written, held against the database."""
    try:
        schema = load_text(text, prepare=lambda db: load_extensions(db, extensions))
    except SchemaError as error:
        raise HotmigError(f"{database} has what can't be made here: {error.message}", error.hint) from error
    if lost := differences(catalog, schema.catalog):
        raise HotmigError(f"the module for {database} would not say what it has: {_some(lost)}", "report this")
    return schema


def _same(file: Path, wanted: Schema, database: Path, extensions: tuple[str, ...]) -> Schema:
    """The schema module that is there. Raises Refused unless it is the database's: it is nobody's to overwrite."""
    hint = f"`hotmig inspect {database}` prints what the database has; move {file.name} away to have it written anew"
    try:
        schema = load_schema(file, extensions)
    except SchemaError as error:
        raise Refused(f"{file} is there already, and is wrong: {error.message}", hint) from error
    if schema.rows_hash != wanted.rows_hash:  # its data migrations are all pending: the database has no marks
        lines = differences(wanted.catalog, schema.catalog) or ("it has rules for the data, or seed rows",)
        raise Refused(f"{file} is there already, and is not what {database} has: {_some(lines)}", hint)
    return schema


def _some(lines: Sequence[str]) -> str:
    more = f"; and {len(lines) - _MOST} more" if len(lines) > _MOST else ""
    return "; ".join(lines[:_MOST]) + more


def _is_there(link: Path, real: Path) -> bool:
    """Whether the database has its name already. Raises Refused when something else has it."""
    if not os.path.lexists(link):
        return False
    if not link.exists() or not link.samefile(real):
        raise Refused(
            f"{link} is there already, and is another file", "look at it, and move it away if it is not needed"
        )
    return True


def _require_alone(directory: Path, name: str, link: Path, real: Path) -> None:
    """A second live database under the name would leave every later command in doubt."""
    for live in survey(directory, name).live:
        if live.path == link:
            continue
        if live.path.samefile(real):
            raise Refused(
                f"{real} is adopted already, as {live.path.name}, with a schema that it no longer has",
                "remove that link and run this again, or keep it: `hotmig plan` works from what is there"
                if live.path.is_symlink()
                else "it has a name by the rule: `hotmig plan` works from what is there",
            )
        raise Refused(
            f"{live.path} is live already: {real.name} would be a second database",
            "move it away, with its -wal and -shm files, if the application does not use it",
        )


def _seen_from(directory: Path, real: Path) -> str:
    """What the link says: relative inside of the directory, so that it can be moved as a whole."""
    home = directory.resolve()
    return os.path.relpath(real, home) if real.is_relative_to(home) else str(real)


def _write(file: Path, text: str) -> None:
    """Writes the module: it is there as a whole, or not at all."""
    with scratch_folder(file.parent) as scratch:
        draft = Path(scratch) / file.name
        descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODULE_MODE)
        with open(descriptor, "w", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(descriptor)
        publish(draft, file)
