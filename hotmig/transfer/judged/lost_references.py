"""References that can't follow a row that becomes one with another: by a column that is no key, and NULL there.

A row that is made has no old row whose value could be taken, whatever create= says.
"""

from __future__ import annotations

from collections.abc import Iterator

from hotmig.catalog.keys import can_be_null
from hotmig.planning.group_facts import Unfit
from hotmig.planning.model import Translation
from hotmig.sqlite import conjunction, disjunction, fold, quote
from hotmig.transfer.groups import fates
from hotmig.transfer.groups.fates import MADE
from hotmig.transfer.groups.samples import SAMPLES
from hotmig.transfer.judged.court import Court, is_known
from hotmig.transfer.old_rows import key_title, shown
from hotmig.transfer.step_sql import StepSql


def lost_references(court: Court, step: StepSql) -> Iterator[Unfit]:
    """One for each reference by which any row of the table is left without what it refers to."""
    for one in step.step.translations:
        parent = step.plan.step(one.parent)
        followed = _followed(step, one)
        if parent is None or not parent.loses_rows or not followed:
            continue
        given = conjunction(f"o.{quote(name)} IS NOT NULL" for name in one.columns)
        missing = disjunction(f"({sql}) IS NULL" for sql in followed)
        where = f"{step.stays} AND {given} AND {step.is_moved(one)} AND {missing}"
        key, sql = step.source_key_of("o"), StepSql(parent, step.plan)
        rows = f"FROM {step.old_rows} WHERE {where} ORDER BY {', '.join(key)} LIMIT {SAMPLES}"
        ours, theirs = ", ".join(one.columns), ", ".join(one.value_columns)
        what = f"by {ours} to a row of {one.parent} that becomes one with another, which can't be referred to by its"
        what = f"{what} {theirs}"
        listed = ", ".join(["count(*) OVER ()", *key, *_winner(one, sql)])
        found = court.ask(f"rows of {step.step.table.name} refer {what}", f"SELECT {listed} {rows}")
        if found:
            stops = one.orphans == "refuse" or not all(can_be_null(step.step.table, name) for name in one.targets)
            samples = tuple(_told(step, sql, row[1 : len(key) + 1], row[len(key) + 1 :]) for row in found)
            yield Unfit("follow", ("refers", "refer"), what, found[0][0], samples, stops)


def _followed(step: StepSql, translation: Translation) -> list[str]:
    """The values that the reference gets, but for the key of the parent, which every row has."""
    parent = step.plan.step(translation.parent)
    key = set(map(fold, parent.new_key)) if parent is not None else set[str]()
    found = []
    for target, value_column in zip(translation.targets, translation.value_columns, strict=True):
        column, own = step.step.table.column(target), step.step.column(target)
        if column is not None and own is not None and fold(value_column) not in key and is_known(step, column):
            found.append(step.carried(own))
    return found


def _winner(translation: Translation, parent: StepSql) -> list[str]:
    """Whether the row that the parent of the old row ``o`` becomes one with is made, and its old key."""
    pairs = zip(translation.parent_columns, translation.columns, strict=True)
    join = conjunction(f"q.{quote(theirs)} = +o.{quote(ours)}" for theirs, ours in pairs)
    gone = f"{fates.is_row(parent.step, 'f', parent.source_key_of('q'))} AND f.{fates.GONE}"
    rows = f"{parent.source} AS q CROSS JOIN {fates.table(parent.step)} AS f ON {gone} WHERE {join}"
    names = [f"f.{MADE}", *fates.winner_names(parent.step, "f")]
    return [f"(SELECT {name} FROM {rows})" for name in names]


def _told(step: StepSql, parent: StepSql, key: tuple[object, ...], winner: tuple[object, ...]) -> str:
    """``id 2 (to t id 1)``."""
    row = f"{key_title(step.step)} {shown(key)}"
    name = parent.source_key.table
    to = f"a row of {name} that is made" if winner[0] else f"{name} {key_title(parent.step)} {shown(winner[1:])}"
    return f"{row} (to {to})"
