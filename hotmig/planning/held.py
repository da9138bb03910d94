"""Which constraints of a new table the old one held already over the same values: these are not scanned again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hotmig.catalog.keys import can_be_null
from hotmig.catalog.lexer import normalise
from hotmig.catalog.model import Check, IndexedColumn, Table
from hotmig.errors import HotmigError
from hotmig.planning.model import TableStep
from hotmig.planning.projection import is_copy, projected, unmapped
from hotmig.planning.rows import reads
from hotmig.sqlite import fold


@dataclass(frozen=True)
class UniqueKey:
    """A primary key, UNIQUE constraint or unique index."""

    columns: tuple[IndexedColumn, ...]
    where: str | None
    title: str


def unique_keys(table: Table) -> Iterator[UniqueKey]:
    """All that keeps rows of a table distinct."""
    if table.primary_key is not None:
        yield UniqueKey(table.primary_key.columns, None, _listed(table.primary_key.columns))
    for constraint in table.uniques:
        yield UniqueKey(constraint.columns, None, _listed(constraint.columns))
    for index in table.indexes:
        if index.unique:
            yield UniqueKey(index.columns, index.where, f"index {index.name}")


def _listed(columns: Iterable[IndexedColumn]) -> str:
    return ", ".join(part.name or part.expression or "" for part in columns)


def copied_from(step: TableStep, name: str) -> str | None:
    """The old column whose every value the new column keeps, None when it is filled in another way."""
    own = step.column(name)
    if step.source is None or own is None or not is_copy(step, own):
        return None
    old = step.taken_from(own)
    return old.name if old is not None else None


def is_unique_already(step: TableStep, key: UniqueKey) -> bool:
    """Whether the old table kept these values distinct: under the same collations, or under coarser ones."""
    if step.source is None:
        return True
    if any(part.name is None for part in key.columns) or key.where is not None:
        return _is_same_index(step, key)
    wanted = {fold(copied_from(step, part.name or "") or ""): part.collation.upper() for part in key.columns}
    return any(implies(old, wanted) for old in unique_keys(step.source))


def implies(key: UniqueKey, wanted: dict[str, str]) -> bool:
    """Whether rows that a key keeps distinct are distinct in ``wanted``, columns (folded) with their collations.

    Distinct in a part of the columns is distinct in all; equal bytes are equal under every collation.
    """
    if key.where is not None:
        return False
    for part in key.columns:
        collation = wanted.get(fold(part.name)) if part.name is not None else None
        if collation is None or collation not in (part.collation.upper(), "BINARY"):
            return False
    return True


def _is_same_index(step: TableStep, key: UniqueKey) -> bool:
    if step.source is None or not _keeps(step, _names(step.table)):
        return False
    return any(_described(step.table, key) == _described(step.source, old) for old in unique_keys(step.source))


def _described(table: Table, key: UniqueKey) -> tuple[object, ...]:
    names = _names(table)
    parts = tuple((normal(part.name or part.expression or "", names), part.collation.upper()) for part in key.columns)
    return (parts, normal(key.where or "", names))


def is_checked_already(step: TableStep, check: Check) -> bool:
    """Whether the old table had the same CHECK over the same columns."""
    if step.source is None:
        return True
    columns = {column for column in _names(step.table) if fold(column) in reads(check.expression, step.table)}
    wanted = normal(check.expression, _names(step.table))
    olds = {normal(old.expression, _names(step.table)) for old in step.source.checks}
    return wanted in olds and _keeps(step, columns)


def is_not_null_already(step: TableStep, name: str) -> bool:
    """Whether the column has the values of one that can't be NULL."""
    return not is_set(step, [name]) and takes_no_null(step, name)


def takes_no_null(step: TableStep, name: str) -> bool:
    """The same, whatever rules set in some rows. What a mapping has for a value is never NULL."""
    if step.source is None:
        return True
    own = step.column(name)
    taken = step.taken_from(own) if own is not None else None
    if own is None or taken is None or projected(step, unmapped(own)) != own.expression:
        return False
    return not can_be_null(step.source, taken.name)


def is_set(step: TableStep, names: Iterable[str]) -> bool:
    """Whether a rule sets any of these columns in some rows, or what a generated one of them is made of."""
    wanted, seen = {fold(name) for name in names} if step.set_columns else set[str](), set[str]()
    while wanted - seen:
        seen |= wanted
        columns = (step.table.column(name) for name in seen)
        wanted |= {read for each in columns if each and each.generated for read in reads(each.generated, step.table)}
    return not seen.isdisjoint(step.set_columns)


def is_generated_alike(step: TableStep, name: str) -> bool:
    """Whether the old table generated the same column from the same values."""
    column = step.table.column(name)
    if column is None or column.generated is None:
        return False
    return _keeps(step, {name, *reads(column.generated, step.table)})


def _keeps(step: TableStep, names: Iterable[str]) -> bool:
    """Whether each of these columns is a copy of the old one of its own name, type and collation."""
    for name in names:
        new = step.table.column(name)
        old = step.source.column(name) if step.source is not None else None
        if new is None or old is None or new.collation.upper() != old.collation.upper():
            return False
        if new.generated is not None or old.generated is not None:
            if normal(new.generated or "", ()) != normal(old.generated or "", ()) or new.type != old.type:
                return False
        elif fold(copied_from(step, name) or "") != fold(old.name) or new.type.upper() != old.type.upper():
            return False
    return True


def _names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns)


def normal(expression: str, columns: Iterable[str] = ()) -> str:
    """Its canonical text, or the very text where it can't be read."""
    try:
        return normalise(expression, columns)
    except HotmigError:
        return expression
