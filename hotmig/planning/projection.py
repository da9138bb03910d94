"""The projection: what the new database should hold, as SQL over the old one."""

from __future__ import annotations

from hotmig.catalog.affinity import column_affinity, stored
from hotmig.catalog.model import Affinity
from hotmig.planning.model import ColumnStep, TableStep
from hotmig.sqlite import quote


def projected(step: TableStep, column: ColumnStep) -> str:
    """The value of one column exactly as the new table will store it, over the bare old row.

    Only for columns with an expression; a Translation, a default or an assigned key has none.
    """
    if column.expression is None:
        raise ValueError(f"{step.table.name}.{column.name} is not computed from the old row")
    target = step.table.column(column.name)
    if target is None:
        raise ValueError(f"{step.table.name} has no column {column.name}")
    return stored(column.expression, column_affinity(step.table, target), _source_affinity(step, column.expression))


def _source_affinity(step: TableStep, expression: str) -> Affinity | None:
    if step.source is None:
        return None
    for column in step.source.columns:
        if quote(column.name) == expression:
            return column_affinity(step.source, column)
    return None


def is_copy(step: TableStep, column: ColumnStep) -> bool:
    """Whether the new column is an old one whose every value it keeps as it is."""
    if step.source is None or column.expression not in {quote(old.name) for old in step.source.columns}:
        return False
    return projected(step, column) == column.expression
