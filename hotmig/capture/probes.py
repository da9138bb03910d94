"""REPLACE deletes rows without firing delete triggers: the probes log, beforehand, the rows that NEW would evict.

Two forms. Where every column of a unique index is stored, its columns are compared with NEW's. Where it has
expressions or generated columns, the index's own expressions are evaluated, unrewritten, over one made-up row.
What neither can know is answered by the whole-table mark.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hotmig.capture.log import STORED, log_rows, log_whole_table
from hotmig.catalog.affinity import column_affinity
from hotmig.catalog.lexer import tokens, without_comments
from hotmig.catalog.model import Column, IndexedColumn, Table
from hotmig.planning.model import Recorded, SourceKey
from hotmig.sqlite import conjunction, disjunction, fold, quote

Event = Literal["INSERT", "UPDATE"]

MADE_UP = "_migration_new"
LITERAL_WORDS = ("NULL", "CURRENT_TIME", "CURRENT_DATE", "CURRENT_TIMESTAMP")
INTEGER_ONLY = ("INT", "INTEGER")


@dataclass(frozen=True)
class UniqueIndex:
    """Anything by which REPLACE can evict a row: the columns that must be equal, and the rows it covers."""

    columns: tuple[IndexedColumn, ...]
    where: str | None = None


def probe_statements(recorded: Recorded, event: Event) -> tuple[str, ...]:
    """The statements of a BEFORE trigger that log what NEW would evict; none where no index needs them."""
    table, key = recorded.table, recorded.key
    if key is None:
        return ()
    marks: dict[str, None] = {}
    statements = []
    for index in needed_indexes(table, key):
        unknown = _unknown(table, index, event)
        marks |= dict.fromkeys(unknown)
        terms = _computed_terms(table, index, unknown) if _is_computed(table, index) else _plain_terms(table, index)
        if event == "UPDATE":
            terms.append(_moved(index) if _is_plain(table, index) else _another_row(key))
        statements.append(log_rows("replace", key, conjunction(terms)))
    if marks:
        statements.append(log_whole_table(table.name, disjunction(marks)))
    return tuple(statements)


def needed_indexes(table: Table, key: SourceKey) -> tuple[UniqueIndex, ...]:
    """The unique indexes, and the rowid, through which a row can be evicted whose key is not logged anyway.

    What is evicted under the very key of NEW is logged as NEW.
    """
    return tuple(index for index in _unique_indexes(table) if not _evicts_only_same_key(table, key, index))


def _unique_indexes(table: Table) -> Iterable[UniqueIndex]:
    found: dict[UniqueIndex, None] = {}
    rowid = table.rowid_alias or table.rowid_name
    if rowid is not None:
        # Without a name that reaches the rowid, no statement can choose one either.
        found[UniqueIndex((IndexedColumn(rowid),))] = None
    if table.primary_key and table.rowid_alias is None:
        found[UniqueIndex(_ascending(table.primary_key.columns))] = None
    for constraint in table.uniques:
        found[UniqueIndex(_ascending(constraint.columns))] = None
    for index in table.indexes:
        if index.unique:
            found[UniqueIndex(_ascending(index.columns), index.where)] = None
    return found


def _ascending(columns: tuple[IndexedColumn, ...]) -> tuple[IndexedColumn, ...]:
    return tuple(IndexedColumn(column.name, column.expression, column.collation) for column in columns)


def _evicts_only_same_key(table: Table, key: SourceKey, index: UniqueIndex) -> bool:
    collations = {fold(column.name): column.collation for column in index.columns if column.name is not None}
    return all(fold(name) in collations and _equal_is_same(table, name, collations[fold(name)]) for name in key.columns)


def _equal_is_same(table: Table, name: str, collation: str) -> bool:
    """Whether two values that the index takes for equal are the same in type and bytes.

    Not so 'bob' and 'BOB', 1 and 1.0, 0.0 and -0.0. An INTEGER column without STRICT can hold the REAL -2⁶³.
    """
    column = table.column(name)
    if column is None or column.name == table.rowid_alias:
        return True
    if table.strict and column.type.upper() in INTEGER_ONLY:
        return True
    return column_affinity(table, column) == "TEXT" and collation.upper() == "BINARY"


def _is_computed(table: Table, index: UniqueIndex) -> bool:
    return any(each.name is None or _generated(table, each.name) for each in index.columns)


def _is_plain(table: Table, index: UniqueIndex) -> bool:
    return index.where is None and not _is_computed(table, index)


def _generated(table: Table, name: str) -> bool:
    column = table.column(name)
    return column is not None and column.generated is not None


def _plain_terms(table: Table, index: UniqueIndex) -> list[str]:
    """Bare comparisons: the stored column lends NEW's value its affinity, and the index answers.

    Whether NEW satisfies the WHERE of a partial index is not asked: that logs too much at most.
    """
    terms = _covered(index)
    for each in index.columns:
        stored = f"{STORED}.{quote(each.name or '')}"
        terms.append(f"{stored} COLLATE {quote(each.collation)} = {_value(table, each.name or '')}")
    return terms


def _covered(index: UniqueIndex) -> list[str]:
    return [] if index.where is None else [f"({without_comments(index.where)})"]


def _value(table: Table, name: str) -> str:
    """NEW's value. REPLACE puts the default into a NOT NULL column only after the BEFORE triggers."""
    column = table.column(name)
    if column is None or not may_default(table, column) or not _has_literal_default(column):
        return f"NEW.{quote(name)}"
    return f"coalesce(NEW.{quote(name)}, {column.default})"


