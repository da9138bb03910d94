"""The demonstration: every command in turn, on a shop that another process writes to without pause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from hotmig.application.running import Writing, writing
from hotmig.demo.shop import NEW_SCHEMA, create_shop
from hotmig.errors import Refused
from hotmig.phases.cleanup import CleanupResult, cleanup_old
from hotmig.phases.drain import DrainResult, drain
from hotmig.phases.init import init
from hotmig.phases.locate import Location, locate
from hotmig.phases.migrate import MigrateResult, migrate
from hotmig.phases.plan import PlanResult, plan
from hotmig.phases.progress import Report
from hotmig.phases.status import Status, status

APPLICATION_DATABASE = "shop.db"  # named as the new schema module says

Tell = Callable[[str], None]


@dataclass(frozen=True)
class DemoResult:
    """What happened, in the order in which it did. ``writes`` is what the application tells at its end."""

    directory: Path
    made: dict[str, int]
    planned: PlanResult
    migrated: MigrateResult
    before_drain: Status
    drained: DrainResult
    cleaned: CleanupResult
    writes: dict[str, Any]


def run(directory: Path, rows: int, tell: Tell, report: Report) -> DemoResult:
    """Runs the demonstration in a directory. Raises Refused when something is there already.

    ``tell`` gets a sentence before each step.
    """
    if directory.exists() and any(directory.iterdir()):
        raise Refused(f"{directory} is not empty", "give `hotmig demo --keep` a directory that is new or empty")
    directory.mkdir(parents=True, exist_ok=True)
    database = directory / APPLICATION_DATABASE
    tell(f"A shop with about {rows:,} rows opens: {database}")
    made = create_shop(database, rows)
    with writing(database, "--follow", str(directory)) as application:
        tell("Its application writes without pause: inserts, updates, deletes, upserts, REPLACEs.")
        tell("init: adopts the database as it is, and writes schema.py from it.")
        init(directory, None, database)
        tell("The new schema is put in place of schema.py.")
        (directory / "schema.py").write_text(example_schema(NEW_SCHEMA), encoding="utf-8")
        return _migrated(directory, made, application, tell, report)


def _migrated(directory: Path, made: dict[str, int], application: Writing, tell: Tell, report: Report) -> DemoResult:
    tell("plan: what migrate will do.")
    planned = plan(_located(directory))
    tell("migrate: records every write from now on, and copies the rows.")
    migrated = migrate(_located(directory), report=report)
    tell("status: where things stand.")
    before_drain = status(directory, None)
    tell("drain and cutover: catch up, prove, pause writes, replay the rest, hand over.")
    drained = drain(_located(directory), cutover=True, report=report)
    tell("The application goes on with the new database. It is stopped, and says how it fared.")
    writes = application.stop()
    tell("cleanup-old: what hotmig put into the old database goes.")
    cleaned = cleanup_old(_located(directory))
    return DemoResult(directory, made, planned, migrated, before_drain, drained, cleaned, writes)


def _located(directory: Path) -> Location:
    return locate(directory, None)


def example_schema(name: str) -> str:
    """The text of an example schema: installed beside the package, or from the source tree."""
    installed = files("hotmig").joinpath("schemas", name)
    with as_file(installed) as path:
        if path.exists():
            return path.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "schemas" / name).read_text(encoding="utf-8")
