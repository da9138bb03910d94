"""Old rows that are equal under a primary key, a UNIQUE or a unique index that is new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.catalog.model import IndexedColumn
from hotmig.planning.checking import SAMPLES, Context, check, samples
from hotmig.planning.held import UniqueKey, is_unique_already, unique_keys
from hotmig.planning.model import Finding, Probe, TableStep
from hotmig.planning.rows import new_rows, reads, translation_of
from hotmig.sqlite import quote
from hotmig.units import counted

NAME = "unique"


def probes(context: Context) -> Iterable[Probe]:
    for step, key, sql in _new_constraints(context):
        yield Probe(NAME, _subject(step, key), sql)


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, key, _ in _new_constraints(context):
        rows = context.rows(NAME, _subject(step, key))
        if rows:
            names = [part.name or part.expression or "" for part in key.columns]
            listed = samples(names, [row[2:] for row in rows], rows[0][0])
            count = counted(rows[0][1], "row")
            message = f"{count} of {step.table.name} are equal under the new unique {key.title}: {listed}"
            yield Finding(NAME, "block", step.table.name, message)


def _subject(step: TableStep, key: UniqueKey) -> str:
    collations = ", ".join(part.collation for part in key.columns)
    return f"{step.table.name}: {key.title}: {collations}"


def _new_constraints(context: Context) -> Iterator[tuple[TableStep, UniqueKey, str]]:
    for step in context.plan.steps:
        for key in unique_keys(step.table):
            if step.source is None or is_unique_already(step, key):
                continue
            sql = _groups(context, step, key)
            if sql is not None:
                yield step, key, sql


def _groups(context: Context, step: TableStep, key: UniqueKey) -> str | None:
    """How many values stand in several rows, in how many rows, and the first of these values."""
    names = {name for part in key.columns for name in _reads(step, part)}
    if key.where is not None:
        names |= reads(key.where, step.table)
    rows = new_rows(step, sorted(names), stand_in=True)
    if rows is None:
        return None
    values = [f"({part.expression}\n)" if part.name is None else quote(part.name) for part in key.columns]
    collations = [_collation(context, step, part) for part in key.columns]
    terms = [f"{value} COLLATE {quote(name)}" for value, name in zip(values, collations, strict=True)]
    # Rows with a NULL in the key are distinct from all others.
    wanted = [f"{value} IS NOT NULL" for value in values] + ([f"({key.where}\n)"] if key.where is not None else [])
    firsts = [f"min({value} COLLATE BINARY) AS v{at}" for at, value in enumerate(values)]
    order = ", ".join(f"v{at}" for at in range(len(terms)))
    groups = (
        f"SELECT count(*) AS n, {', '.join(firsts)} FROM ({rows}) AS {quote(step.table.name)}"
        f" WHERE {' AND '.join(wanted)} GROUP BY {', '.join(terms)} HAVING count(*) > 1"
    )
    return f"SELECT count(*) OVER (), sum(n) OVER (), {order} FROM ({groups}) ORDER BY {order} LIMIT {SAMPLES}"


def _collation(context: Context, step: TableStep, part: IndexedColumn) -> str:
    """A reference that is translated is the same where its parent row is: as the old parent compares."""
    translation = translation_of(step, part.name) if part.name is not None else None
    parent = context.plan.old.table(translation.parent_source) if translation is not None else None
    column = parent.column(translation.parent_columns[0]) if parent is not None and translation is not None else None
    return column.collation if column is not None else part.collation


def _reads(step: TableStep, part: IndexedColumn) -> frozenset[str]:
    return frozenset({part.name}) if part.name is not None else reads(part.expression or "", step.table)
