"""Which file an application opens: the ready database for its schema module."""

from __future__ import annotations

import time
from pathlib import Path

from hotmig import project
from hotmig.errors import GaveUp, HotmigError, Refused
from hotmig.phases.downgrade import look_for_newer
from hotmig.phases.locate import database_name, load_schema
from hotmig.phases.settled import has_schema, was_settled
from hotmig.phases.survey import survey
from hotmig.schema.model import Schema

POLL_SECONDS = 0.05


def path(directory: Path, schema_file: Path | None = None, wait: float | None = None) -> Path:
    """The ready database for the schema module, waiting up to ``wait`` seconds for it.

    Raises SchemaError, Refused when it was replaced (waiting would not help), HotmigError when it is not ready and
    nobody waits, GaveUp when it was not ready in time.
    """
    schema = load_schema(project.schema_file(directory, schema_file))
    target = project.target(directory, database_name(directory, schema), schema.hash)
    deadline = time.monotonic() + (wait or 0)
    look_for_newer(directory, schema_file)
    while (reason := _not_ready(target)) is not None:
        if (live := _same_schema(target, schema)) is not None:
            return live
        if wait is None:
            raise HotmigError(reason, "`hotmig path --wait 60` waits for it; `hotmig status` says where things stand")
        left = deadline - time.monotonic()
        if left <= 0:
            raise GaveUp(f"gave up after {wait:g} s: {reason}", "`hotmig status` says where things stand")
        time.sleep(min(POLL_SECONDS, left))
    return target


def _same_schema(target: Path, schema: Schema) -> Path | None:
    """The live database, when it has the schema under another name: used hints were taken out of the module."""
    parts = project.split(target)
    live = survey(target.parent, parts[0]).live if parts and not target.exists() else ()
    if len(live) != 1:
        return None
    found = live[0].path
    return found if has_schema(found, schema) or was_settled(target.parent, found, target, schema) else None


def _not_ready(target: Path) -> str | None:
    """Why the file is not the one to open, or None when it is."""
    parts = project.split(target)
    if parts is None or not target.exists():
        return f"there is no {target} yet"
    seen = survey(target.parent, parts[0])
    file = seen.file(target.name)
    if file is None:
        return f"there is no {target} yet"
    if file in seen.live:
        return None
    if not file.problem and file.status != "migrating":
        raise Refused(
            f"{target} is not in service any more: {seen.why_not(file)}",
            "the schema module is an earlier one: start the application's present version; see `hotmig status`",
        )
    return f"{target} is not ready: {seen.why_not(file)}"
