"""Which file is the old database, and where the new one goes: told by names and by what the files say themselves."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hotmig import project
from hotmig.capture.marker import Marker
from hotmig.errors import GaveUp, HotmigError, Refused, SchemaError
from hotmig.phases.survey import CUT_SHORT, EMPTY, LOCKED, DatabaseFile, Survey, survey
from hotmig.sqlite import connect, load_extensions, value, waits

if TYPE_CHECKING:
    # `status` is often run, and mostly without the compiler.
    from hotmig.schema.model import Schema


@dataclass(frozen=True)
class Location:
    """The files that a command works on.

    ``old`` is the live database, or the retired one of a cutover that was killed half-way; None only where nothing
    is live and the schema module was not asked for. ``new`` is the file for the module's schema; without the module,
    the one that is being built, or the live one. ``retired`` are the archives.
    """

    directory: Path
    schema_file: Path
    name: str
    schema: Schema | None
    old: Path | None
    new: Path
    marker: Marker | None  # of old
    retired: tuple[Path, ...]
    files: tuple[DatabaseFile, ...]

    @property
    def nothing_to_do(self) -> bool:
        """Whether the live database already has the module's schema."""
        return self.old == self.new

    @property
    def building(self) -> Path | None:
        """The new file that the marker names, whatever the module says by now."""
        return self.directory / self.marker.target if self.marker else None


def locate(
    directory: Path,
    schema_file: Path | None = None,
    *,
    need_schema: bool = True,
    extensions: tuple[str, ...] = (),
    mends: bool = False,
    known: Schema | None = None,
) -> Location:
    """Finds the schema module, the old database and the place of the new one. ``known`` is the module, run already.

    With ``mends`` what a killed process left in the middle of a commit is rolled back, as the next writer would do.

    Without ``need_schema`` the module is not run, the new file is the one that the files themselves speak of, and a
    directory in which every database is retired is no error.

    Raises SchemaError, CutShort, HotmigError (no database, a file that is none) and Refused (more than one could be
    the live one; the new name is taken by an archive).
    """
    file = project.schema_file(directory, schema_file)
    schema = known
    if need_schema and schema is None:
        if schema_file is None and not file.exists():
            _tell_the_module_of_the_last_run(directory, file)
        schema = load_schema(file, extensions)
    name = database_name(directory, schema) if schema else guess_name(directory, file)
    seen = survey(directory, name)
    if mends:
        seen = _rolled_back(seen)
    _require_readable(seen)
    old = _old(seen, required=need_schema)
    new = _new(seen, schema, old)
    if schema and old:
        # Imported here: it asks for this module.
        from hotmig.phases.downgrade import require_not_newer

        require_not_newer(old.path, old.marks, schema)
    if need_schema and old is not seen.half_cut:
        _require_free(seen, new)
    return Location(
        directory=directory,
        schema_file=file,
        name=name,
        schema=schema,
        old=old.path if old else None,
        new=new,
        marker=old.marker if old else None,
        retired=tuple(file.path for file in seen.files if file.retired),
        files=seen.files,
    )


class CutShort(HotmigError):
    """A database holds a transaction that was cut short: what it has can't be read before that is rolled back."""

    def __init__(self, path: Path) -> None:
        hint = "`hotmig status` says the next command, which rolls it back; so does the application that opens it"
        super().__init__(f"{path} is named like a database of this directory, but {CUT_SHORT}", hint)
        self.path = path


def _tell_the_module_of_the_last_run(directory: Path, file: Path) -> None:
    """Raises SchemaError where the last run was given a module that lies elsewhere."""
    from hotmig.phases.last_run import schema_given

    if given := schema_given(directory):
        raise SchemaError(f"{file}: there is no schema module to read", f"the last run here had --schema {given}")


def load_schema(file: Path, extensions: tuple[str, ...] = ()) -> Schema:
    """Runs and compiles the schema module, with the SQLite extensions that it uses. Raises SchemaError."""
    from hotmig.schema.load import load

    return load(file, prepare=lambda db: load_extensions(db, extensions))


def try_schema(file: Path) -> tuple[Schema | None, str | None]:
    """The schema, or why there is none."""
    if not file.exists():
        return None, f"there is no {file}"
    try:
        return load_schema(file), None
    except SchemaError as error:
        return None, error.message


def database_name(directory: Path, schema: Schema) -> str:
    """``database = "…"`` of the module, or the directory's own name."""
    return schema.name or project.default_name(directory)


