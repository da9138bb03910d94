"""Functions and collations of the application that this SQLite doesn't have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.catalog.model import Table
from hotmig.planning.checking import Context, check
from hotmig.planning.expressions import compiled
from hotmig.planning.model import Finding, TableStep
from hotmig.sqlite import fold

NAME = "extension"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    known = context.facts
    for step in context.plan.steps:
        functions, collations = _needed(step)
        if known.functions is not None:
            have = {fold(name) for name in known.functions}
            yield from (_missing(step, "function", name) for name in sorted(functions - have))
        if known.collations is not None:
            have = {name.upper() for name in known.collations}
            yield from (_missing(step, "collation", name) for name in sorted(collations - have))


def _missing(step: TableStep, kind: str, name: str) -> Finding:
    message = f"{step.table.name} needs the application's {kind} {name}: load it with --load-extension FILE"
    return Finding(NAME, "block", step.table.name, message)


def _needed(step: TableStep) -> tuple[set[str], set[str]]:
    functions: set[str] = set()
    collations: set[str] = set(_collations(step.table))
    found = [compiled(expression, step.table) for expression in _expressions(step.table)]
    if step.source is not None:
        collations |= set(_collations(step.source))
        computed = (own.expression for own in step.columns if step.taken_from(own) is None)
        found += [compiled(expression, step.source) for expression in computed if expression is not None]
    for each in found:
        functions |= each.functions
        collations |= each.collations
    return functions, collations


def _collations(table: Table) -> Iterator[str]:
    yield from (column.collation.upper() for column in table.columns)
    keys = [table.primary_key, *table.uniques, *table.indexes]
    yield from (part.collation.upper() for key in keys if key is not None for part in key.columns)


def _expressions(table: Table) -> Iterator[str]:
    yield from (column.generated for column in table.columns if column.generated is not None)
    yield from (constraint.expression for constraint in table.checks)
    for index in table.indexes:
        yield from (part.expression for part in index.columns if part.expression is not None)
        if index.where is not None:
            yield index.where
