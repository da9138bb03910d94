"""The projection: what the new database should hold, as SQL over the old one."""

from __future__ import annotations

from dataclasses import replace

from hotmig.catalog.affinity import column_affinity, stored
from hotmig.catalog.model import Affinity
from hotmig.planning.model import ColumnStep, TableStep
from hotmig.planning.value_maps import mapped
from hotmig.sqlite import fold, quote


def projected(step: TableStep, column: ColumnStep) -> str:
    """The value of one column exactly as the new table will store it, over the bare old row.

    Only for columns with an expression; a Translation, a default or an assigned key has none.
    """
    if column.expression is None:
        raise ValueError(f"{step.table.name}.{column.name} is not computed from the old row")
    target = step.table.column(column.name)
    if target is None:
        raise ValueError(f"{step.table.name} has no column {column.name}")
    affinity = column_affinity(step.table, target)
    value = stored(column.expression, affinity, _source_affinity(step, column))
    return value if column.mapping is None else stored(mapped(step, column, value), affinity, "TEXT")


def _source_affinity(step: TableStep, column: ColumnStep) -> Affinity | None:
    old = step.taken_from(column)
    return column_affinity(step.source, old) if step.source is not None and old is not None else None


def unmapped(column: ColumnStep) -> ColumnStep:
    """The same column without its mapping: what its values are before they are looked up."""
    return replace(column, mapping=None)


def is_copy(step: TableStep, column: ColumnStep) -> bool:
    """Whether the new column is an old one whose every value it keeps as it is."""
    if fold(column.name) in step.set_columns:
        return False
    return step.taken_from(column) is not None and projected(step, column) == column.expression


def loses(step: TableStep, column: ColumnStep) -> str | None:
    """The condition, over the bare old row, under which the new column does not give back what the old one held.

    None for a column that keeps every value, and for a computed one. '12' can be had back from 12; '0123' can't be
    from 123, nor 2⁵³+1 from a REAL.
    """
    column = unmapped(column)
    taken = step.taken_from(column)
    if taken is None or projected(step, column) == column.expression:
        return None
    old, new = quote(taken.name), f"({projected(step, column)})"
    # First what nearly all rows are: equal, as 5 and 5.0 are. typeof() and CAST take several times as long.
    return (
        f"(+{old} COLLATE BINARY IS NOT {new} AND"
        f" NOT (CASE typeof({old}) WHEN 'text' THEN CAST({new} AS TEXT) = {old} COLLATE BINARY"
        f" WHEN 'integer' THEN CAST({new} AS INTEGER) = {old} WHEN 'real' THEN CAST({new} AS REAL) = {old}"
        f" ELSE {new} IS {old} END))"
    )
