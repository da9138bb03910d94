"""Values that get a canonical one, and those that no alias covers: counted, and told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hotmig.planning.checking import SAMPLES, Context, check, samples, shown, source_keys
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
        keys = source_keys(step)
        named = [*(f"{key} AS k{number}" for number, key in enumerate(keys, 1)), f"({before}) AS b", f"({after}) AS a"]
        found = f"(SELECT {', '.join([*named, f'EXISTS ({canonical(step, column, before)}) AS covered'])}"
        # With LIMIT the inner SELECT stays one, and each value is looked up once.
        rows = f"{found} FROM {quote(step.source.name)} LIMIT -1)"
        listed = ", ".join(f"k{number}" for number in range(1, len(keys) + 1))
        first = f"{listed}, b, a" if listed else "b, a"
        for subject, condition in (
            (changed_subject(step, column), f"NOT {same('b', 'a')}"),
            (_uncovered_subject(step, column), f"typeof(b) = 'text' AND {looked_up('b', False)} <> '' AND NOT covered"),
        ):
            counted_ = f"SELECT count(*) FROM {rows} WHERE {condition}"
            # In the order in which the rows are read: sorting all of them would take longer than what it is for.
            yield Probe(NAME, subject, f"SELECT ({counted_}), {first} FROM {rows} WHERE {condition} LIMIT {SAMPLES}")


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
            values = [f"{_key(step, row)} {shown(row[-2])}" for row in rows]
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
