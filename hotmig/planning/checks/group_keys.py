"""Groups by what is not known before they are made: references that lead to later tables, keys that are new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.planning.checking import Context, check
from hotmig.planning.model import CopyPlan, Finding, TableStep
from hotmig.sqlite import fold

NAME = "group-key"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        if step.grouping is not None:
            names = (*(name for name, _ in step.grouping.key), *step.grouping.compare)
            for name in dict.fromkeys(names):
                yield from (Finding(NAME, "block", step.table.name, each) for each in _wrong(context.plan, step, name))
            yield from _made(step)
        yield from _set_keys(context.plan, step)


def _wrong(plan: CopyPlan, step: TableStep, name: str) -> Iterator[str]:
    what = f"{step.table.name}.{name}"
    for translation in step.translations:
        if fold(name) in map(fold, translation.targets):
            parent = plan.step(translation.parent)
            if parent is None or parent.number >= step.number:
                yield f"{what} refers to {translation.parent}, which comes later: no rows can be grouped by it"
            if not set(map(fold, translation.targets)) <= _named(step):
                yield f"{what} is a part of a reference to {translation.parent}: name all its columns"
            return
    column = step.column(name)
    if column is None or column.expression is None:
        yield f"{what} has no old value: rows can't be grouped or compared by it"


def _named(step: TableStep) -> set[str]:
    grouping = step.grouping
    return set() if grouping is None else {fold(name) for name in (*dict(grouping.key), *grouping.compare)}


def _made(step: TableStep) -> Iterator[Finding]:
    """A row that is made needs a key of its own."""
    grouping = step.grouping
    if grouping is None or grouping.create is None:
        return
    given = {fold(name) for name, _ in grouping.create} | {fold(grouping.merges_by or "")}
    missing = [name for name in step.new_key if fold(name) not in given]
    own = [column.name for column in step.columns if column.assigned]
    if missing or own:
        what = f"{step.table.name}: Merge can't create a row without {', '.join(missing or own)}, its key"
        yield Finding(NAME, "block", step.table.name, f"{what}: keep the old keys, or make the canonical rows by hand")


def _set_keys(plan: CopyPlan, step: TableStep) -> Iterator[Finding]:
    """A rule that sets a key would move rows, and what refers to them.

    A unique key to which nothing refers may be set, for that can be what makes room for the winner: what collides all
    the same is found among the rows.
    """
    keys = {fold(name) for name in step.new_key}
    keys |= {fold(name) for foreign in step.table.foreign_keys for name in foreign.columns}
    for child in plan.new.tables:
        own = [foreign for foreign in child.foreign_keys if fold(foreign.parent) == fold(step.table.name)]
        keys |= {fold(name) for foreign in own for name in foreign.parent_columns}
    for name in sorted(keys & step.set_columns):
        what = f"{step.table.name}.{name} is a key or a reference, or referred to: losers= and touch= can't set it"
        yield Finding(NAME, "block", step.table.name, what)
