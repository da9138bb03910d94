"""Which old table and which old column each new one comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from hotmig.catalog.affinity import column_affinity
from hotmig.catalog.keys import primary_key_names
from hotmig.catalog.model import Catalog, Column, Table
from hotmig.planning.grouping import grouping_of, set_columns
from hotmig.planning.hints import UsedHints
from hotmig.planning.keys import row_key
from hotmig.planning.model import SourceKey
from hotmig.schema.model import ColumnRules, Schema, TableRules, ValueMap
from hotmig.sqlite import fold


@dataclass(frozen=True)
class Fill:
    """Where a new column's value comes from: an old column as it is, a From, or a new integer key (``assigned``).

    ``assigned`` with an ``old`` column is a TEXT key that becomes an INTEGER PRIMARY KEY of the same name.
    ``together`` are the old columns that were the reference which has fewer columns now, or more.
    """

    column: Column
    old: Column | None = None
    expression: str | None = None
    assigned: bool = False
    together: tuple[Column, ...] = ()
    mapping: ValueMap | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the old row goes into it: at most its default."""
        return self.old is None and self.expression is None and not self.assigned and not self.together


@dataclass(frozen=True)
class Draft:
    """One new table with its source, before references between tables are looked at."""

    table: Table
    source: Table | None
    rules: TableRules | None
    source_key: SourceKey | None
    new_key: SourceKey | None
    fills: tuple[Fill, ...]

    def fill(self, name: str) -> Fill | None:
        return self._by_name.get(fold(name))

    @cached_property
    def _by_name(self) -> dict[str, Fill]:
        return {fold(fill.column.name): fill for fill in self.fills}

    @property
    def loses_rows(self) -> bool:
        """Whether rows of it can become one with others, so that references to them have to follow."""
        grouping = grouping_of(self.table, self.rules) if self.source is not None else None
        return grouping is not None and grouping.loses_rows

    def copies(self, name: str) -> Column | None:
        """The old column whose every value the new column of that name keeps as it is."""
        fill = self.fill(name)
        if self.source is None or fill is None or fill.old is None or fill.assigned or fill.mapping is not None:
            return None
        if fold(name) in set_columns(self.rules):
            return None
        return fill.old if keeps_values(self.source, fill.old, self.table, fill.column) else None


def keeps_values(source: Table, old: Column, table: Table, new: Column) -> bool:
    """Whether no value changes when it moves from one column to the other: affinity is what changes values."""
    before, after = column_affinity(source, old), column_affinity(table, new)
    numeric = ("INTEGER", "NUMERIC")  # the two differ in CAST only
    return after in (before, "BLOB") or (before in numeric and after in numeric)


def drafts(old: Catalog, schema: Schema, used: UsedHints) -> tuple[Draft, ...]:
    """One draft for each new table, in the order of their names."""
    sources = source_tables(old, schema, used)
    tables = sorted(schema.catalog.tables, key=lambda table: (fold(table.name), table.name))
    return tuple(_draft(table, sources.get(table.name), schema.rules(table.name), used) for table in tables)


def source_tables(old: Catalog, schema: Schema, used: UsedHints) -> dict[str, Table]:
    """The old table of each new table that has one, by the new name.

    A ``was=`` counts until it was used up; an old table that a ``was=`` claims is no same-named source any more.
    """
    sources: dict[str, Table] = {}
    for table in schema.catalog.tables:
        was = declared_was(schema.rules(table.name), used)
        claimed = old.table(was) if was is not None else None
        if claimed is not None:
            sources[table.name] = claimed
    taken = {source.name for source in sources.values()}
    for table in schema.catalog.tables:
        same = old.table(table.name)
        if table.name not in sources and same is not None and same.name not in taken:
            sources[table.name] = same
    return sources


def declared_was(rules: TableRules | None, used: UsedHints) -> str | None:
    """The table's ``was=``, unless it was used up."""
    if rules is None or rules.was is None or used.has("was", rules.table, "", rules.was):
        return None
    return rules.was


def _draft(table: Table, source: Table | None, rules: TableRules | None, used: UsedHints) -> Draft:
    source_key = row_key(source) if source is not None else None
    fills = tuple(
        _mapped(_assign(fill, table, source, source_key), rules) for fill in _fills(table, source, rules, used)
    )
    return Draft(table, source, rules, source_key, row_key(table), fills)


def _fills(table: Table, source: Table | None, rules: TableRules | None, used: UsedHints) -> list[Fill]:
    if source is None:
        return [Fill(column) for column in table.stored_columns]
    claims: dict[str, Column] = {}
    for column in table.stored_columns:
        claimed = claimed_column(source, rules.column(column.name) if rules else None, used)
        if claimed is not None:
            claims[column.name] = claimed
    taken = {column.name for column in claims.values()}
    fills = []
    for column in table.stored_columns:
        own = rules.column(column.name) if rules else None
        same = source.column(column.name)
        if own is not None and own.source is not None and not used.has_from(source, own):
            fills.append(Fill(column, expression=own.source))
        elif column.name in claims:
            fills.append(Fill(column, old=claims[column.name]))
        elif together := columns_together(source, own, used):
            fills.append(Fill(column, together=together))
        elif same is not None and same.name not in taken:
            fills.append(Fill(column, old=same))
        else:
            fills.append(Fill(column))
    return fills


def claimed_column(source: Table, rules: ColumnRules | None, used: UsedHints) -> Column | None:
    """The old column that an unused Was names.

    The field of a reference names its column without the suffix: Was("client") also finds "client_id".
    """
    if rules is None or rules.was is None or used.has_was(source, rules):
        return None
    suffix = rules.column.removeprefix(rules.field)
    found = source.column(rules.was)
    return found if found is not None or suffix == rules.column else source.column(rules.was + suffix)


def columns_together(source: Table, rules: ColumnRules | None, used: UsedHints) -> tuple[Column, ...]:
    """The old columns that an unused Was of several names speaks of; () unless all are there.

    They are read, not claimed: a part of the old reference can live on under its own name.
    """
    if rules is None or used.has_was(source, rules):
        return ()
    found = tuple(column for column in map(source.column, rules.together) if column is not None)
    return found if len(found) == len(rules.together) else ()


def _assign(fill: Fill, table: Table, source: Table | None, source_key: SourceKey | None) -> Fill:
    if source is None or fill.expression is not None or table.rowid_alias != fill.column.name:
        return fill
    if fill.together:
        return fill
    if fill.old is None:
        return Fill(fill.column, assigned=True)
    keys = {names for names in (primary_key_names(source), source_key.columns if source_key else ()) if names}
    is_text = column_affinity(source, fill.old) == "TEXT"
    if is_text and (fill.old.name,) in keys:
        return Fill(fill.column, old=fill.old, assigned=True)
    return fill


def _mapped(fill: Fill, rules: TableRules | None) -> Fill:
    """With the mapping of its Mapped, which is applied each time: it changes nothing the second time."""
    own = rules.column(fill.column.name) if rules is not None else None
    if own is None or own.mapping is None or fill.assigned or (fill.old is None and fill.expression is None):
        return fill
    return replace(fill, mapping=own.mapping)
