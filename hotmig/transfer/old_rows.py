"""How a message names rows: by the old table and its key, for that is where somebody can mend them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hotmig.planning.model import TableStep
from hotmig.sqlite import Row, quote, text
from hotmig.transfer.bookkeeping import columns as key_columns
from hotmig.transfer.key_sql import matches
from hotmig.transfer.step_sql import StepSql

LONGEST_TEXT = 80
LONGEST_BLOB = 32
# In a RETURNING clause the new table goes by its own name, which no alias of ours may take.
_OLD = quote("_migration_old")
_MAPPING = quote("_migration_mapping")


@dataclass(frozen=True)
class Named:
    """One row as a message names it: by ``old_key``, or by ``new_key`` where it has no old row."""

    old_key: Row | None
    new_key: Row = ()
    values: Row = ()


@dataclass(frozen=True)
class Misfit:
    """A row that does not fit, for what it has in ``columns``; ``holder`` is the row that has these values already."""

    row: Named
    holder: Named | None = None
    columns: tuple[str, ...] = ()


def key_title(step: TableStep) -> str:
    """What people call the old key: ``id``, or ``(a, b)``."""
    names = step.source_key.columns if step.source_key is not None else ()
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def shown(values: Sequence[Any]) -> str:
    """A key for a message: values as SQL writes them, long ones cut, and all in one line."""
    parts = [_shown(value) for value in values]
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value[:LONGEST_BLOB].hex()}'" + ("…" if len(value) > LONGEST_BLOB else "")
    if isinstance(value, str):
        short = value[:LONGEST_TEXT]
        return (text(short) if short.isprintable() else repr(short)) + ("…" if len(value) > LONGEST_TEXT else "")
    return repr(value)


def told(step: TableStep, misfits: Sequence[Misfit]) -> str:
    """`` (old table "ticket", rows with id 0 and 1: code 17; 5 and 2: code 18)``; "" for no misfits."""
    if not misfits:
        return ""
    rows = [row for misfit in misfits for row in (misfit.row, misfit.holder) if row is not None]
    old = sum(row.old_key is not None for row in rows)
    is_made = step.grouping is not None and step.grouping.create is not None
    other = "new row" if step.source is None else "row that Merge makes" if is_made else "seed row"
    listed = "; ".join(_told(misfit, other) for misfit in misfits)
    if step.source is None or step.source_key is None or not old:
        return f" ({listed})"
    return f' (old table "{step.source.name}", {"row" if old == 1 else "rows"} with {key_title(step)} {listed})'


def _told(misfit: Misfit, other: str) -> str:
    rows = [misfit.row] if misfit.holder is None else [misfit.row, misfit.holder]
    names = [f"{other} {shown(row.new_key)}" if row.old_key is None else shown(row.old_key) for row in rows]
    # Equal for an index need not be the same: 'bob' and 'BOB', or two texts of one length.
    values = list(dict.fromkeys(_values(misfit.columns, row) for row in rows if row.values))
    return " and ".join(names) + (f": {' and '.join(values)}" if values else "")


def _values(columns: Sequence[str], row: Named) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in zip(columns, row.values, strict=True))


def cut(expression: str) -> str:
    """A value for ``shown``, without the megabytes that it may have."""
    short = f"substr({expression}, 1, {LONGEST_TEXT + 1})"
    return f"CASE WHEN length({expression}) > {LONGEST_TEXT} THEN {short} ELSE {expression} END"


def old_key(step: StepSql, new_key: Sequence[str]) -> tuple[str, ...]:
    """SQL for the old key of the new row whose key columns are called ``new_key`` here; NULL for a seed row.

    Inside SQLite, because text that is not UTF-8 would not survive Python.
    """
    if step.step.keys == "kept":
        held = matches(step.source_key_of(_OLD), new_key, step.source_collations)
        return tuple(f"(SELECT {name} FROM {step.source} AS {_OLD} WHERE {held})" for name in step.source_key_of(_OLD))
    new = [f"{_MAPPING}.{name}" for name in key_columns("new_id", len(new_key))]
    mapped = matches(new, [f"+{name}" for name in new_key])
    return tuple(
        f"(SELECT {_MAPPING}.{name} FROM main._id_mapping AS {_MAPPING}"
        f" WHERE {_MAPPING}.table_name = {step.label} AND {mapped})"
        for name in key_columns("old_id", len(step.source_key.columns))
    )


def named(row: Sequence[Any], old: int, new: int) -> Named:
    """The row of a SELECT that begins with ``old`` columns of old key and ``new`` columns of new key."""
    key = tuple(row[:old])
    return Named(None if None in key else key, tuple(row[old : old + new]), tuple(row[old + new :]))
