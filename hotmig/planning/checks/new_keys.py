"""A reference to a table whose keys are made anew, from columns that don't tell which old row they meant."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.catalog.model import ForeignKey
from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding, TableStep
from hotmig.planning.rows import translation_of
from hotmig.sqlite import fold

NAME = "new-keys"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        for foreign in step.table.foreign_keys:
            if step.source is not None and _points_to_new_keys(context, foreign) and _has_old_values(step, foreign):
                yield Finding(NAME, "block", step.table.name, _message(step, foreign))


def _points_to_new_keys(context: Context, foreign: ForeignKey) -> bool:
    parent = context.plan.step(foreign.parent)
    columns = [parent.column(name) for name in foreign.parent_columns] if parent is not None else []
    return parent is not None and parent.source is not None and any(own is not None and own.assigned for own in columns)


def _has_old_values(step: TableStep, foreign: ForeignKey) -> bool:
    """Whether old values would stand in it as they are: an old value can equal another row's new key by chance."""
    owns = [step.column(name) for name in foreign.columns if translation_of(step, name) is None]
    return any(own is not None and own.expression is not None for own in owns)


def _message(step: TableStep, foreign: ForeignKey) -> str:
    filled = {fold(own.name): own.origin for own in step.columns}
    origins = ", ".join(filled.get(fold(name), name) for name in foreign.columns)
    return (
        f"{step.table.name}.{', '.join(foreign.columns)} refers to {foreign.parent}, whose rows get new keys, and"
        f" {origins} does not say which old row was meant: keep the old key columns as the reference, or Was(…) must"
        f" name a column that referred to {foreign.parent} by its whole old key"
    )