def may_default(table: Table, column: Column) -> bool:
    """Whether REPLACE can put the default in the place of a NULL."""
    if column.default is None or column.name == table.rowid_alias:
        return False
    in_key = table.primary_key and any(
        each.name is not None and fold(each.name) == fold(column.name) for each in table.primary_key.columns
    )
    return column.not_null or bool(in_key)


def _has_literal_default(column: Column) -> bool:
    """Whether the default can be repeated in a trigger: any other text may be random() or a bare word."""
    words = tokens(column.default or "")
    if len(words) == 2 and words[0].text in ("+", "-"):
        words = words[1:]
    return len(words) == 1 and (words[0].kind in ("number", "string", "blob") or words[0].keyword in LITERAL_WORDS)


def _moved(index: UniqueIndex) -> str:
    """Whether an UPDATE changes any column of the index: what is equal in bytes is equal under every collation."""
    return disjunction(
        f"NEW.{quote(each.name or '')} COLLATE BINARY IS NOT OLD.{quote(each.name or '')}" for each in index.columns
    )


def _another_row(key: SourceKey) -> str:
    """The updated row itself is logged already."""
    own = conjunction(f"{STORED}.{quote(column)} COLLATE BINARY IS OLD.{quote(column)}" for column in key.columns)
    return f"NOT ({own})"


def _computed_terms(table: Table, index: UniqueIndex, unknown: Iterable[str]) -> list[str]:
    """The index's expressions over the stored row and over NEW.

    NEW must satisfy the index's WHERE, because the expression may raise an error on rows that don't:
    ``json_extract(data, '$.id') WHERE json_valid(data)``. CASE asks for it: a WHERE would be pushed down into the
    made-up row, where the columns have no affinity.
    """
    condition = conjunction([*_covered(index), f"NOT {disjunction(unknown)}"])
    made_up = f"FROM {_made_up_row(table, index)} AS {MADE_UP}"
    terms = _covered(index)
    for each in index.columns:
        new = f"(SELECT CASE WHEN {condition} THEN {_in_row(each, MADE_UP)} END {made_up})"
        terms.append(f"{_in_row(each, STORED)} COLLATE {quote(each.collation)} = {new}")
    return terms


def _in_row(column: IndexedColumn, row: str) -> str:
    # SQLite allows no dot in an index expression: its bare names are those of the innermost FROM.
    if column.name is None:
        return f"({without_comments(column.expression or '')})"
    return f"{row}.{quote(column.name)}"


def _made_up_row(table: Table, index: UniqueIndex) -> str:
    """One row of NEW's values under the table's own names, affinities and collations.

    They come from the first SELECT of the compound. From SQLite 3.41 on, a column keeps its TEXT affinity only
    if no other SELECT can give a number, and a numeric one only if none can give a text: hence the CAST, which
    changes no text (a BLOB in a TEXT column gets the whole-table mark), and hence no coalesce().
    In BEFORE UPDATE, NEW's generated columns are computed only from columns that the trigger names: all are named.
    """
    columns = _reached_columns(table, index)
    # With AS, an application's RENAME COLUMN does not fail on our triggers: it goes through, and drift finds it.
    shape = ", ".join(f"{STORED}.{quote(column.name)} AS {quote(column.name)}" for column in columns)
    values = ", ".join(
        f"CAST(NEW.{quote(column.name)} AS TEXT)" if _is_text(table, column) else f"NEW.{quote(column.name)}"
        for column in columns
    )
    return f"(SELECT {shape} FROM {quote(table.name)} AS {STORED} WHERE 0 UNION ALL SELECT {values})"


def _unknown(table: Table, index: UniqueIndex, event: Event) -> tuple[str, ...]:
    """The conditions on NEW under which a probe can't know which rows it evicts."""
    if _is_computed(table, index):
        return tuple(_unknown_computed(table, index, event))
    columns = filter(None, (table.column(each.name or "") for each in index.columns))
    return tuple(
        f"NEW.{quote(column.name)} IS NULL"
        for column in columns
        if may_default(table, column) and not _has_literal_default(column)
    )


def _unknown_computed(table: Table, index: UniqueIndex, event: Event) -> Iterable[str]:
    for column in _reached_columns(table, index):
        new = f"NEW.{quote(column.name)}"
        if may_default(table, column):
            yield f"{new} IS NULL"
        if _is_text(table, column):
            yield f"typeof({new}) = 'blob'"
        if column.name == table.rowid_alias and event == "INSERT":
            yield f"{new} = -1"  # what BEFORE INSERT sees in place of a rowid that isn't assigned yet


def _is_text(table: Table, column: Column) -> bool:
    return column_affinity(table, column) == "TEXT"


def _reached_columns(table: Table, index: UniqueIndex) -> tuple[Column, ...]:
    """The columns that the index names, in its expressions and its WHERE, and those its generated columns name."""
    texts = [index.where, *(each.expression if each.name is None else quote(each.name) for each in index.columns)]
    reached: set[str] = set()
    while texts:
        # A string, or a function, that is called like a column counts as that column, which does no harm.
        words = {fold(token.value) for token in tokens(texts.pop() or "")}
        for column in table.columns:
            if column.name not in reached and fold(column.name) in words:
                reached.add(column.name)
                texts.append(column.generated)
    return tuple(column for column in table.columns if column.name in reached)
