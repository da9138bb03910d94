"""What a plan changes, one line each, for people, in the order of the copy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from hotmig.catalog.fingerprint import differences
from hotmig.catalog.keys import can_be_null
from hotmig.catalog.model import Catalog, ForeignKey, Index, PrimaryKey, Table, UniqueConstraint
from hotmig.planning.expressions import compiled
from hotmig.planning.model import ColumnStep, CopyPlan, TableStep
from hotmig.planning.rows import translation_of
from hotmig.planning.successors import read_columns
from hotmig.sqlite import fold

_Key = TypeVar("_Key", PrimaryKey, UniqueConstraint, Index)


def supported(plan: CopyPlan) -> tuple[str, ...]:
    """Each difference between the old database and the new: tables, columns, constraints, indexes, and the rest."""
    return tuple(_lines(plan))


def is_plain(plan: CopyPlan) -> bool:
    """Whether ALTER TABLE, which edits the catalog and no row, and CREATE and DROP of the rest would do all of it."""
    kept = [step for step in plan.steps if step.source is not None]
    dropped = {each.table.name for each in plan.recorded} - {step.source.name for step in kept if step.source}
    added = [step for step in plan.steps if step.source is None]
    return not dropped and not any(step.seeds for step in added) and all(_is_altered(plan, step) for step in kept)


def _is_altered(plan: CopyPlan, step: TableStep) -> bool:
    """Whether names, columns behind the last one, and indexes are all that differs."""
    if step.how != "as-is" or step.source is None:
        return False
    renamed = _renamed(plan, step, step.source)
    names = [fold(column.name) for column in renamed.columns]
    before, after = (replace(_only(table, names), indexes=()) for table in (renamed, step.table))
    return not differences(Catalog((before,)), Catalog((after,)))


def _lines(plan: CopyPlan) -> Iterator[str]:
    for step in plan.steps:
        yield from _table_lines(plan, step)
    used = {step.source.name for step in plan.steps if step.source is not None}
    yield from (f"table {each.table.name} dropped" for each in plan.recorded if each.table.name not in used)
    yield from _object_lines(plan)


def _table_lines(plan: CopyPlan, step: TableStep) -> Iterator[str]:
    name = step.table.name
    if step.source is None:
        yield f"table {name} added"
        return
    if step.source.name != name:
        yield f"table {step.source.name} → {name}"
    for own in step.columns:
        yield from _column_lines(step, step.source, own)
    kept = read_columns(step)
    for column in step.source.stored_columns:
        if fold(column.name) not in kept:
            yield f"column {step.source.name}.{column.name} dropped"
    yield from _definition_lines(plan, step, step.source)


def _column_lines(step: TableStep, source: Table, own: ColumnStep) -> Iterator[str]:
    target = f"{step.table.name}.{own.name}"
    translation = translation_of(step, own.name)
    old = step.taken_from(own)
    if translation is not None:
        yield f"column {_names(source, translation.columns)} → {target}: the new key of {translation.parent}"
    elif own.assigned:
        yield f"column {target}: a new integer key"
    elif own.expression is None:
        yield f"column {target} added: {own.origin}"
    elif old is None:
        reads = compiled(own.expression, source).reads
        read = _names(source, (column.name for column in source.columns if fold(column.name) in reads))
        yield f"column {read} → {target}: {own.expression}" if read else f"column {target}: {own.expression}"
    elif old.name != own.name or own.mapping is not None:
        through = f" through {own.mapping.title}" if own.mapping is not None else ""
        yield f"column {source.name}.{old.name} → {target}{through}"


def _names(source: Table, columns: Iterable[str]) -> str:
    return ", ".join(f"{source.name}.{column}" for column in columns)


def _definition_lines(plan: CopyPlan, step: TableStep, source: Table) -> Iterator[str]:
    """What differs between the definitions once the old one has the new names.

    Columns that came and went have their own lines.
    """
    renamed = _renamed(plan, step, source)
    old_names = [fold(column.name) for column in renamed.columns]
    new_names = [fold(column.name) for column in step.table.columns]
    before, after = _only(renamed, new_names), _only(step.table, old_names)
    prefix = f"table {step.table.name}: "
    lines = [_worded(line.removeprefix(prefix)) for line in differences(Catalog((before,)), Catalog((after,)))]
    yield from (f"{line} ({step.table.name})" for line in _joined(lines) if line not in _said_by_the_key(renamed, step))
    for column in step.table.columns:
        if column.generated is not None and fold(column.name) not in old_names:
            yield f"column {step.table.name}.{column.name} added: generated"
    kept = [name for name in new_names if name in old_names]
    if kept != [name for name in old_names if name in new_names]:
        yield f"order of columns changed ({step.table.name})"


def _said_by_the_key(renamed: Table, step: TableStep) -> set[str]:
    """Lines about a NOT NULL that changes nothing: the key is never NULL, before and after."""
    never = [
        each.name
        for each in step.table.columns
        if not (can_be_null(renamed, each.name) or can_be_null(step.table, each.name))
    ]
    return {f"column {name} {change}" for name in never for change in ("may be NULL now", "is NOT NULL now")}


def _joined(lines: list[str]) -> Iterator[str]:
    """What is dropped and added under one description has changed."""
    for line in lines:
        what = line.removesuffix(" added")
        if line.endswith(" added") and f"{what} dropped" in lines:
            yield f"{what} changed"
        elif not (line.endswith(" dropped") and f"{line.removesuffix(' dropped')} added" in lines):
            yield line


def _worded(line: str) -> str:
    return f"{line.removesuffix(' appeared')} added" if line.endswith(" appeared") else line


def _only(table: Table, names: list[str]) -> Table:
    kept = (column for column in table.columns if fold(column.name) in names)
    return replace(table, columns=tuple(sorted(kept, key=lambda column: fold(column.name))))


def _renamed(plan: CopyPlan, step: TableStep, source: Table) -> Table:
    """The old table under the names that its parts have in the new schema."""
    names = _new_names(step)
    return replace(
        source,
        name=step.table.name,
        columns=tuple(replace(column, name=names.get(fold(column.name), column.name)) for column in source.columns),
        primary_key=_renamed_key(source.primary_key, names) if source.primary_key is not None else None,
        uniques=tuple(_renamed_key(unique, names) for unique in source.uniques),
        indexes=tuple(_renamed_key(index, names) for index in source.indexes),
        foreign_keys=tuple(_renamed_reference(plan, foreign, names) for foreign in source.foreign_keys),
    )


def _new_names(step: TableStep) -> dict[str, str]:
    """Old column name, folded → new name: columns that are copied, translated references, and new spellings."""
    names: dict[str, str] = {}
    for own in step.columns:
        old = step.taken_from(own)
        if old is not None:
            names.setdefault(fold(old.name), own.name)
    for translation in step.translations:
        if len(translation.columns) == len(translation.targets):
            for old_name, target in zip(translation.columns, translation.targets, strict=True):
                names.setdefault(fold(old_name), target)
    for own in step.columns:
        names.setdefault(fold(own.name), own.name)
    return names


def _renamed_key(key: _Key, names: dict[str, str]) -> _Key:
    parts = (
        part if part.name is None else replace(part, name=names.get(fold(part.name), part.name)) for part in key.columns
    )
    return replace(key, columns=tuple(parts))


def _renamed_reference(plan: CopyPlan, foreign: ForeignKey, names: dict[str, str]) -> ForeignKey:
    columns = tuple(names.get(fold(name), name) for name in foreign.columns)
    sources = ((each, each.source) for each in plan.steps)
    step = next((each for each, source in sources if source and fold(source.name) == fold(foreign.parent)), None)
    if step is None:
        return replace(foreign, columns=columns)
    theirs = _new_names(step)
    parents = tuple(theirs.get(fold(name), name) for name in foreign.parent_columns)
    return replace(foreign, columns=columns, parent=step.table.name, parent_columns=parents)


def _object_lines(plan: CopyPlan) -> Iterator[str]:
    """Views, triggers and virtual tables."""
    old, new = (replace(catalog, tables=()) for catalog in (plan.old, plan.new))
    yield from map(_worded, differences(old, new))
