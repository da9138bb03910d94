"""Data migrations, for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hotmig.phases.data import DataStatus, Entry, RunResult, SkipResult, UnskipResult
    from hotmig.planning.data_marks import Known

SIGNS = {"applied": "✓", "failed": "✗", "pending": "·", "skipped": "~"}
MOMENTS = {"cutover": "in cutover, while writes are paused", "after": "once the new database is in service"}


def pending(each: Known) -> str:
    """One that waits, and for what."""
    return f"{each.name} ({MOMENTS[each.when]})"


def status(result: DataStatus) -> Iterator[str]:
    """One line for each, in their order."""
    if not result.entries:
        yield "The schema module has no data migrations."
        return
    width = max(len(each.name) for each in result.entries)
    for each in result.entries:
        yield f"{SIGNS[each.state]} {each.name:<{width}}  {each.state}{_told(each)}"


def _told(each: Entry) -> str:
    if each.state == "applied":
        return f" {each.applied_utc}"
    if each.state == "skipped":
        return f" {each.skipped_utc}: {each.reason}"
    if each.state == "failed":
        return f" {each.failed_utc}: `hotmig runs show {each.run_id}` tells more"
    return f": {MOMENTS[each.when]}"


def skip(result: SkipResult) -> Iterator[str]:
    """What is not going to be run."""
    yield f"Skipped data migration {result.name}: {result.reason}"
    yield f"  `hotmig data unskip {result.name}` takes that back"


def unskip(result: UnskipResult) -> Iterator[str]:
    """What is pending again, and when it will be run."""
    yield "Nothing to take back." if result.skipped else f"Data migration {result.name} is pending again."
    if result.skipped:
        yield f"  {result.skipped}"
    if result.runs:
        yield f"  it will be run {result.runs}"


def run(result: RunResult) -> Iterator[str]:
    """What was run, and what still waits."""
    yield f"{result.database.name}: {len(result.data_migrations)} run." if result.skipped is None else "Run skipped."
    if result.skipped is not None:
        yield f"  {result.skipped}"
    yield from (f"  ran data migration {name}" for name in result.data_migrations)
    yield from (f"  {name} waits for the cutover of the next migration" for name in result.waiting)
