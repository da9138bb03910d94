"""Rows that refer to nothing, as conditions that SQLite answers with one index or one set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hotmig.catalog.affinity import column_affinity, stored
from hotmig.catalog.keys import can_be_null
from hotmig.catalog.model import Table
from hotmig.sqlite import conjunction, disjunction, quote, text


@dataclass(frozen=True)
class Parents:
    """Where parent rows stand: ``rows`` is SQL behind FROM; ``more`` are further SELECTs of the same columns."""

    table: Table
    columns: tuple[str, ...]
    rows: str
    more: tuple[str, ...] = ()


def is_orphan(child: Table, columns: Sequence[str], parents: Parents) -> str:
    """The condition that a row refers to a parent that isn't there; a NULL in ``columns`` refers to nothing.

    A foreign key compares by the parent's affinity and collation.
    """
    return conjunction([*(f"{quote(name)} IS NOT NULL" for name in columns), _not_found(child, columns, parents)])


def is_null_in_part(columns: Sequence[str]) -> str:
    """The condition that some columns of a reference are NULL and others aren't: SQLite takes it for no reference."""
    given = disjunction(f"{quote(name)} IS NOT NULL" for name in columns)
    missing = disjunction(f"{quote(name)} IS NULL" for name in columns)
    return conjunction([given, missing])


def seed_select(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Seed rows as a SELECT of literals. VALUES, because a compound SELECT ends at 500 terms."""
    named = ", ".join(f"column{number} AS {quote(name)}" for number, name in enumerate(columns, 1))
    values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
    return f"SELECT {named} FROM (VALUES {values})"


def _not_found(child: Table, columns: Sequence[str], parents: Parents) -> str:
    wanted = [_wanted(child, ours, parents, theirs) for ours, theirs in zip(columns, parents.columns, strict=True)]
    listed = ", ".join(map(quote, parents.columns))
    nullable = [name for name in parents.columns if can_be_null(parents.table, name)]
    # A NULL among the parents would make NOT IN unknown; without WHERE, SQLite looks into the parent's index.
    where = f" WHERE {' AND '.join(f'{quote(name)} IS NOT NULL' for name in nullable)}" if nullable else ""
    selects = [f"SELECT {listed} FROM {parents.rows}{where}", *parents.more]
    left = wanted[0] if len(wanted) == 1 else f"({', '.join(wanted)})"
    return f"{left} NOT IN ({' UNION ALL '.join(selects)})"


def _wanted(child: Table, ours: str, parents: Parents, theirs: str) -> str:
    column, parent = child.column(ours), parents.table.column(theirs)
    if column is None or parent is None:
        return quote(ours)
    value = stored(quote(ours), column_affinity(parents.table, parent), column_affinity(child, column))
    return f"{value} COLLATE {quote(parent.collation)}"


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, str):
        # A text literal ends at NUL.
        return text(value) if "\0" not in value else f"CAST(x'{value.encode().hex()}' AS TEXT)"
    if isinstance(value, float):
        return {"inf": "9e999", "-inf": "-9e999"}.get(repr(value), repr(value))
    return str(value)
