"""Which rows of a table become one, and which rows a rule sets columns in: from the declarations to the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hotmig.catalog.lexer import tokens
from hotmig.catalog.model import Table
from hotmig.planning.model import Grouping, Touch, Translation
from hotmig.schema.model import DuplicatesRule, MergeRule, Schema, TableRules
from hotmig.sqlite import fold

CANONICAL = "_canonical"  # in an expression: whether the row already stood under the canonical key


def grouping_of(table: Table, rules: TableRules | None) -> Grouping | None:
    """The groups that a table's Duplicates or Merge makes."""
    if rules is not None and rules.duplicates is not None:
        return _of_duplicates(table, rules.duplicates)
    if rules is not None and rules.merge is not None:
        # Canonical values are texts of ours: equal ones are the same.
        return Grouping(((rules.merge.by, "BINARY"),), merges_by=rules.merge.by, create=rules.merge.create)
    return None


def _of_duplicates(table: Table, rule: DuplicatesRule) -> Grouping:
    return Grouping(
        key=tuple(zip(rule.key, _collations(table, rule.key), strict=True)),
        compare=rule.compare,
        prefer=rule.prefer,
        collide=rule.collide,
        keeps_equal=rule.equal == "keep",
        losers=rule.losers,
    )


def _collations(table: Table, key: Sequence[str]) -> tuple[str, ...]:
    """By which the columns are compared: those of the key or unique index that has them, or else their own."""
    wanted = {fold(name) for name in key}
    listed = [table.primary_key.columns] if table.primary_key is not None else []
    listed += [constraint.columns for constraint in table.uniques]
    listed += [index.columns for index in table.indexes if index.unique]
    for parts in listed:
        found = {fold(part.name): part.collation for part in parts if part.name is not None}
        if len(found) == len(parts) and set(found) == wanted:
            return tuple(found[fold(name)] for name in key)
    columns = [table.column(name) for name in key]
    return tuple(column.collation if column is not None else "BINARY" for column in columns)


def set_columns(rules: TableRules | None) -> frozenset[str]:
    """The columns, folded, that a table's own rules set in some rows."""
    if rules is None:
        return frozenset()
    losers = rules.duplicates.losers if rules.duplicates is not None else None
    touch = rules.merge.touch if rules.merge is not None else ()
    return frozenset(fold(name) for name, _ in (*(losers or ()), *touch))


def merges_of(schema: Schema) -> dict[str, MergeRule]:
    """Folded table name → its Merge."""
    return {fold(rules.table): rules.merge for rules in schema.tables if rules.merge is not None}


def touches_of(table: Table, translations: Sequence[Translation], merges: Mapping[str, MergeRule]) -> tuple[Touch, ...]:
    """What is set in the rows of a table that moved. Each Merge touches the columns that the table has."""
    return tuple(_touches(table, translations, merges))


def _touches(table: Table, translations: Sequence[Translation], merges: Mapping[str, MergeRule]) -> Iterator[Touch]:
    own = merges.get(fold(table.name))
    for name, sql in own.touch if own is not None else ():
        if table.column(name) is not None:
            yield Touch(name, sql, None)
    for parent, merge in sorted(merges.items()):
        through = tuple(at for at, one in enumerate(translations) if fold(one.parent) == parent)
        for name, sql in merge.touch if through else ():
            column = table.column(name)
            if column is not None and column.generated is None:
                yield Touch(column.name, sql, through)


def with_canonical(sql: str, meant: str) -> str:
    """An expression with ``_canonical`` replaced by what it means."""
    parts, at = [], 0
    for token in tokens(sql):
        if token.kind in ("word", "quoted") and fold(token.value) == CANONICAL:
            parts.append(f"{sql[at : token.start]}({meant})")
            at = token.end
    return "".join(parts) + sql[at:]
