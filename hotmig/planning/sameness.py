"""Whether there is anything to do at all."""

from __future__ import annotations

from hotmig.catalog.fingerprint import equal
from hotmig.planning.checking import Context
from hotmig.planning.checks import mapped_values, seeds
from hotmig.planning.model import Answer, ColumnStep, CopyPlan, TableStep, Translation
from hotmig.planning.projection import projected, unmapped
from hotmig.planning.value_maps import mapped_columns
from hotmig.sqlite import fold


def nothing_to_do(context: Context) -> bool:
    """Whether the old database has this schema and these rows already.

    Seed rows must be known to be there: without the answers to the probes they count as something to do.
    """
    if not same_schema(context.plan) or not all(_is_there(context, step) for step in context.plan.steps):
        return False
    if context.groups is None or any(each.affects for each in context.groups):
        return False
    if len([step for step in context.plan.steps if step.grouping is not None]) > len(context.groups):
        return False
    return all(_is_canonical(context, step, column) for step, column in mapped_columns(context.plan.steps))


def same_schema(plan: CopyPlan) -> bool:
    """Whether the old database has this schema, and no value moves to another place in it.

    What a rule for the data would change there is another question.
    """
    return equal(plan.old, plan.new) and all(_is_identity(plan, step) for step in plan.steps)


def _is_identity(plan: CopyPlan, step: TableStep) -> bool:
    if step.source is None or not (step.keys == "kept" or step.computes_its_keys):
        return False
    # Two tables that are alike can have taken each other's names.
    if fold(step.source.name) != fold(step.table.name):
        return False
    if not all(_follows_a_merge(plan, each) for each in step.translations):
        return False
    followers = {fold(name) for one in step.translations for name in one.targets}
    return all(fold(column.name) in followers or _stays(step, unmapped(column)) for column in step.columns)


def _follows_a_merge(plan: CopyPlan, translation: Translation) -> bool:
    """Whether a reference follows rows that become one, and is what it was where none does."""
    parent = plan.step(translation.parent)
    if parent is None or not parent.loses_rows or fold(translation.parent) != fold(translation.parent_source):
        return False
    ours = zip(translation.columns, translation.targets, strict=False)
    theirs = zip(translation.parent_columns, translation.value_columns, strict=False)
    return len(translation.columns) == len(translation.targets) and all(
        fold(old) == fold(new) for old, new in (*ours, *theirs)
    )


def _stays(step: TableStep, column: ColumnStep) -> bool:
    taken = step.taken_from(column)
    is_kept = taken is not None and projected(step, column) == column.expression
    return is_kept and taken is not None and fold(taken.name) == fold(column.name)


def _is_canonical(context: Context, step: TableStep, column: ColumnStep) -> bool:
    """Whether every value is known to be one that its mapping leaves as it is; of a Merge the groups have told."""
    if mapped_values.is_merged_by(step, column):
        return True
    subject = mapped_values.changed_subject(step, column)
    return any(_is_none(answer) for answer in context.answers if answer.probe.subject == subject)


def _is_none(answer: Answer) -> bool:
    return answer.probe.check == mapped_values.NAME and answer.error is None and not answer.rows


def _is_there(context: Context, step: TableStep) -> bool:
    known = [(seed, key) for other, seed, key in seeds.seeds(context) if other.table.name == step.table.name]
    if len(known) != len(step.seeds):
        return False
    for seed, key in known:
        rows = context.rows(seeds.NAME, seeds.subject(step, key))
        if not rows or rows[0][0] == 0 or (rows[0][1] == 0 and not seed.if_absent):
            return False
    return True
