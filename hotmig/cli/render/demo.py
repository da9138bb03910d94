"""What the demonstration did, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hotmig.cli.render.units import duration, pause
from hotmig.demo.run import DemoResult
from hotmig.units import counted


def to_json(result: DemoResult) -> dict[str, Any]:
    """The figures, without the format."""
    proved = result.drained.proved
    return {
        "directory": str(result.directory),
        "rows": sum(result.migrated.rows.values()),
        "rows_per_second": round(_rate(result)),
        "copy_seconds": result.migrated.seconds,
        "keys_mapped": result.migrated.mapped,
        "writes_recorded": result.drained.entries,
        "rounds": result.drained.rounds,
        "pause_ms": round((result.drained.pause or 0.0) * 1000, 3),
        "proved_rows": proved.rows if proved else 0,
        "differences": list(result.planned.differences),
        "dropped": list(result.cleaned.dropped),
        "application": result.writes,
    }


def to_lines(result: DemoResult, *, kept: bool) -> Iterator[str]:
    """The summary for a person."""
    yield ""
    yield "What the new schema changed:"
    yield from (f"  {difference}" for difference in result.planned.differences)
    yield ""
    yield "What happened:"
    for label, told in _facts(result):
        yield f"  {label:<17} {told}"
    if kept:
        yield ""
        yield f"The files are in {result.directory}."


def _facts(result: DemoResult) -> Iterator[tuple[str, str]]:
    migrated, drained, writes = result.migrated, result.drained, result.writes
    rows = counted(sum(migrated.rows.values()), "row")
    yield "copied", f"{rows} in {duration(migrated.seconds)}: {_rate(result):,.0f} rows/s"
    yield "new keys", f"{counted(migrated.mapped, 'product')} got an integer key in place of a text"
    yield (
        "written meanwhile",
        f"{counted(writes['accepted_total'], 'write')} of the application, before and after the hand-over",
    )
    yield "recorded", f"{counted(drained.entries, 'row key')}, replayed in {counted(drained.rounds, 'round')}"
    if drained.proved:
        yield "proof", f"{counted(drained.proved.rows, 'row')} compared, old with new: no difference"
    yield "pause", f"{pause(drained.pause or 0.0)} without writes, while the databases changed places"
    yield "longest wait", f"{writes['longest_wait_ms']:,.1f} ms of any one write, retries and the pause included"
    yield "cleaned", f"{counted(len(result.cleaned.dropped), 'object')} of hotmig dropped from the old database"


def _rate(result: DemoResult) -> float:
    return sum(result.migrated.rows.values()) / max(result.migrated.seconds, 1e-9)
