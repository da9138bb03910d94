"""Whether a table can be copied as it is: SQLite then moves rows and index entries without decoding them.

It does so for a bare ``INSERT INTO new SELECT * FROM old`` where the two tables store the same (its source calls that
the transfer optimisation, xferOptimization in insert.c). Names may differ, and columns may come behind the last one:
those are added behind the copy, which edits the catalog alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hotmig.catalog.affinity import column_affinity
from hotmig.catalog.lexer import tokens
from hotmig.catalog.model import Column, Index, IndexedColumn, PrimaryKey, Table, UniqueConstraint
from hotmig.planning.held import normal
from hotmig.planning.model import How, TableStep
from hotmig.planning.rows import read_by, reads
from hotmig.sqlite import fold, quote

MOST_BYTES = 1_500_000_000  # of a table's rows, or of a file: one read of a larger one would take too long
_INTEGER = re.compile(r"[+-]?\d{1,15}")
_NUMBER = re.compile(r"[+-]?\d{1,9}(\.\d{1,6})?|[+-]?\d{1,15}")
_PLAIN_TYPE = re.compile(r"[\w ]*(\([\d, ]*\))?")


def obstacle(step: TableStep) -> str | None:
    """Why the rows of a table have to be projected, in words; None where it can be copied as it is."""
    if step.source is None:
        return None
    return next(_obstacles(step, step.source), None)


def way(step: TableStep, *, wal: bool) -> tuple[How, str | None]:
    """How a table is copied and, of one that is projected, why; ``wal`` is whether the old database is in that mode.

    In rollback-journal mode a reader holds up the writers, and a copy as it is reads all in one statement.
    """
    if step.how == "as-is" and not wal:
        return "projected", "the old database is not in WAL mode (`hotmig migrate --wal` switches it)"
    return step.how, step.why


def added_columns(step: TableStep) -> tuple[Column, ...]:
    """The columns of a table that is copied as it is which the old one does not have: those behind the others."""
    return step.table.columns[len(step.source.columns) :] if step.source is not None else ()


def moved_indexes(step: TableStep) -> tuple[Index, ...]:
    """The new indexes that the old table has too, under whatever name.

    In SQL that names a column which is added, the same words mean something else in the old table: a text in double
    quotes, or the rowid.
    """
    if step.source is None:
        return ()
    added = {fold(column.name) for column in added_columns(step)}
    olds = [_described(index, step.source, step) for index in step.source.indexes]
    return tuple(
        index
        for index in step.table.indexes
        if _described(index, step.table, step) in olds and added.isdisjoint(read_by(index, step.table))
    )


def kept_indexes(step: TableStep) -> tuple[Index, ...]:
    """The old indexes that the new table has too, under the same name."""
    if step.source is None:
        return ()
    moved = {index.name: _described(index, step.table, step) for index in moved_indexes(step)}
    return tuple(each for each in step.source.indexes if moved.get(each.name) == _described(each, step.source, step))


def definition(column: Column) -> str:
    """A column as ALTER TABLE adds it."""
    parts = [quote(column.name), column.type]
    if column.not_null:
        parts.append("NOT NULL")
    if column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    if column.collation.upper() != "BINARY":
        parts.append(f"COLLATE {quote(column.collation)}")
    return " ".join(part for part in parts if part)


def _obstacles(step: TableStep, source: Table) -> Iterator[str]:
    if step.grouping is not None:
        yield "rows become one"
    if step.keys == "mapped":
        yield "it gets new keys"
    if step.translations:
        yield f"its references follow those of {step.translations[0].parent}"
    if step.seeds:
        yield "it has seed rows"
    if step.source_key is not None and step.source_key.kind == "rowid":
        yield "it has no key but the rowid"
    for name in ("strict", "without_rowid"):
        if getattr(step.table, name) != getattr(source, name):
            yield f"{name.upper().replace('_', ' ')} is {'gone' if getattr(source, name) else 'new'}"
    yield from _of_columns(step, source)
    yield from _of_constraints(step, source)


def _of_columns(step: TableStep, source: Table) -> Iterator[str]:
    if any(column.generated is not None for column in (*source.columns, *step.table.columns)):
        yield "it has a generated column"
        return
    for old, new in zip(source.columns, step.table.columns, strict=False):
        own = step.column(new.name)
        if own is not None and own.mapping is not None:
            yield f"{new.name} gets canonical values"
        elif own is None or own.expression != quote(old.name):
            yield f"{new.name} is not filled by the old column in its place"
        elif _stored(source, old) != _stored(step.table, new):
            yield f"{new.name} has {_changed(source, old, step.table, new)}"
        elif old is not source.columns[0] and (old.default or "") != (new.default or ""):
            yield f"{new.name} has another default"
    if len(source.columns) > len(step.table.columns):
        yield "it has a column less"
    for column in added_columns(step):
        if not _can_be_added(step, column):
            yield f"{column.name} cannot be added behind the copy"


def _stored(table: Table, column: Column) -> tuple[object, ...]:
    type_ = column_affinity(table, column), column.type.upper()
    return type_, column.collation.upper(), (column.not_null, column.not_null_conflict)


def _changed(source: Table, old: Column, table: Table, new: Column) -> str:
    pairs = zip(
        ("another type", "another collation", "another NOT NULL"),
        _stored(source, old),
        _stored(table, new),
        strict=True,
    )
    return ", ".join(what for what, before, after in pairs if before != after)


def _can_be_added(step: TableStep, column: Column) -> bool:
    """ALTER TABLE adds it, and no constraint of the table knows it yet."""
    own = step.column(column.name)
    if own is None or own.expression is not None or own.assigned:
        return False
    if column.not_null_conflict is not None or not _PLAIN_TYPE.fullmatch(column.type):
        return False
    if column.default is not None and not _is_kept(column.default, step.table, column):
        return False
    if column.not_null and (column.default is None or column.default.upper() == "NULL"):
        return False
    return fold(column.name) not in _constrained(step.table)


def _is_kept(default: str, table: Table, column: Column) -> bool:
    """Whether ALTER TABLE puts the same value of the default into old rows as INSERT puts into new ones.

    It takes neither expression nor time, and makes other values of TRUE and of large or unusual numbers where the
    column's affinity is not numeric (seen with 3.40.1: integer 1 in a TEXT column, integer 1 for 1.0 without a type).
    """
    if default.upper() == "NULL":
        return True
    kind = column_affinity(table, column)
    if table.strict and column.type.upper() in ("INT", "INTEGER"):
        return _INTEGER.fullmatch(default) is not None
    if kind in ("INTEGER", "REAL", "NUMERIC"):
        return _NUMBER.fullmatch(default) is not None or default.upper() in ("TRUE", "FALSE")
    found = list(tokens(default))
    if len(found) == 1 and found[0].kind == "string":
        return default.startswith("'") and not (table.strict and kind == "BLOB" and column.type.upper() != "ANY")
    return kind == "BLOB" and not table.strict and _INTEGER.fullmatch(default) is not None


def _constrained(table: Table) -> set[str]:
    """The columns, folded, that keys, CHECKs and references speak of."""
    keys = [key.columns for key in (table.primary_key, *table.uniques) if key is not None]
    names = {fold(part.name) for parts in keys for part in parts if part.name is not None}
    names |= {fold(name) for foreign in table.foreign_keys for name in foreign.columns}
    return names.union(*(reads(check.expression, table) for check in table.checks))


def _of_constraints(step: TableStep, source: Table) -> Iterator[str]:
    if _key(step.table.primary_key, step) != _key(source.primary_key):
        yield "its primary key is another one"
    olds = [_unique(constraint) for constraint in source.uniques]
    if any(_unique(constraint, step) not in olds for constraint in step.table.uniques):
        yield "it has a UNIQUE constraint more"
    # SQLite compares the lists, and their order is that of the definition.
    if step.table.checks and [normal(each.expression) for each in step.table.checks] != [
        normal(each.expression) for each in source.checks
    ]:
        yield "it has another CHECK"


def _key(key: PrimaryKey | None, step: TableStep | None = None) -> object:
    return key and (_parts(key.columns, step), key.conflict, key.autoincrement)


def _unique(constraint: UniqueConstraint, step: TableStep | None = None) -> object:
    return _parts(constraint.columns, step), constraint.conflict


def _described(index: Index, table: Table, step: TableStep) -> object:
    """The same for two indexes that store the same; one that reads a renamed column in SQL is taken for another."""
    parts = _parts(index.columns, step if table is step.table else None)
    return parts, index.unique, normal(index.where or "")


def _parts(columns: tuple[IndexedColumn, ...], step: TableStep | None) -> list[object]:
    return [
        (_old_name(part.name, step), normal(part.expression or ""), part.collation.upper(), part.descending)
        for part in columns
    ]


def _old_name(name: str | None, step: TableStep | None) -> str | None:
    if name is None or step is None or step.source is None:
        return fold(name) if name is not None else None
    own = step.column(name)
    old = step.taken_from(own) if own is not None else None
    return fold(old.name) if old is not None else None
