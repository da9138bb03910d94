"""From two catalogs and the module's declarations to the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace

from hotmig.catalog.fingerprint import canonical, digest
from hotmig.catalog.keys import can_be_null
from hotmig.catalog.model import Catalog, Table
from hotmig.planning.as_is import obstacle
from hotmig.planning.grouping import grouping_of, merges_of, touches_of
from hotmig.planning.hints import UsedHints
from hotmig.planning.keys import row_key
from hotmig.planning.mapping import Draft, Fill, drafts
from hotmig.planning.model import ColumnStep, CopyPlan, Hint, Recorded, SourceKey, TableStep, Translation
from hotmig.planning.order import parents_first
from hotmig.planning.references import References
from hotmig.schema.model import MergeRule, Schema
from hotmig.sqlite import fold, quote


def build_plan(old: Catalog, schema: Schema, used_hints: frozenset[Hint] = frozenset()) -> CopyPlan:
    """Everything that ``migrate`` will do with the rows. Nothing is read but the arguments; nothing is refused here.

    A hint among ``used_hints`` made the old database, and is not applied a second time.
    """
    planned = {draft.table.name: draft for draft in drafts(old, schema, UsedHints(used_hints))}
    references = References(planned.values())
    tables = parents_first(schema.catalog.tables)
    merges = merges_of(schema)
    asked = {each.name for each in schema.replay_triggers}
    told = {fold(trigger.table) for trigger in schema.catalog.triggers if trigger.name in asked}
    steps = tuple(
        _with_way(_step(number, planned[table.name], references, merges), told)
        for number, table in enumerate(tables, 1)
    )
    return CopyPlan(
        old=old,
        new=schema.catalog,
        steps=steps,
        recorded=_recorded(old, steps),
        hash=_hash(old, schema, steps),
        replay_triggers=tuple(sorted(trigger.name for trigger in schema.replay_triggers)),
    )


def _step(number: int, draft: Draft, references: References, merges: Mapping[str, MergeRule]) -> TableStep:
    translations = references.translations(draft)
    kept = _kept_key(draft, references) if draft.source is not None else _own_key(draft)
    return TableStep(
        number=number,
        table=draft.table,
        source=draft.source,
        how="empty" if draft.source is None else "projected",
        keys="mapped" if kept is None else "kept",
        source_key=draft.source_key,
        new_key=_own_key(draft) if kept is None else kept,
        columns=tuple(_column(draft, fill, translations) for fill in draft.fills),
        translations=translations,
        seeds=draft.rules.seeds if draft.rules is not None else (),
        new_foreign_keys=references.not_guaranteed(draft),
        grouping=grouping_of(draft.table, draft.rules) if draft.source is not None else None,
        touches=touches_of(draft.table, translations, merges) if draft.source is not None else (),
    )


def _with_way(step: TableStep, told: Set[str]) -> TableStep:
    """``told`` are the tables, folded, of which a trigger asks for every row that is replayed."""
    # A copy as it is has the rows that were logged before it, and their replay finds nothing to do.
    why = "a trigger fires for its replayed rows" if fold(step.table.name) in told else obstacle(step)
    if step.source is None:
        return step
    return replace(step, why=why) if why is not None else replace(step, how="as-is")


def _own_key(draft: Draft) -> tuple[str, ...]:
    return draft.new_key.columns if draft.new_key is not None else ()


def _kept_key(draft: Draft, references: References) -> tuple[str, ...] | None:
    """The new key in the order of the source key, when it holds the very values of the source key."""
    source, new = draft.source_key, draft.new_key
    if source is None or new is None:
        return ()
    if new.kind == "rowid":
        return new.columns if source.kind in ("rowid", "integer") else None
    by_source = {
        copied.name: name
        for name in new.columns
        if references.is_copy(draft, name) and (copied := draft.copies(name)) is not None
    }
    if len(by_source) != len(new.columns) or set(by_source) != set(source.columns):
        return None
    return tuple(by_source[name] for name in source.columns)


def _column(draft: Draft, fill: Fill, translations: Iterable[Translation]) -> ColumnStep:
    name = fill.column.name
    for translation in translations:
        values = dict(zip(map(fold, translation.targets), translation.value_columns, strict=True))
        if fold(name) in values:
            named = f"{_old_names(draft, translation.columns)} {'names' if len(translation.columns) == 1 else 'name'}"
            return ColumnStep(name, None, f"the new {values[fold(name)]} of the {translation.parent} that {named}")
    if fill.assigned:
        return ColumnStep(name, None, "a new integer key", assigned=True)
    through = f" through {fill.mapping.title}" if fill.mapping is not None else ""
    if fill.expression is not None:
        return ColumnStep(name, fill.expression, f"{fill.expression}{through}", mapping=fill.mapping)
    if fill.old is not None:
        origin = f"{_old_names(draft, (fill.old.name,))}{through}"
        return ColumnStep(name, quote(fill.old.name), origin, mapping=fill.mapping)
    nothing = "NULL" if can_be_null(draft.table, name) else "no value"
    return ColumnStep(name, None, nothing if fill.column.default is None else f"default {fill.column.default}")


def _old_names(draft: Draft, columns: tuple[str, ...]) -> str:
    source = draft.source.name if draft.source is not None else ""
    return ", ".join(f"{source}.{column}" for column in columns)


def _recorded(old: Catalog, steps: tuple[TableStep, ...]) -> tuple[Recorded, ...]:
    used = {step.source.name for step in steps if step.source is not None}
    tables = sorted(old.tables, key=lambda table: (fold(table.name), table.name))
    return tuple(Recorded(number, table, _recorded_key(table, used)) for number, table in enumerate(tables, 1))


def _recorded_key(table: Table, used: set[str]) -> SourceKey | None:
    return row_key(table) if table.name in used else None


def _hash(old: Catalog, schema: Schema, steps: tuple[TableStep, ...]) -> str:
    return digest(canonical(old), schema.hash, *(repr(_canonical(step)) for step in steps))


def _canonical(step: TableStep) -> tuple[object, ...]:
    source = step.source.name if step.source is not None else None
    return (
        step.table.name,
        source,
        step.how,
        step.keys,
        step.source_key,
        step.new_key,
        # Without what is told to people: other words are no other plan.
        tuple((column.name, column.expression, column.assigned) for column in step.columns),
        step.translations,
    )
