"""What each command did, in a few lines for a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hotmig.cli.render.units import duration, pause
from hotmig.units import counted, size

if TYPE_CHECKING:
    from hotmig.phases.cleanup import CleanupResult
    from hotmig.phases.cutover import CutoverResult
    from hotmig.phases.data import RunResult
    from hotmig.phases.drain import DrainResult
    from hotmig.phases.init import InitResult
    from hotmig.phases.migrate import MigrateResult
    from hotmig.phases.reset import ResetResult
    from hotmig.transfer.identity import TableCopy


def init(result: InitResult) -> Iterator[str]:
    """What was made, or adopted."""
    if result.skipped is not None:
        yield "Init skipped."
        yield f"  {result.skipped}"
        return
    if result.adopted is None:
        yield "Made the first database, in WAL mode."
    else:
        yield f"Adopted {result.adopted}: it stays where it is, and a link gives it its name by the rule."
    yield f"  schema module: {result.schema_file}{' (written)' if result.schema_written else ''}"
    yield f"  database: {result.database}"


def migrate(result: MigrateResult) -> Iterator[str]:
    """What was copied, and how fast."""
    if result.skipped is not None:
        yield "Migrate skipped."
        yield f"  {result.skipped}"
        return
    rows = sum(result.rows.values())
    rate = f", {counted(round(rows / result.seconds), 'row')}/s" if result.seconds > 0 else ""
    yield f"Copied {counted(rows, 'row')} in {duration(result.seconds)}{rate}."
    yield from _pair(result.old, result.new)
    for table, copied in result.rows.items():
        yield f"  {table}: {counted(copied, 'row')}"
    if result.mapped:
        yield f"  {counted(result.mapped, 'key')} mapped to new ones"
    if result.old_wal:
        yield f"  the old database's log was {size(result.old_wal)} at most"
    yield from _reported(result.report)
    if result.resumed:
        yield f"  went on where an earlier run stood: {', '.join(map(_stood, result.resumed))}"
    if result.offline is None:
        yield f"  {counted(result.log_entries, 'write')} recorded so far"
        return
    yield "Cut over: the new database is ready."
    if result.offline.pause is not None:
        yield f"  writes were paused for {duration(result.offline.pause)}"
    yield from ran(result.offline)


def _reported(report: Path | None) -> Iterator[str]:
    if report is not None:
        yield f"  what became of rows that became one: {report}"


def _stood(found: TableCopy) -> str:
    far = {"copying": ", so far", "indexing": ", its indexes were missing"}.get(found.state, "")
    return f"{found.table} ({counted(found.rows, 'row')}{far})"


def drain(result: DrainResult) -> Iterator[str]:
    """What was replayed, and how long writes stay refused."""
    if result.skipped is not None:
        yield "Drain skipped."
        yield f"  {result.skipped}"
        return
    if result.rounds:
        yield f"Drained: {counted(result.entries, 'write')} replayed in {counted(result.rounds, 'round')}."
        yield from _pair(result.old, result.new)
        yield from _reported(result.report)
        yield f"  everything was replayed {pause(result.drained_seconds)} after writes were paused"
    else:
        yield "Finished a cutover that was cut in two." if result.was_cut else "Everything was drained already."
        yield from _pair(result.old, result.new)
    if result.lapsed:
        yield "  the fence has lapsed already: writes flow again; `hotmig drain --cutover` does both at once"
        return
    if result.pause is None:
        yield f"  writes are paused for {duration(result.hold)} at most: cut over before that"
        return
    yield "Cut over: the new database is ready."
    yield f"  writes were paused for {pause(result.pause)}"
    yield from ran(result)
    yield from _left(result.left)


def cutover(result: CutoverResult) -> Iterator[str]:
    """The pause, and which file is in service."""
    if result.skipped is not None:
        yield "Cutover skipped."
        yield f"  {result.skipped}"
        yield from ran(result)
        return
    yield "Cut over: the new database is ready."
    yield from _pair(result.old, result.new)
    if result.finished_half_cut:
        yield "  a cutover that was killed half-way is finished"
    if result.pause is not None:
        yield f"  writes were paused for {pause(result.pause)}"
    yield from ran(result)
    yield from _left(result.left)


def ran(result: CutoverResult | DrainResult | RunResult) -> Iterator[str]:
    """The data migrations that a command has run."""
    yield from (f"  ran data migration {name}" for name in result.data_migrations)


def _left(why: str | None) -> Iterator[str]:
    if why is not None:
        yield f"  what only the migration needed is still in it ({why}): `hotmig cutover` drops it"


def cleanup(result: CleanupResult) -> Iterator[str]:
    """What was dropped and deleted."""
    yield from _removed("Cleanup", result, result.previous)


def reset(result: ResetResult) -> Iterator[str]:
    """What was dropped and deleted."""
    yield from _removed("Reset", result, result.previous)
    yield from (f"  no longer skipped: {name}" for name in result.unskipped)


def _removed(command: str, result: CleanupResult | ResetResult, previous: str | None) -> Iterator[str]:
    if result.skipped is not None:
        yield f"{command} skipped."
        yield f"  {result.skipped}"
        return
    yield f"{command} would do this:" if result.dry_run else f"{command} done."
    if result.old is not None:
        yield f"  old: {result.old}"
    yield f"  the marker said: {previous or 'nothing, there was none'}"
    if result.dry_run:
        yield from (f"  run {statement};" for statement in result.statements)
        yield from (f"  delete {path}" for path in result.deleted)
        return
    yield from (f"  dropped {name}" for name in result.dropped)
    yield from (f"  deleted {path}" for path in result.deleted)


def _pair(old: Path | None, new: Path) -> Iterator[str]:
    if old is not None:
        yield f"  old: {old}"
    yield f"  new: {new}"
