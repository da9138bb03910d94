"""Values that get a canonical one, and those that no alias covers: counted, and told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hotmig.planning.checking import SAMPLES, Context, check, samples, shown, source_keys
from hotmig.planning.model import ColumnStep, Finding, Probe, TableStep
from hotmig.planning.projection import unmapped
from hotmig.planning.rows import value_of
from hotmig.planning.value_maps import canonical, looked_up, mapped_columns
from hotmig.sqlite import fold, quote, same
from hotmig.units import counted

NAME = "mapped"


def probes(context: Context) -> Iterable[Probe]:
    for step, column in mapped_columns(context.plan.steps):
        before, after = value_of(step, unmapped(column)), value_of(step, column)
        if step.source is None or before is None or after is None:
            continue
        if not is_merged_by(step, column):
            # What a Merge changes is found out with its groups.
            yield Probe(
                NAME, changed_subject(step, column), _asked(step, before, f"({after})", f"NOT {same('b', 'a')}")
            )
        covered = f"EXISTS ({canonical(step, column, before)})"
        is_open = f"typeof(b) = 'text' AND {looked_up('b', False)} <> '' AND NOT a"
        question = _asked(step, before, covered, is_open)
        yield Probe(NAME, _uncovered_subject(step, column), question, only_told=True)


def is_merged_by(step: TableStep, column: ColumnStep) -> bool:
    """Whether it is the column by which a Merge makes rows one."""
    return step.grouping is not None and fold(step.grouping.merges_by or "") == fold(column.name)


def _asked(step: TableStep, before: str, after: str, condition: str) -> str:
    """How many rows satisfy the condition over ``b`` and ``a``, with the first ones as they are read.

    Sorting all of them would take longer than what it is for. With LIMIT the inner SELECT stays one, and each value is
    looked up once.
    """
    keys = [f"{key} AS k{number}" for number, key in enumerate(source_keys(step), 1)]
    source = quote(step.source.name) if step.source is not None else ""
    rows = f"(SELECT {', '.join([*keys, f'({before}) AS b', f'{after} AS a'])} FROM {source} LIMIT -1)"
    first = ", ".join([*(f"k{number}" for number in range(1, len(keys) + 1)), "b", "a"])
    number = f"SELECT count(*) FROM {rows} WHERE {condition}"
    return f"SELECT ({number}), {first} FROM {rows} WHERE {condition} LIMIT {SAMPLES}"


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, column in mapped_columns(context.plan.steps):
        name = f"{step.table.name}.{column.name}"
        rows = context.rows(NAME, changed_subject(step, column))
        if rows:
            values = [f"{_key(step, row)} {shown(row[-2])} → {shown(row[-1])}" for row in rows]
            verb = "gets" if rows[0][0] == 1 else "get"
            message = f"{counted(rows[0][0], 'value')} of {name} {verb} a canonical value: {_listed(rows, values)}"
            yield Finding(NAME, "note", step.table.name, message)
        rows = context.rows(NAME, _uncovered_subject(step, column))
        if rows:
            values = [f"{_key(step, row)} {shown(row[-2])}" for row in rows]
            count = counted(rows[0][0], "value")
            stays = "stays as it is" if rows[0][0] == 1 else "stay as they are"
            message = f"{count} of {name} that no alias covers {stays}: {_listed(rows, values)}"
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
