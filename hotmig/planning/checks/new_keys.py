"""A reference to a table whose keys are made anew, from columns that don't tell which old row they meant."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.catalog.keys import primary_key_names
from hotmig.catalog.model import ForeignKey
from hotmig.planning.checking import Context, check
from hotmig.planning.hints import UsedHints
from hotmig.planning.lines import was_line, was_marker
from hotmig.planning.mapping import columns_together
from hotmig.planning.model import Finding, TableStep
from hotmig.planning.renames import former_reference
from hotmig.planning.rows import translation_of
from hotmig.sqlite import fold

NAME = "new-keys"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        for foreign in step.table.foreign_keys:
            if step.source is None or any(translation_of(step, name) for name in foreign.columns):
                continue
            together = _together(context, step, foreign)
            if together:
                yield Finding(NAME, "block", step.table.name, _in_vain(context, step, foreign, together))
            elif _points_to_new_keys(context, foreign) and _has_old_values(step, foreign):
                yield Finding(NAME, "block", step.table.name, _message(step, foreign), _fix(context, step, foreign))


def _points_to_new_keys(context: Context, foreign: ForeignKey) -> bool:
    parent = context.plan.step(foreign.parent)
    columns = [parent.column(name) for name in foreign.parent_columns] if parent is not None else []
    return parent is not None and parent.source is not None and any(own is not None and own.assigned for own in columns)


def _has_old_values(step: TableStep, foreign: ForeignKey) -> bool:
    """Whether old values would stand in it as they are: an old value can equal another row's new key by chance."""
    owns = map(step.column, foreign.columns)
    return any(own is not None and own.expression is not None for own in owns)


def _together(context: Context, step: TableStep, foreign: ForeignKey) -> tuple[str, ...]:
    """The old columns that a Was of several names speaks of, where the reference does not follow them."""
    used = UsedHints(context.used_hints)
    for name in foreign.columns:
        rules = context.column_rules(step, name)
        if step.source is not None and (columns := columns_together(step.source, rules, used)):
            return tuple(column.name for column in columns)
    return ()


def _message(step: TableStep, foreign: ForeignKey) -> str:
    filled = {fold(own.name): own.origin for own in step.columns}
    origins = ", ".join(filled.get(fold(name), name) for name in foreign.columns)
    return (
        f"{step.table.name}.{', '.join(foreign.columns)} refers to {foreign.parent}, whose rows get new keys, and"
        f" {origins} does not say which old row was meant: Was(…) must name the columns that referred to"
        f" {foreign.parent} by its whole old key"
    )


def _in_vain(context: Context, step: TableStep, foreign: ForeignKey, together: tuple[str, ...]) -> str:
    said = f"{step.table.name}.{', '.join(foreign.columns)} says {was_marker(together)}"
    parent = context.plan.step(foreign.parent)
    if parent is None or parent.source is None:
        return f"{said}, and {foreign.parent} has no old rows that these could have referred to"
    key = primary_key_names(parent.source) or (parent.source_key.columns if parent.source_key is not None else ())
    return f"{said}, and these are not the whole old key of {foreign.parent}: {', '.join(key)}"


def _fix(context: Context, step: TableStep, foreign: ForeignKey) -> str | None:
    column, was = step.table.column(foreign.columns[0]), former_reference(context, step, foreign)
    return was_line(context, step, column, was) if column is not None and was else None
