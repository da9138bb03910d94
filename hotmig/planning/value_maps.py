"""Values that are looked up among aliases: one temporary table for each column, and the expression that reads it.

The table's columns have reserved names: inside the expression the old row's columns are bare, and none of them may be
taken for ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.planning.model import ColumnStep, TableStep
from hotmig.schema.model import BLANKS

ALIAS, CANONICAL = "_migration_alias", "_migration_canonical"
FOLD = "hotmig_looked_up"  # the SQL function for what is not plain ASCII
_BLANKS = f"char({', '.join(str(ord(blank)) for blank in BLANKS)})"


def mapped_columns(steps: Iterable[TableStep]) -> Iterator[tuple[TableStep, ColumnStep]]:
    """Every column with a mapping, and its step."""
    for step in steps:
        if step.source is not None:
            yield from ((step, column) for column in step.columns if column.mapping is not None)


def table_of(step: TableStep, column: ColumnStep) -> str:
    """The temporary table that has the aliases of one column."""
    position = next(number for number, each in enumerate(step.columns, 1) if each.name == column.name)
    return f"_migration_aliases_{step.number}_{position}"


def mapped(step: TableStep, column: ColumnStep, value: str) -> str:
    """The canonical value for ``value``, or that itself."""
    return f"coalesce(({canonical(step, column, value)}), {value})"


def canonical(step: TableStep, column: ColumnStep, value: str) -> str:
    """The SELECT of the canonical value that covers ``value``; no row where none does. Only texts are looked up."""
    fold = column.mapping is not None and column.mapping.fold_case
    return (
        f"SELECT {CANONICAL} FROM temp.{table_of(step, column)}"
        f" WHERE {ALIAS} = {looked_up(value, fold)} AND typeof({value}) = 'text'"
    )


def looked_up(value: str, fold_case: bool) -> str:
    """The form in which a text is looked up. SQLite folds the case of ASCII letters alone, and only these quickly.

    A text of plain ASCII has as many bytes as characters; to match a pattern would take as long as all the rest. What
    is no UTF-8 can have that too, and is no alias either way.
    """
    stripped = f"trim({value}, {_BLANKS})"
    if not fold_case:
        return stripped
    is_other = f"length(CAST({value} AS BLOB)) <> length({value})"
    return f"CASE WHEN {is_other} THEN {FOLD}(CAST({value} AS BLOB)) ELSE lower({stripped}) END"
