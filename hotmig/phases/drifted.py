"""What a moved schema_version means: DDL that stops the migration, or an ANALYZE that does not matter."""

from __future__ import annotations

from pathlib import Path

from hotmig.capture.drift import changed_behind, drift
from hotmig.capture.marker import Marker
from hotmig.errors import HotmigError
from hotmig.phases.locate import load_schema
from hotmig.phases.migration import recorded_plan, unretire
from hotmig.sqlite import reading


def drifted(old: Path, new: Path, marker: Marker, schema_file: Path) -> tuple[str, ...]:
    """What changed in the old database since recording began, one sentence each; nothing is changed."""
    try:
        plan = recorded_plan(old, new, load_schema(schema_file))
    except HotmigError as error:
        return (f"the old database's schema may have changed, but nothing can tell: {error.message}",)
    if plan.hash != marker.plan_hash:
        return ("the old database's schema may have changed, but nothing can tell: the schema module changed too",)
    with reading(old) as db:
        return tuple(f"the old database changed while it was recorded: {change}" for change in drift(db, plan, marker))


def changed(old: Path, new: Path, schema_file: Path) -> tuple[str, ...]:
    """The same of a retired database, where ``cutover`` is going to refuse what changed behind the retirement."""
    try:
        plan = recorded_plan(old, new, load_schema(schema_file))
    except HotmigError:
        return ()  # the command says it
    with reading(old) as db:
        found = changed_behind(db, plan)
    return (f"{old.name} {found}: {unretire(old)}",) if found else ()
