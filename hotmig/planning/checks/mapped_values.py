"""Values that get a canonical one, and those that no alias covers: counted, and told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hotmig.planning.checking import Context, check, how_many, samples, shown, source_keys
from hotmig.planning.model import ColumnStep, Finding, Probe, TableStep
from hotmig.planning.projection import unmapped
from hotmig.planning.rows import value_of
from hotmig.planning.value_maps import canonical, looked_up, mapped_columns
from hotmig.sqlite import quote, same
from hotmig.units import counted

NAME = "mapped"


def probes(context: Context) -> Iterable[Probe]:
    for step, column in mapped_columns(context.plan.steps):
        before, after = value_of(step, unmapped(column)), value_of(step, column)
        if step.source is None or before is None or after is None:
            continue
        rows, keys = f"FROM {quote(step.source.name)}", source_keys(step)
        changes = f"{rows} WHERE NOT {same(f'({before})', f'({after})')}"
        yield Probe(NAME, changed_subject(step, column), how_many([*keys, f"({before})", f"({after})"], changes))
        is_open = f"typeof({before}) = 'text' AND {looked_up(before, False)} <> ''"
        without = f"{rows} WHERE {is_open} AND NOT EXISTS ({canonical(step, column, before)})"
        yield Probe(NAME, _uncovered_subject(step, column), how_many([*keys, f"({before})"], without))


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, column in mapped_columns(context.plan.steps):
        name = f"{step.table.name}.{column.name}"
        rows = context.rows(NAME, changed_subject(step, column))
        if rows:
            values = [f"{_key(step, row)} {shown(row[-2])} → {shown(row[-1])}" for row in rows]
            message = f"{counted(rows[0][0], 'value')} of {name} get a canonical value: {_listed(rows, values)}"
            yield Finding(NAME, "note", step.table.name, message)
        rows = context.rows(NAME, _uncovered_subject(step, column))
        if rows:
            values = [f"{_key(step, row)} {shown(row[-1])}" for row in rows]
            count = counted(rows[0][0], "value")
            message = f"{count} of {name} that no alias covers stay as they are: {_listed(rows, values)}"
            yield Finding(NAME, "note", step.table.name, message)


def changed_subject(step: TableStep, column: ColumnStep) -> str:
    """What the question is called which values change."""
    return f"{step.table.name}.{column.name}"


def _uncovered_subject(step: TableStep, column: ColumnStep) -> str:
    return f"{step.table.name}.{column.name} without an alias"


def _key(step: TableStep, row: Sequence[Any]) -> str:
    names = step.source_key.columns if step.source_key is not None else ()
    return samples(names, [row[1 : 1 + len(names)]], 1) if names else ""


def _listed(rows: Sequence[Sequence[Any]], values: Sequence[str]) -> str:
    return "; ".join([*values, *(["…"] if rows[0][0] > len(rows) else [])])
