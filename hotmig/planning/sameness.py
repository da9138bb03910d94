"""Whether there is anything to do at all."""

from __future__ import annotations

from hotmig.catalog.fingerprint import equal
from hotmig.planning.checking import Context
from hotmig.planning.checks import seeds
from hotmig.planning.held import copied_from
from hotmig.planning.model import CopyPlan, TableStep
from hotmig.sqlite import fold


def nothing_to_do(context: Context) -> bool:
    """Whether the old database has this schema and these rows already.

    Seed rows must be known to be there: without the answers to the probes they count as something to do.
    """
    return same_schema(context.plan) and all(_is_there(context, step) for step in context.plan.steps)


def same_schema(plan: CopyPlan) -> bool:
    """Whether the old database has this schema, and no value moves to another place in it."""
    return equal(plan.old, plan.new) and all(map(_is_identity, plan.steps))


def _is_identity(step: TableStep) -> bool:
    if step.source is None or step.keys != "kept" or step.translations:
        return False
    # Two tables that are alike can have taken each other's names.
    if fold(step.source.name) != fold(step.table.name):
        return False
    return all(fold(copied_from(step, column.name) or "") == fold(column.name) for column in step.columns)


def _is_there(context: Context, step: TableStep) -> bool:
    known = [(seed, key) for other, seed, key in seeds.seeds(context) if other.table.name == step.table.name]
    if len(known) != len(step.seeds):
        return False
    for seed, key in known:
        rows = context.rows(seeds.NAME, seeds.subject(step, key))
        if not rows or rows[0][0] == 0 or (rows[0][1] == 0 and not seed.if_absent):
            return False
    return True
