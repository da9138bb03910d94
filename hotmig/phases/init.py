"""``init``: adopts the application's database as it is, or makes the first one from the schema module."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hotmig import project
from hotmig.errors import HotmigError, Refused
from hotmig.ledger.run import UNRECORDED, Run
from hotmig.phases.adopt import Adopted, adopt
from hotmig.phases.first import clear_up, make
from hotmig.phases.locate import database_name, load_schema
from hotmig.phases.survey import Survey, survey


@dataclass(frozen=True)
class InitResult:
    """``adopted`` is the application's file behind the link; ``skipped`` says why there was nothing to do."""

    database: Path
    schema_file: Path
    schema_hash: str
    schema_written: bool
    adopted: Path | None
    skipped: str | None
    unsaid: tuple[str, ...]


def init(
    directory: Path,
    schema_file: Path | None,
    database: Path | None,
    *,
    dry_run: bool = False,
    extensions: tuple[str, ...] = (),
    run: Run = UNRECORDED,
) -> InitResult:
    """With a database, adopts it; without, makes the first one.

    Nothing that is there is ever changed or replaced, the application's database least of all. Raises Refused when
    something is in the way, HotmigError when there is nothing to start from, SchemaError for a module that is wrong.
    With ``dry_run`` that is all.
    """
    file = project.schema_file(directory, schema_file)
    if not dry_run:
        for folder in {directory, file.parent}:
            clear_up(folder, run)
    if database is not None:
        return _adopted(adopt(directory, file, database, dry_run=dry_run, extensions=extensions, run=run), file)
    if not file.exists():
        raise HotmigError(
            f"there is nothing to start from: no {file}, and no database was named",
            "`hotmig init APP.DB` starts from the application's database; or write the schema module yourself",
        )
    schema = load_schema(file, extensions)
    target = project.target(directory, database_name(directory, schema), schema.hash)
    seen = survey(directory, target.name.removesuffix(f"-{schema.hash}{project.SUFFIX}"))
    skipped = None
    if [live.path for live in seen.live] == [target]:
        skipped = f"{target.name} is there already, and has this schema"
    else:
        _require_first(seen)
        if not dry_run:
            run.concerns(None, None, target.name)
            with run.step("make the first database", target.name):
                make(target, schema, extensions=extensions)
    return InitResult(target, file, schema.hash, False, None, skipped, ())


def _adopted(done: Adopted, file: Path) -> InitResult:
    return InitResult(done.link, file, done.schema_hash, done.schema_written, done.database, done.skipped, done.unsaid)


def _require_first(seen: Survey) -> None:
    if seen.live:
        raise Refused(
            f"{seen.live[0].path} is live already: this would not be the first database",
            "`hotmig plan` says what it takes to move it to this schema",
        )
    if seen.files:
        raise Refused(
            f"{seen.directory} has databases already: {'; '.join(map(seen.why_not, seen.files))}",
            "`hotmig status` says how this came about and what to run next",
        )
