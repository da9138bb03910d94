"""Old rows that are equal under a primary key, a UNIQUE or a unique index that is new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from hotmig.catalog.model import IndexedColumn
from hotmig.planning.checking import SAMPLES, Context, check, first_keys, samples
from hotmig.planning.held import UniqueKey, is_unique_already, unique_keys
from hotmig.planning.model import Finding, Probe, TableStep
from hotmig.planning.rows import key_names, new_rows, reads, translation_of
from hotmig.sqlite import fold, quote
from hotmig.units import counted

NAME = "unique"
_COUNTS = 4  # of groups, of rows in all groups, the group's number, its rows


def probes(context: Context) -> Iterable[Probe]:
    for step, key, sql in _new_constraints(context):
        yield Probe(NAME, _subject(step, key), sql)


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, key, _ in _new_constraints(context):
        rows = context.rows(NAME, _subject(step, key))
        if rows and step.source is not None:
            of = f" of {step.table.name}" if fold(step.table.name) != fold(step.source.name) else ""
            count = counted(rows[0][1], "row")
            message = f"{count} of {step.source.name} are equal under the new unique {key.title}{of}"
            yield Finding(NAME, "block", step.table.name, f"{message}: {_listed(step, key, rows)}")


def _listed(step: TableStep, key: UniqueKey, rows: Sequence[Sequence[Any]]) -> str:
    """``rows with id 3, 17: email 'x'; id 4, 5: email 'y'; …``: the first groups of equal rows."""
    names = [part.name or part.expression or "" for part in key.columns]
    values = _COUNTS + len(names)
    groups = [list(group) for _, group in groupby(rows, lambda row: row[2])]
    told = []
    for group in groups:
        equal = samples(names, [group[0][_COUNTS:values]], 1)
        same = [(group[0][3], *row[values:]) for row in group]
        told.append(f"{first_keys(step, same)}: {equal}" if step.source_key is not None else equal)
    more = ["…"] if rows[0][0] > len(groups) else []
    return ("rows with " if step.source_key is not None else "") + "; ".join([*told, *more])


def _subject(step: TableStep, key: UniqueKey) -> str:
    collations = ", ".join(part.collation for part in key.columns)
    return f"{step.table.name}: {key.title}: {collations}"


def _new_constraints(context: Context) -> Iterator[tuple[TableStep, UniqueKey, str]]:
    for step in context.plan.steps:
        for key in unique_keys(step.table):
            # Where rows become one, what is left of them is compared (merged_duplicates).
            if step.source is None or is_unique_already(step, key) or context.plan.is_affected(step):
                continue
            sql = _groups(context, step, key)
            if sql is not None:
                yield step, key, sql


def _groups(context: Context, step: TableStep, key: UniqueKey) -> str | None:
    """How many values stand in several rows, in how many rows, and of the first of these values the first rows."""
    names = {name for part in key.columns for name in _reads(step, part)}
    if key.where is not None:
        names |= reads(key.where, step.table)
    rows = new_rows(step, sorted(names), stand_in=True)
    if rows is None:
        return None
    values = [f"({part.expression}\n)" if part.name is None else quote(part.name) for part in key.columns]
    # Rows with a NULL in the key are distinct from all others.
    wanted = [f"{value} IS NOT NULL" for value in values] + ([f"({key.where}\n)"] if key.where is not None else [])
    named = [f"{value} AS v{at}" for at, value in enumerate(values)]
    keys = [f"{name} AS k{at}" for at, name in enumerate(key_names(step))]
    keyed = (
        f"SELECT {', '.join([*named, *keys])} FROM ({rows}) AS {quote(step.table.name)}"
        f" WHERE {' AND '.join(wanted)} LIMIT -1"
    )
    return _sampled(keyed, [_collation(context, step, part) for part in key.columns], len(keys))


def _sampled(rows: str, collations: Sequence[str], keys: int) -> str:
    """The first rows of the first groups; ``rows`` are read again for these only, and only if there are any."""
    terms = [f"v{at} COLLATE {quote(collation)}" for at, collation in enumerate(collations)]
    firsts = [f"f{at}" for at in range(len(terms))]
    least = ", ".join(f"min(v{at} COLLATE BINARY) AS f{at}" for at in range(len(terms)))
    grouped = f"SELECT count(*) AS n, {least} FROM ({rows}) GROUP BY {', '.join(terms)} HAVING count(*) > 1"
    groups = (
        f"SELECT count(*) OVER () AS groups_, sum(n) OVER () AS rows_, row_number() OVER (ORDER BY {', '.join(firsts)})"
        f" AS g, n, {', '.join(firsts)} FROM ({grouped}) ORDER BY g LIMIT {SAMPLES}"
    )
    columns = ["groups_", "rows_", "g", "n", *firsts]
    if not keys:
        return f"SELECT {', '.join(columns)} FROM ({groups}) ORDER BY g"
    names = [f"k{at}" for at in range(keys)]
    order = ", ".join(f"{name} COLLATE BINARY" for name in names)
    same = " AND ".join(f"{term} = f{at}" for at, term in enumerate(terms))
    numbered = (
        f"SELECT *, row_number() OVER (PARTITION BY g ORDER BY {order}) AS r FROM ({groups}) CROSS JOIN ({rows})"
        f" ON {same}"
    )
    return f"SELECT {', '.join([*columns, *names])} FROM ({numbered}) WHERE r <= {SAMPLES} ORDER BY g, r"


def _collation(context: Context, step: TableStep, part: IndexedColumn) -> str:
    """A reference that is translated is the same where its parent row is: as the old parent compares."""
    translation = translation_of(step, part.name) if part.name is not None else None
    parent = context.plan.old.table(translation.parent_source) if translation is not None else None
    column = parent.column(translation.parent_columns[0]) if parent is not None and translation is not None else None
    return column.collation if column is not None else part.collation


def _reads(step: TableStep, part: IndexedColumn) -> frozenset[str]:
    return frozenset({part.name}) if part.name is not None else reads(part.expression or "", step.table)
