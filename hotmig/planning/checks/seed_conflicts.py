"""Seed rows that do not fit beside the old rows: equal where rows must be distinct, or children of no row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hotmig.planning.checking import Context, check
from hotmig.planning.checks.foreign_keys import parents_of
from hotmig.planning.held import UniqueKey, unique_keys
from hotmig.planning.model import Finding, Probe, TableStep
from hotmig.planning.orphan_sql import is_orphan, seed_select
from hotmig.planning.rows import new_rows
from hotmig.schema.model import SeedRow
from hotmig.sqlite import conjunction, fold, quote

NAME = "seed-conflict"
_NUMBER = quote("_migration_seed")


def probes(context: Context) -> Iterable[Probe]:
    """Each answers with the numbers of the seed rows that don't fit."""
    for step in context.plan.steps:
        yield from (Probe(NAME, subject, sql) for subject, _, sql in (*_equal(step), *_orphans(context, step)))


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        for subject, what, _ in (*_equal(step), *_orphans(context, step)):
            for (number,) in context.rows(NAME, subject):
                message = f"the seed row of {step.table.name} {what} ({step.seeds[number].place})"
                yield Finding(NAME, "block", step.table.name, message)


def _equal(step: TableStep) -> Iterator[tuple[str, str, str]]:
    for key in unique_keys(step.table):
        names = [part.name for part in key.columns if part.name is not None]
        if len(names) < len(key.columns) or key.where is not None or _is_row_key(step, names):
            continue
        # One that is there only if no old row has its key is not looked at: it need not be planted.
        wanted = [seed if not seed.if_absent else None for seed in step.seeds]
        seeds = _given(wanted, [*names, *_key_columns(step)])
        rows = new_rows(step, [*names, *_key_columns(step)])
        if seeds is not None and rows is not None:
            what = f"has the same {', '.join(names)} as an old row, which is Unique"
            yield f"{step.table.name}: {key.title}", what, _equal_sql(step, key, seeds, rows)


def _equal_sql(step: TableStep, key: UniqueKey, seeds: str, rows: str) -> str:
    alike = conjunction(
        f"old.{quote(part.name)} = seed.{quote(part.name)} COLLATE {quote(part.collation)}"
        for part in key.columns
        if part.name is not None
    )
    sql = f"SELECT DISTINCT seed.{_NUMBER} FROM ({rows}) AS old JOIN ({seeds}) AS seed ON {alike}"
    if not _key_columns(step):
        return sql
    # The old row at a seed's key becomes that seed.
    same_key = conjunction(f"other.{quote(name)} = old.{quote(name)}" for name in _key_columns(step))
    return f"{sql} WHERE NOT EXISTS (SELECT 1 FROM ({seeds}) AS other WHERE {same_key})"


def _orphans(context: Context, step: TableStep) -> Iterator[tuple[str, str, str]]:
    for foreign in step.table.foreign_keys:
        seeds, parents = _given(step.seeds, foreign.columns), parents_of(context, foreign)
        if seeds is not None and parents is not None:
            sql = f"SELECT {_NUMBER} FROM ({seeds}) WHERE {is_orphan(step.table, foreign.columns, parents)}"
            subject = f"{step.table.name}({', '.join(foreign.columns)}) {foreign.parent}"
            yield subject, f"refers by {', '.join(foreign.columns)} to no row of {foreign.parent}", sql


def _given(seeds: Sequence[SeedRow | None], names: Iterable[str]) -> str | None:
    """The seed rows that give all these columns, with their numbers, as a SELECT; None when there are none."""
    columns = {fold(name): name for name in names}
    rows = []
    for number, seed in enumerate(seeds):
        given = seed.by_name if seed else {}
        if all(name in given for name in columns):
            rows.append([number, *(given[name] for name in columns)])
    return seed_select(["_migration_seed", *columns.values()], rows) if rows else None


def _key_columns(step: TableStep) -> tuple[str, ...]:
    """The columns by which an old row and a seed row are the same row; () where old rows get new keys."""
    return step.new_key if step.keys == "kept" and step.source is not None else ()


def _is_row_key(step: TableStep, names: Iterable[str]) -> bool:
    return set(map(fold, names)) == set(map(fold, _key_columns(step)))
