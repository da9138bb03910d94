"""What becomes of each old column and table: which have a successor, and which tables look renamed."""

from __future__ import annotations

from difflib import SequenceMatcher

from hotmig.catalog.keys import can_be_null
from hotmig.catalog.model import Column, Table
from hotmig.planning.checking import Context
from hotmig.planning.expressions import compiled
from hotmig.planning.model import TableStep
from hotmig.schema.declare import snake_case
from hotmig.sqlite import fold

_SHARED = 0.25  # of the names of two tables' columns
_ALIKE = 0.6  # of the names of two tables
_NEARLY = 0.8  # of the names of a table and a class: Person and persons


def read_columns(step: TableStep) -> frozenset[str]:
    """The old columns, folded, whose data the new table still has: copied, read by a From, or translated."""
    if step.source is None:
        return frozenset()
    reads: set[str] = set()
    for column in step.columns:
        old = step.taken_from(column)
        if old is not None:
            reads.add(fold(old.name))
        elif column.expression is not None:
            reads |= _reads(column.expression, step.source)
    for translation in step.translations:
        reads |= {fold(name) for name in translation.columns}
    return frozenset(reads)


def _reads(expression: str, source: Table) -> frozenset[str]:
    found = compiled(expression, source)
    # A From that can't be compiled is refused by itself; nothing more is said about what it may have read.
    return found.reads if found.error is None else frozenset(fold(column.name) for column in source.columns)


def gone_columns(context: Context, step: TableStep) -> tuple[Column, ...]:
    """The old columns without a successor that the module doesn't give up. Generated ones hold no data."""
    source = step.source
    if source is None:
        return ()
    read: set[str] = set()
    for other in context.plan.steps:
        if other.source is not None and other.source.name == source.name:
            read |= read_columns(other)
    gone = (column for column in source.stored_columns if fold(column.name) not in read)
    return tuple(column for column in gone if not context.is_dropped(source.name, column.name))


def gone_subject(step: TableStep, column: Column) -> str:
    """What the question is called how many values a column holds that is gone."""
    return f"{step.table.name}.{column.name}"


def gone_values(context: Context, step: TableStep, column: Column) -> int:
    """How many values a column holds that is gone; 0 for one that has a successor."""
    return context.count("dropped-column", gone_subject(step, column))


def gone_tables(context: Context) -> tuple[Table, ...]:
    """The old tables that no new one comes from and that the module doesn't give up."""
    used = {step.source.name for step in context.plan.steps if step.source is not None}
    tables = (recorded.table for recorded in context.plan.recorded)
    return tuple(table for table in tables if table.name not in used and not context.is_dropped(table.name))


def is_unfilled(step: TableStep, column: Column) -> bool:
    """Whether nothing of the old row goes into a new column: it gets its default, NULL, or a new integer key."""
    own = step.column(column.name)
    if own is None or own.expression is not None:
        return False
    if step.source is not None and own.assigned and step.source.column(column.name) is not None:
        return False
    return all(fold(column.name) not in map(fold, each.targets) for each in step.translations)


def has_no_value(step: TableStep, column: Column) -> bool:
    """Whether old rows can't be stored: NULL would stand in a NOT NULL column."""
    own = step.column(column.name)
    if step.source is None or own is None or own.assigned or not is_unfilled(step, column):
        return False
    return not can_be_null(step.table, column.name) and (column.default or "NULL").upper() == "NULL"


def claimant(step: TableStep, column: Column) -> str | None:
    """The new column that takes, by its Was, the old column of this one's name; None where this one is filled."""
    own = step.column(column.name)
    old = step.source.column(column.name) if step.source is not None else None
    if own is None or old is None or own.assigned or not is_unfilled(step, column):
        return None
    for other in step.columns:
        taken = step.taken_from(other)
        if taken is not None and taken.name == old.name:
            return other.name
    followers = (each for each in step.translations if old.name in each.columns)
    return next((each.targets[0] for each in followers), None)


def renamed_tables(context: Context) -> dict[str, TableStep]:
    """Old table name → the step of the new table without a source that looks like it, by its columns or its name.

    The pairs that are most alike first, each table once.
    """
    pairs = [
        (_overlap(old, step.table), _similar(old.name, step.table.name), old, step) for old, step in _pairs(context)
    ]
    found: dict[str, TableStep] = {}
    for shared, similar, old, step in sorted(pairs, key=lambda pair: pair[:2], reverse=True):
        if (shared >= _SHARED or similar >= _ALIKE) and old.name not in found and step not in found.values():
            found[old.name] = step
    return found


def class_without_table(context: Context, old: Table) -> str | None:
    """The class of the module that has nearly the name of an old table, and fields, but no @table."""
    alike = [(_similar(snake_case(name), old.name), name) for name in context.schema.plain_classes]
    similar, name = max(alike, default=(0.0, None))
    return name if similar >= _NEARLY else None


def only_new_table(context: Context) -> TableStep | None:
    """The step of the one new table that has no source, where no old table looks like it."""
    new = [step for step in context.plan.steps if step.source is None]
    return new[0] if len(new) == 1 and new[0] not in renamed_tables(context).values() else None


def _pairs(context: Context) -> list[tuple[Table, TableStep]]:
    new = [step for step in context.plan.steps if step.source is None]
    return [(old, step) for old in gone_tables(context) for step in new]


def _similar(left: str, right: str) -> float:
    return SequenceMatcher(None, fold(left), fold(right)).ratio()


def _overlap(old: Table, new: Table) -> float:
    before = {fold(column.name) for column in old.columns}
    after = {fold(column.name) for column in new.columns}
    return len(before & after) / len(before | after)
