"""Seed rows whose key an old row has, with other values: the seed wins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.planning.checking import Context, check, samples
from hotmig.planning.model import Finding, Probe, TableStep
from hotmig.planning.rows import new_rows
from hotmig.schema.model import SeedRow, Value
from hotmig.sqlite import conjunction, fold, quote, same

NAME = "seed"


def probes(context: Context) -> Iterable[Probe]:
    """For each seed row with a key: how many old rows have that key, and how many of them all its values."""
    for step, seed, key in seeds(context):
        rows = new_rows(step, seed.columns)
        if rows is not None:
            at = {fold(name): f"?{number}" for number, name in enumerate(seed.columns, 1)}
            found = conjunction(f"{quote(name)} = {at[fold(name)]}" for name in step.new_key)
            alike = conjunction(same(quote(name), at[fold(name)]) for name in seed.columns)
            sql = f"SELECT count(*), count(*) FILTER (WHERE {alike}) FROM ({rows}) WHERE {found}"
            yield Probe(NAME, subject(step, key), sql, seed.values)


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, seed, key in seeds(context):
        rows = context.rows(NAME, subject(step, key))
        if rows and rows[0][0] > rows[0][1] and not seed.if_absent:
            message = (
                f"the seed row {samples(step.new_key, [key], 1)} of {step.table.name} wins over the old row's values"
            )
            yield Finding(NAME, "note", step.table.name, f"{message} ({seed.place})")


def seeds(context: Context) -> Iterator[tuple[TableStep, SeedRow, tuple[Value, ...]]]:
    """The seed rows that have a whole key, with it."""
    for step in context.plan.steps:
        for seed in step.seeds:
            key = [fold(name) for name in step.new_key]
            if step.source is not None and key and all(name in seed.by_name for name in key):
                yield step, seed, tuple(seed.by_name[name] for name in key)


def subject(step: TableStep, key: tuple[Value, ...]) -> str:
    return f"{step.table.name} {samples(step.new_key, [key], 1)}"
