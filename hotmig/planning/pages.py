"""Whether the new file can begin as a copy of the old one's pages, and the ALTER TABLE that makes the new tables of it.

SQLite copies a file without looking into its tables. What ALTER TABLE then does edits the catalog alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from hotmig.planning.as_is import MOST_BYTES, added_columns, definition, kept_indexes
from hotmig.planning.diff import is_plain
from hotmig.planning.model import CopyPlan, TableStep
from hotmig.sqlite import fold, quote

MOST_FREE = 4  # a quarter of the file may be free pages: they would go along


def goes_by_pages(plan: CopyPlan, *, size: int | None, free: int | None) -> bool:
    """Whether the whole file is copied at once, in WAL mode: elsewhere a reader holds up the writers.

    ``size`` and ``free`` are bytes of the old file and of its free pages. Of a larger file the one read would take too
    long.
    """
    if size is None or free is None or not 0 < size <= MOST_BYTES or free * MOST_FREE > size:
        return False
    return bool(plan.recorded) and not plan.old.virtual_tables and is_plain(plan) and not _takes_a_name(plan)


def _takes_a_name(plan: CopyPlan) -> bool:
    """Whether a new table has the name of an old one, be it in another case: ALTER TABLE refuses that."""
    olds = {fold(each.table.name) for each in plan.recorded}
    names = ((step.table.name, step.source.name if step.source is not None else None) for step in plan.steps)
    return any(fold(new) in olds for new, old in names if new != old)


def alterations(plan: CopyPlan) -> Iterator[str]:
    """What makes the new tables of the old ones once views and triggers are gone; new tables are still missing.

    Indexes that the old table does not have under the same name are dropped or missing too.
    """
    kept = [step for step in plan.steps if step.source is not None]
    for step in kept:
        yield from _dropped_indexes(step)
    for step in kept:
        yield from _renamed_columns(step)
    for step in kept:
        if step.source is not None and step.source.name != step.table.name:
            yield f"ALTER TABLE main.{quote(step.source.name)} RENAME TO {quote(step.table.name)}"
    for step in kept:
        for column in added_columns(step):
            yield f"ALTER TABLE main.{quote(step.table.name)} ADD COLUMN {definition(column)}"


def _dropped_indexes(step: TableStep) -> Iterator[str]:
    kept = kept_indexes(step)
    for index in step.source.indexes if step.source is not None else ():
        if index not in kept:
            yield f"DROP INDEX main.{quote(index.name)}"


def _renamed_columns(step: TableStep) -> Iterator[str]:
    if step.source is None:
        return
    for old, new in zip(step.source.columns, step.table.columns, strict=False):
        if old.name != new.name:
            table = f"main.{quote(step.source.name)}"
            yield f"ALTER TABLE {table} RENAME COLUMN {quote(old.name)} TO {quote(new.name)}"
