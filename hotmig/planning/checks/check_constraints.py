"""Old rows that break a CHECK that is new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.catalog.model import Check
from hotmig.planning.checking import Context, check, first_keys, how_many
from hotmig.planning.held import is_checked_already, is_set
from hotmig.planning.model import Finding, Probe, TableStep
from hotmig.planning.rows import key_names, new_rows, reads
from hotmig.sqlite import quote
from hotmig.units import counted

NAME = "check"


def probes(context: Context) -> Iterable[Probe]:
    for step, constraint, rows in _new_constraints(context):
        broken = f"FROM ({rows}) AS {quote(step.table.name)} WHERE NOT ({constraint.expression}\n)"
        yield Probe(NAME, _subject(step, constraint), how_many(key_names(step), broken))


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, constraint, _ in _new_constraints(context):
        rows = context.rows(NAME, _subject(step, constraint))
        if rows:
            count = counted(rows[0][0], "row breaks", "rows break")
            message = f"{count} the new CHECK ({constraint.expression}) of {step.table.name}: {first_keys(step, rows)}"
            yield Finding(NAME, "block", step.table.name, message)


def _subject(step: TableStep, constraint: Check) -> str:
    return f"{step.table.name}: {constraint.expression}"


def _new_constraints(context: Context) -> Iterator[tuple[TableStep, Check, str]]:
    for step in context.plan.steps:
        for constraint in step.table.checks:
            if step.source is None or is_checked_already(step, constraint):
                continue
            names = sorted(reads(constraint.expression, step.table))
            if is_set(step, names):
                continue  # for the check of columns that a rule sets
            rows = new_rows(step, names)
            if rows is not None:
                yield step, constraint, rows
