"""A type change that loses values: what the new column would store no longer gives back what the old one held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.catalog.affinity import column_affinity
from hotmig.catalog.model import Column
from hotmig.planning.checking import Context, check, first_keys, how_many, source_keys
from hotmig.planning.lines import bare, from_line
from hotmig.planning.model import ColumnStep, Finding, Probe, TableStep
from hotmig.planning.projection import loses
from hotmig.sqlite import quote
from hotmig.units import counted

NAME = "lost-values"


def probes(context: Context) -> Iterable[Probe]:
    for step, column, own, _ in _changes(context):
        source = step.source.name if step.source is not None else ""
        lost = f"FROM {quote(source)} WHERE {loses(step, own)}"
        yield Probe(NAME, _subject(step, column), how_many(source_keys(step), lost))


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, column, _, old in _changes(context):
        rows = context.rows(NAME, _subject(step, column))
        if rows and step.source is not None:
            before, after = column_affinity(step.source, old), column_affinity(step.table, column)
            count = counted(rows[0][0], "value loses", "values lose")
            what = f"{count} something when {step.source.name}.{old.name} turns from {before} to {after}"
            fix = from_line(context, step, column, f"CAST({bare(old.name)} AS {after})")
            yield Finding(NAME, "block", step.table.name, f"{what}: {first_keys(step, rows)}", fix)


def _subject(step: TableStep, column: Column) -> str:
    return f"{step.table.name}.{column.name}"


def _changes(context: Context) -> Iterator[tuple[TableStep, Column, ColumnStep, Column]]:
    for step in context.plan.steps:
        for column in step.table.stored_columns:
            own = step.column(column.name)
            old = step.taken_from(own) if own is not None else None
            if own is not None and old is not None and loses(step, own) is not None:
                yield step, column, own, old
