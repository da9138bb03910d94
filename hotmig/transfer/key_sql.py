"""How keys are compared in SQL: exactly, and so that SQLite finds the row by an index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hotmig.catalog.model import Index, PrimaryKey, Table, UniqueConstraint
from hotmig.sqlite import fold, quote


def matches(left: Iterable[str], right: Iterable[str], collations: Sequence[str] | None = None) -> str:
    """Key equality: the same value, by number across INTEGER and REAL, and letter by letter in text.

    With ``collations`` the index that has them finds the row first; BINARY then tells 'bob' from 'BOB'.
    """
    terms = []
    for position, (a, b) in enumerate(zip(left, right, strict=True)):
        if collations and collations[position]:
            terms.append(f"{a} = {b} COLLATE {quote(collations[position])}")
        terms.append(f"{a} = {b} COLLATE BINARY")
    return " AND ".join(terms)


def matches_as_stored(left: Sequence[str], right: Sequence[str], collations: Sequence[str] | None = None) -> str:
    """``matches`` between columns of different types.

    An index finds the row by its column's affinity, for which '5' and 5 can be the same; a unary plus takes that away.
    """
    stored_alike = matches([f"+{name}" for name in left], [f"+{name}" for name in right])
    return f"{matches(left, right, collations)} AND {stored_alike}"


def row_value(expressions: Sequence[str]) -> str:
    """``a``, or ``(a, b)``."""
    return expressions[0] if len(expressions) == 1 else f"({', '.join(expressions)})"


def index_collations(table: Table, key: Sequence[str]) -> tuple[str, ...]:
    """The collations of the index that the key of a table has; "" where a rowid needs none."""
    folded = [fold(name) for name in key]
    if table.rowid_alias is not None and folded == [fold(table.rowid_alias)]:
        return ("",)
    candidates: list[PrimaryKey | UniqueConstraint | Index] = [table.primary_key] if table.primary_key else []
    candidates += [*table.uniques, *(index for index in table.indexes if index.unique and index.where is None)]
    for index in candidates:
        found = {fold(column.name or ""): column.collation for column in index.columns}
        if set(found) == set(folded):
            return tuple(found[name] for name in folded)
    return ("",) * len(key)
