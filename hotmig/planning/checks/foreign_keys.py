"""Old rows that break a foreign key that is new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.catalog.model import ForeignKey
from hotmig.planning.checking import Context, check, first_keys, how_many
from hotmig.planning.model import Finding, Probe, TableStep
from hotmig.planning.orphan_sql import Parents, is_orphan, seed_select
from hotmig.planning.rows import key_names, new_rows, translation_of
from hotmig.sqlite import fold, quote
from hotmig.units import counted

NAME = "foreign-key"


def probes(context: Context) -> Iterable[Probe]:
    for step, foreign, rows, parents in _new_constraints(context):
        orphans = f"FROM ({rows}) AS {quote(step.table.name)} WHERE {is_orphan(step.table, foreign.columns, parents)}"
        yield Probe(NAME, _subject(step, foreign), how_many(key_names(step), orphans))


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, foreign, _, _ in _new_constraints(context):
        rows = context.rows(NAME, _subject(step, foreign))
        if rows:
            count, verb = counted(rows[0][0], "row"), "refers" if rows[0][0] == 1 else "refer"
            who = f"{count} of {step.table.name} {verb} by {', '.join(foreign.columns)}"
            message = f"{who} to no row of {foreign.parent}, and the foreign key is new: {first_keys(step, rows)}"
            yield Finding(NAME, "block", step.table.name, message)


def _subject(step: TableStep, foreign: ForeignKey) -> str:
    return f"{step.table.name}({', '.join(foreign.columns)}) {foreign.parent}({', '.join(foreign.parent_columns)})"


def _new_constraints(context: Context) -> Iterator[tuple[TableStep, ForeignKey, str, Parents]]:
    for step in context.plan.steps:
        for foreign in step.new_foreign_keys:
            if step.source is None or any(translation_of(step, name) for name in foreign.columns):
                continue
            rows = new_rows(step, foreign.columns)
            parents = parents_of(context, foreign)
            if rows is not None and parents is not None:
                yield step, foreign, rows, parents


def parents_of(context: Context, foreign: ForeignKey) -> Parents | None:
    """The rows that the new parent table will have; None where its keys aren't known before the copy."""
    step = context.plan.step(foreign.parent)
    if step is None or not foreign.parent_columns:
        return None
    seeds = _seeds(step, foreign.parent_columns)
    if step.source is None:
        nothing = f"(SELECT {', '.join(f'NULL AS {quote(name)}' for name in foreign.parent_columns)} WHERE 0)"
        return Parents(step.table, foreign.parent_columns, nothing, seeds)
    rows = new_rows(step, foreign.parent_columns)
    return Parents(step.table, foreign.parent_columns, f"({rows})", seeds) if rows is not None else None


def _seeds(step: TableStep, columns: tuple[str, ...]) -> tuple[str, ...]:
    rows = []
    for seed in step.seeds:
        values = [seed.by_name.get(fold(name)) for name in columns]
        if None not in values:
            rows.append(values)
    return (seed_select(columns, rows),) if rows else ()
