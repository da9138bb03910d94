"""The projection: what the new database should hold, as SQL over the old one."""

from __future__ import annotations

from hotmig.catalog.affinity import column_affinity, stored
from hotmig.catalog.model import Affinity
from hotmig.planning.model import ColumnStep, TableStep


def projected(step: TableStep, column: ColumnStep) -> str:
    """The value of one column exactly as the new table will store it, over the bare old row.

    Only for columns with an expression; a Translation, a default or an assigned key has none.
    """
    if column.expression is None:
        raise ValueError(f"{step.table.name}.{column.name} is not computed from the old row")
    target = step.table.column(column.name)
    if target is None:
        raise ValueError(f"{step.table.name} has no column {column.name}")
    return stored(column.expression, column_affinity(step.table, target), _source_affinity(step, column))


def _source_affinity(step: TableStep, column: ColumnStep) -> Affinity | None:
    old = step.taken_from(column)
    return column_affinity(step.source, old) if step.source is not None and old is not None else None


def is_copy(step: TableStep, column: ColumnStep) -> bool:
    """Whether the new column is an old one whose every value it keeps as it is."""
    return step.taken_from(column) is not None and projected(step, column) == column.expression
