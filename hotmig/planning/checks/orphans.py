"""Orphans: those of a reference that follows its parent's new key, and those that the old schema tolerated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from hotmig.catalog.keys import can_be_null
from hotmig.planning.annotations import with_orphans_null
from hotmig.planning.checking import Context, check, first_keys, how_many, source_keys
from hotmig.planning.following import kept_in_part
from hotmig.planning.held import copied_from
from hotmig.planning.lines import field_line
from hotmig.planning.model import Finding, Probe, TableStep, Translation
from hotmig.planning.orphan_sql import Parents, is_null_in_part, is_orphan
from hotmig.sqlite import fold, quote
from hotmig.units import counted

NAME = "orphans"


def probes(context: Context) -> Iterable[Probe]:
    for step, translation in _translated(context):
        parent = context.plan.old.table(translation.parent_source)
        if parent is not None and step.source is not None:
            parents = Parents(parent, translation.parent_columns, quote(parent.name))
            condition = is_orphan(step.source, translation.columns, parents)
            yield _probe(step, _subject(step, translation.columns, translation.parent_source), condition)
        if len(translation.columns) > 1:
            yield _probe(step, _in_part(step, translation), is_null_in_part(translation.columns))
    for step, columns, parents in _tolerated(context):
        if step.source is not None:
            subject = _subject(step, columns, parents.table.name)
            yield replace(_probe(step, subject, is_orphan(step.source, columns, parents)), only_told=True)


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, translation in _translated(context):
        yield from _unreachable(context, step, translation)
        yield from _of_translation(context, step, translation)
        yield from _given_up_in_part(context, step, translation)
    for step, columns, parents in _tolerated(context):
        yield from _of_old_key(context, step, columns, parents)


def _probe(step: TableStep, subject: str, condition: str) -> Probe:
    source = step.source.name if step.source is not None else ""
    return Probe(NAME, subject, how_many(source_keys(step), f"FROM {quote(source)} WHERE {condition}"))


def _subject(step: TableStep, columns: tuple[str, ...], parent: str) -> str:
    return f"{step.table.name}({', '.join(columns)}) {parent}"


def _in_part(step: TableStep, translation: Translation) -> str:
    return f"{_subject(step, translation.columns, translation.parent_source)} in part"


def _translated(context: Context) -> Iterator[tuple[TableStep, Translation]]:
    for step in context.plan.steps:
        yield from ((step, translation) for translation in step.translations)


def _tolerated(context: Context) -> Iterator[tuple[TableStep, tuple[str, ...], Parents]]:
    """The references that the old schema declared and that are kept, in terms of the old tables."""
    for step in context.plan.steps:
        if step.source is None:
            continue
        for foreign in step.table.foreign_keys:
            parent = context.plan.step(foreign.parent)
            if foreign not in step.new_foreign_keys and parent is not None and parent.source is not None:
                columns = _copied(step, foreign.columns)
                parents = Parents(parent.source, _copied(parent, foreign.parent_columns), quote(parent.source.name))
                yield step, columns, parents


def _copied(step: TableStep, columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(copied_from(step, name) or name for name in columns)


def _unreachable(context: Context, step: TableStep, translation: Translation) -> Iterable[Finding]:
    """A reference to a column that follows a third table, outside its own table's key, can't be followed."""
    parent = context.plan.step(translation.parent)
    for name in (*translation.value_columns, *(theirs for _, theirs in translation.beside)):
        own = parent.column(name) if parent is not None else None
        in_key = parent is not None and parent.keys == "mapped" and fold(name) in map(fold, parent.new_key)
        if own is not None and own.expression is None and not in_key:
            what = f"{', '.join(translation.targets)} refers to {translation.parent}.{name}, which is itself not copied"
            message = f"{step.table.name}.{what}: refer to the key of {translation.parent}"
            yield Finding(NAME, "block", step.table.name, message)


def _of_translation(context: Context, step: TableStep, translation: Translation) -> Iterable[Finding]:
    rows = context.rows(NAME, _subject(step, translation.columns, translation.parent_source))
    if not rows or step.source is None:
        return
    count = counted(rows[0][0], "row", "rows")
    who = f"{count} of {step.source.name} {'refers' if rows[0][0] == 1 else 'refer'}"
    what = f"{who} by {', '.join(translation.columns)} to no row of {translation.parent_source}"
    targets = ", ".join(translation.targets)
    keys = first_keys(step, rows)
    if translation.orphans == "refuse":
        message = f"{what}, so no new key is known: {keys}"
        yield Finding(NAME, "block", step.table.name, message, _fix(context, step, translation))
    elif all(can_be_null(step.table, name) for name in translation.targets):
        yield Finding(NAME, "warn", step.table.name, f"{what}: {targets} becomes NULL as declared: {keys}")
    else:
        message = f"{what}; {targets} cannot become NULL, as it is NOT NULL: {keys}"
        yield Finding(NAME, "block", step.table.name, message, _fix(context, step, translation))


def _given_up_in_part(context: Context, step: TableStep, translation: Translation) -> Iterable[Finding]:
    rows = context.rows(NAME, _in_part(step, translation))
    pairs = zip(translation.targets, translation.value_columns, strict=True)
    lost = [ours for ours, theirs in pairs if kept_in_part(context.plan, translation, theirs) is None]
    # That they are NULL where that is not allowed is for the check of NOT NULL to say.
    if rows and lost and step.source is not None and all(can_be_null(step.table, name) for name in lost):
        count = counted(rows[0][0], "row has", "rows have")
        what = (
            f"{count} NULL in a part of {step.source.name}({', '.join(translation.columns)}), which refers to nothing"
        )
        message = f"{what}: {step.table.name}.{', '.join(lost)} becomes NULL: {first_keys(step, rows)}"
        yield Finding(NAME, "warn", step.table.name, message)


def _of_old_key(context: Context, step: TableStep, columns: tuple[str, ...], parents: Parents) -> Iterable[Finding]:
    rows = context.rows(NAME, _subject(step, columns, parents.table.name))
    if rows and step.source is not None:
        verb = "refers" if rows[0][0] == 1 else "refer"
        what = f"{counted(rows[0][0], 'row')} of {step.source.name} {verb} by {', '.join(columns)} to no row of"
        message = f"{what} {parents.table.name}; carried over as the old schema had them: {first_keys(step, rows)}"
        yield Finding(NAME, "warn", step.table.name, message)


def _fix(context: Context, step: TableStep, translation: Translation) -> str | None:
    if len(translation.targets) != 1:
        return None
    column = step.table.column(translation.targets[0])
    if column is None:
        return None
    rules = context.column_rules(step, column.name)
    written = with_orphans_null(rules.declaration) if rules is not None and rules.declaration is not None else None
    if written is not None:
        return written
    line = field_line(context, step, column, 'References(orphans="null")')
    return line if " | None," in line else line.replace(",", " | None,", 1)
