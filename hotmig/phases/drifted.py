"""What a moved schema_version means: DDL that stops the migration, or an ANALYZE that does not matter."""

from __future__ import annotations

from pathlib import Path

from hotmig.capture.drift import drift
from hotmig.capture.marker import Marker
from hotmig.errors import HotmigError
from hotmig.phases.locate import load_schema
from hotmig.phases.migration import current_plan
from hotmig.sqlite import reading


def drifted(old: Path, marker: Marker, schema_file: Path) -> tuple[str, ...]:
    """What changed in the old database since recording began, one sentence each; nothing is changed."""
    try:
        plan = current_plan(old, load_schema(schema_file))
    except HotmigError as error:
        return (f"the old database's schema may have changed, and the plan can't be made again: {error.message}",)
    changes: tuple[str, ...] = ()
    if plan.hash != marker.plan_hash:
        changes = ("the old database or the schema module changed since recording began: the plan is another one now",)
    with reading(old) as db:
        return changes + tuple(f"the old database changed: {change}" for change in drift(db, plan, marker))
