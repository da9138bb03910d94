"""Whether the schema module still asks for the migration that is under way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hotmig import project
from hotmig.capture.marker import Marker
from hotmig.errors import HotmigError
from hotmig.phases.migration import recorded_plan
from hotmig.phases.survey import DatabaseFile
from hotmig.schema.model import Schema

_WAY_ON = "put it back, or `hotmig reset`"


def edited(old: DatabaseFile, marker: Marker, new: DatabaseFile | None, schema: Schema, name: str) -> Iterator[str]:
    """What the module asks for that the migration does not do, in one sentence: the next command refuses it."""
    wanted = project.target(old.path.parent, name, schema.hash).name
    if wanted != marker.target:
        yield f"the schema module asks for another database now ({wanted}): {_WAY_ON}"
    elif new is not None and new.copies and _other_plan(old.path, new.path, marker, schema):
        yield f"the schema module says of the data now what it did not say when the migration began: {_WAY_ON}"


def _other_plan(old: Path, new: Path, marker: Marker, schema: Schema) -> bool:
    """A ``Was`` changes where the data comes from, and not the name of the file."""
    try:
        return recorded_plan(old, new, schema).hash != marker.plan_hash
    except HotmigError:
        return False  # what can't be read is told by itself
