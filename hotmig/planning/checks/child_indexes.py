"""A reference whose rows replay must find again by the reference itself, without an index to find them by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, count

from hotmig.catalog.model import Catalog, Column, IndexedColumn, Table
from hotmig.planning.checking import Context, check
from hotmig.planning.following import can_be_looked_up, follows_only_the_key
from hotmig.planning.lines import bare
from hotmig.planning.model import Finding, Translation
from hotmig.schema.compile import index_name
from hotmig.sqlite import fold

NAME = "child-index"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        told: set[str] = set()
        for translation in step.translations:
            parent = context.plan.step(translation.parent)
            is_followed = parent is not None and parent.loses_rows  # its children lead elsewhere where its fate changes
            if step.source is None or (follows_only_the_key(context.plan, translation) and not is_followed):
                continue
            wanted = _wanted(context, step.source, translation)
            if wanted and not _has_index(step.source, wanted):
                statement = _statement(context.plan.old, step.source, wanted)
                if statement not in told:
                    told.add(statement)
                    yield Finding(NAME, "warn", step.table.name, _message(step.source, translation, statement))


def _message(child: Table, translation: Translation, statement: str) -> str:
    return (
        f"no index of {child.name} begins with {', '.join(translation.columns)}, by which each round of replay finds"
        f" the rows that refer to a changed row of {translation.parent_source}: it reads the whole table each time."
        f" If that is large, run in the old database, before `hotmig migrate`: {statement}"
    )


def _wanted(context: Context, child: Table, translation: Translation) -> tuple[tuple[Column, str], ...]:
    """The child's columns, each with the collation by which its parent compares; () where no index could be used."""
    parent = context.plan.old.table(translation.parent_source)
    pairs = zip(translation.columns, translation.parent_columns, strict=True)
    found = [(child.column(ours), parent.column(theirs)) for ours, theirs in pairs] if parent is not None else []
    wanted = []
    for ours, theirs in found:
        if parent is None or ours is None or theirs is None or not can_be_looked_up(child, ours, parent, theirs):
            return ()
        wanted.append((ours, theirs.collation))
    return tuple(wanted)


def _has_index(child: Table, wanted: tuple[tuple[Column, str], ...]) -> bool:
    names = {(fold(column.name), collation.upper()) for column, collation in wanted}
    if child.rowid_alias is not None and fold(child.rowid_alias) in {name for name, _ in names}:
        return True
    return any(
        {(fold(part.name or ""), part.collation.upper()) for part in columns[: len(names)]} == names
        for columns in _indexed(child)
    )


def _indexed(table: Table) -> Iterator[tuple[IndexedColumn, ...]]:
    if table.primary_key is not None:
        yield table.primary_key.columns
    yield from (unique.columns for unique in table.uniques)
    yield from (index.columns for index in table.indexes if index.where is None)


def _statement(old: Catalog, child: Table, wanted: tuple[tuple[Column, str], ...]) -> str:
    name = _free(old, index_name(child.name, [bare(column.name) for column, _ in wanted]))
    terms = (
        bare(column.name) + (f" COLLATE {bare(collation)}" if collation.upper() != column.collation.upper() else "")
        for column, collation in wanted
    )
    return f"CREATE INDEX {bare(name)} ON {bare(child.name)}({', '.join(terms)})"


def _free(old: Catalog, name: str) -> str:
    """The name, with a number where it is taken: tables, views and indexes share their names."""
    taken = {fold(table.name) for table in old.tables} | {fold(view.name) for view in old.views}
    taken |= {fold(table.name) for table in old.virtual_tables}
    taken |= {fold(index.name) for table in old.tables for index in table.indexes}
    numbered = (f"{name}_{number}" for number in count(2))
    return next(each for each in chain([name], numbered) if fold(each) not in taken)