def guess_name(directory: Path, schema_file: Path) -> str:
    """The databases' name without running the module: what it seems to say, or what the files have."""
    said = project.name_in_module(schema_file)
    if said:
        return said
    default, names = project.default_name(directory), project.names(directory)
    return names[0] if len(names) == 1 and default not in names else default


def _rolled_back(seen: Survey) -> Survey:
    """The files after what a killed process left in the middle of a commit is rolled back, as its next writer would."""
    cut = [file.path for file in seen.files if file.problem == CUT_SHORT]
    for path in cut:
        db = connect(path, "rw", patience=waits.seconds)
        try:
            value(db, "PRAGMA schema_version")
        except sqlite3.Error:
            pass  # the file's problem stays, and is told
        finally:
            db.close()
    return survey(seen.directory, seen.name) if cut else seen


def _require_readable(seen: Survey) -> None:
    targets = {file.marker.target for file in seen.files if file.marker}
    for file in seen.files:
        # A migrate that was killed at its very start leaves an empty new file, which the marker tells from others.
        if file.path.is_symlink() and not file.path.exists() and file.path.name in seen.ancestors:
            continue  # what it led to is deleted: `cleanup-old --delete` was about to delete the link too
        if file.problem == LOCKED:
            raise GaveUp(
                f"gave up after {waits.seconds:g} s waiting for {file.path.name}: {LOCKED}",
                "nothing was changed; run the same command again when the reader has finished",
            )
        if file.refusal is not None:
            raise file.refusal
        if file.problem == CUT_SHORT:
            raise CutShort(file.path)
        if file.problem and not (file.problem == EMPTY and file.path.name in targets):
            raise HotmigError(
                f"{file.path} is named like a database of this directory, but {file.problem}",
                _mend(file),
            )


def _mend(file: DatabaseFile) -> str:
    if os.path.exists(file.path) and not os.access(file.path, os.R_OK):
        return "this user may not read it: run hotmig as the owner of the file or as root"
    if file.broken or file.problem == EMPTY or not os.path.exists(file.path):
        return "move it away, or put back what belongs there; `hotmig status` shows the others"
    # It may be the live database on a full disk, where not even its -shm can be made.
    return "leave it where it is: see that its disk has room and works, then run the same command again"


def _old(seen: Survey, *, required: bool) -> DatabaseFile | None:
    live = seen.live
    if len(live) > 1:
        raise ambiguous(seen, live)
    if live:
        return live[0]
    if seen.half_cut:
        return seen.half_cut
    if seen.files and not required:
        return None
    raise _none_found(seen)


def ambiguous(seen: Survey, live: Iterable[DatabaseFile]) -> Refused:
    """The refusal when several files could be in service."""
    listed = ", ".join(file.path.name for file in live)
    return Refused(
        f"more than one file in {seen.directory} could be the live database: {listed}",
        "move away those that the application does not use, with their -wal and -shm files, and run the command again",
    )


def _none_found(seen: Survey) -> HotmigError:
    pattern = f"{seen.name}-<16 hex digits>{project.SUFFIX}"
    if seen.files:
        return HotmigError(
            f"no database in {seen.directory} is live: {'; '.join(map(seen.why_not, seen.files))}",
            "`hotmig status` says how this came about and what to run next",
        )
    if not seen.strangers:
        return HotmigError(
            f"there is no database {pattern} in {seen.directory}",
            "is --dir right? If so, `hotmig init APP.DB` adopts the database that the application has; for a new"
            " application `hotmig init` makes the first one",
        )
    listed = ", ".join(path.name for path in seen.strangers)
    return HotmigError(f"no file in {seen.directory} follows the naming {pattern}: {listed}", _naming_hint(seen))


def _naming_hint(seen: Survey) -> str:
    names = project.names(seen.directory)
    if len(names) == 1:
        return f'write database = "{names[0]}" in the schema module: a directory\'s name can change, this one does not'
    return f"`hotmig init {seen.strangers[0].name}` adopts a database as it is, under a name by the rule"


def _new(seen: Survey, schema: Schema | None, old: DatabaseFile | None) -> Path:
    if schema:
        return project.target(seen.directory, seen.name, schema.hash)
    if old and old.marker:
        return seen.directory / old.marker.target
    if seen.orphan:
        return seen.orphan.path
    return old.path if old else seen.files[-1].path


def _require_free(seen: Survey, new: Path) -> None:
    taken = seen.file(new.name)
    if taken and seen.is_replaced(new.name):
        raise Refused(
            f"the new database would be {new}, but {seen.why_not(taken)}: the schema went back to an earlier one",
            f"move {new.name} and its -wal and -shm files away, then `hotmig plan`",
        )
