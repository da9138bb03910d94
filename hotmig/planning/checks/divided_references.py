"""Rows whose reference is divided into several columns, one of which keeps its values and names another parent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.catalog.affinity import column_affinity, stored
from hotmig.planning.checking import Context, check, first_keys, how_many, source_keys
from hotmig.planning.model import Finding, Probe, TableStep, Translation
from hotmig.planning.rows import value_of
from hotmig.sqlite import conjunction, quote
from hotmig.units import counted

NAME = "divided-reference"


def probes(context: Context) -> Iterable[Probe]:
    for step, translation in _divided(context):
        agrees = [sql for pair in translation.beside if (sql := _agrees(context, step, translation, *pair))]
        if agrees and step.source is not None:
            exists = f"EXISTS (SELECT 1 {_parent(translation)})"
            wrong = f"FROM {quote(step.source.name)} AS o WHERE {exists} AND NOT {conjunction(agrees)}"
            yield Probe(NAME, _subject(step, translation), how_many(source_keys(step), wrong))


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, one in _divided(context):
        rows = context.rows(NAME, _subject(step, one))
        if rows and step.source is not None:
            count, verb = counted(rows[0][0], "row"), "refers" if rows[0][0] == 1 else "refer"
            who = f"{count} of {step.source.name} {verb} by {', '.join(one.columns)} to a row of {one.parent_source}"
            other = f"with another {', '.join(theirs for _, theirs in one.beside)} than its own"
            message = f"{who} {other}, and the two together are the reference now: {first_keys(step, rows)}"
            yield Finding(NAME, "block", step.table.name, message)


def _divided(context: Context) -> Iterator[tuple[TableStep, Translation]]:
    for step in context.plan.steps:
        yield from ((step, translation) for translation in step.translations if translation.beside)


def _subject(step: TableStep, translation: Translation) -> str:
    return f"{step.table.name}({', '.join(translation.columns)}) {translation.parent}"


def _agrees(context: Context, step: TableStep, translation: Translation, ours: str, theirs: str) -> str | None:
    """Whether the column names the row that the old reference means, by the new foreign key's comparison.

    None where one of the two follows a third table: then the copy finds it.
    """
    parent = context.plan.step(translation.parent)
    mine, other = step.column(ours), parent.column(theirs) if parent is not None else None
    column, referred = step.table.column(ours), parent.table.column(theirs) if parent is not None else None
    if parent is None or mine is None or other is None or column is None or referred is None:
        return None
    value, named = value_of(step, mine), value_of(parent, other)
    if value is None or named is None:
        return None
    value = stored(value, column_affinity(parent.table, referred), column_affinity(step.table, column))
    # The bare names of a subquery are those of its own table first.
    meant = f"(SELECT {named} {_parent(translation)})"
    # Unary plus: both have the form already that the new parent's column gives them.
    return f"coalesce(+{meant} = +({value}) COLLATE {quote(referred.collation)}, 0)"


def _parent(translation: Translation) -> str:
    """What stands behind SELECT to get the old parent of the old row ``o``."""
    pairs = zip(translation.parent_columns, translation.columns, strict=True)
    join = conjunction(f"q.{quote(theirs)} = +o.{quote(ours)}" for theirs, ours in pairs)
    return f"FROM {quote(translation.parent_source)} AS q WHERE {join}"
