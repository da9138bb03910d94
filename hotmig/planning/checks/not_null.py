"""Old rows with NULL in a column that is NOT NULL now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.catalog.keys import can_be_null
from hotmig.catalog.model import Column, Table
from hotmig.planning.checking import Context, check, first_keys, how_many, source_keys
from hotmig.planning.held import is_generated_alike, is_not_null_already, is_set
from hotmig.planning.lines import bare, from_line, zero
from hotmig.planning.model import ColumnStep, Finding, Probe, TableStep
from hotmig.planning.rows import default_of, key_names, new_rows, translation_of, value_of
from hotmig.sqlite import disjunction, fold, quote
from hotmig.units import counted

NAME = "not-null"


def probes(context: Context) -> Iterable[Probe]:
    for step, column, sql in _new_constraints(context):
        yield Probe(NAME, _subject(step, column), sql)


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, column, _ in _new_constraints(context):
        rows = context.rows(NAME, _subject(step, column))
        if rows:
            count = counted(rows[0][0], "row has", "rows have")
            message = f"{count} NULL in {step.table.name}.{column.name}, which is NOT NULL: {first_keys(step, rows)}"
            yield Finding(NAME, "block", step.table.name, message, _fix(context, step, column))


def _subject(step: TableStep, column: Column) -> str:
    return f"{step.table.name}.{column.name}"


def _new_constraints(context: Context) -> Iterator[tuple[TableStep, Column, str]]:
    for step in context.plan.steps:
        for column in step.table.columns:
            if step.source is None or can_be_null(step.table, column.name) or _held(step, column):
                continue
            if is_set(step, [column.name]):
                continue  # for the check of columns that a rule sets
            sql = _stored(step, step.source, column) if column.generated is None else _generated(step, column)
            if sql is not None:
                yield step, column, sql


def _stored(step: TableStep, source: Table, column: Column) -> str | None:
    own = step.column(column.name)
    condition = _is_null(step, column, own) if own is not None else None
    return (
        how_many(source_keys(step), f"FROM {quote(source.name)} WHERE {condition}") if condition is not None else None
    )


def _generated(step: TableStep, column: Column) -> str | None:
    rows = new_rows(step, [column.name])
    if rows is None:
        return None
    return how_many(key_names(step), f"FROM ({rows}) AS {quote(step.table.name)} WHERE {quote(column.name)} IS NULL")


def _held(step: TableStep, column: Column) -> bool:
    # Anything that is no integer is found by the check of types, NULL included.
    if step.table.rowid_alias is not None and fold(step.table.rowid_alias) == fold(column.name):
        return True
    if column.generated is not None:
        old = step.source.column(column.name) if step.source is not None else None
        return old is not None and old.not_null and is_generated_alike(step, column.name)
    translation = translation_of(step, column.name)
    if translation is None or step.source is None:
        return is_not_null_already(step, column.name)
    return not any(can_be_null(step.source, name) for name in translation.columns)


def _is_null(step: TableStep, column: Column, own: ColumnStep) -> str | None:
    translation = translation_of(step, own.name)
    if translation is not None:
        # A reference that is NULL in part has no parent to follow.
        return disjunction(f"{quote(name)} IS NULL" for name in translation.columns)
    taken = step.taken_from(own)
    if taken is not None and own.mapping is None:
        return f"{quote(taken.name)} IS NULL"  # whatever its new type makes of a value, it makes none of NULL alone
    value = value_of(step, own) or default_of(step, column)
    return f"({value}) IS NULL" if value is not None else None


def _fix(context: Context, step: TableStep, column: Column) -> str | None:
    own = step.column(column.name)
    refers = any(fold(column.name) in map(fold, foreign.columns) for foreign in step.table.foreign_keys)
    if own is None or own.expression is None or refers:  # an empty value would refer to some row by chance
        return None
    old = step.taken_from(own)
    expression = bare(old.name) if old is not None else own.expression
    return from_line(context, step, column, f"coalesce({expression}, {zero(step, column)})")
