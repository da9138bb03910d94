"""Values that the new column refuses: the type of a STRICT table, or no integer for an INTEGER PRIMARY KEY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.catalog.model import Column
from hotmig.planning.checking import Context, check, counted, first_keys, number, source_keys
from hotmig.planning.held import copied_from
from hotmig.planning.lines import bare, from_line
from hotmig.planning.model import ColumnStep, Finding, Probe, TableStep
from hotmig.planning.rows import value_of
from hotmig.sqlite import fold, quote, text

NAME = "types"
_STRICT = {"INT": "integer", "INTEGER": "integer", "REAL": "real", "TEXT": "text", "BLOB": "blob"}


def probes(context: Context) -> Iterable[Probe]:
    for step, column, own, kind in _new_constraints(context):
        value = value_of(step, own)
        if value is None:
            continue
        source = step.source.name if step.source is not None else ""
        allowed = (kind,) if _is_rowid(step, column) else (kind, "null")
        refused = f"typeof({value}) NOT IN ({', '.join(map(text, allowed))})"
        yield Probe(NAME, _subject(step, column), counted(source_keys(step), f"FROM {quote(source)} WHERE {refused}"))


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, column, own, kind in _new_constraints(context):
        rows = context.rows(NAME, _subject(step, column))
        if rows:
            count = number(rows[0][0], "value")
            message = f"{count} of {step.table.name}.{column.name} cannot be stored as {kind}: {first_keys(step, rows)}"
            old = step.taken_from(own)
            expression = f"CAST({bare(old.name) if old is not None else own.expression} AS {column.type.upper()})"
            yield Finding(NAME, "block", step.table.name, message, from_line(context, step, column, expression))


def _subject(step: TableStep, column: Column) -> str:
    return f"{step.table.name}.{column.name}"


def _new_constraints(context: Context) -> Iterator[tuple[TableStep, Column, ColumnStep, str]]:
    for step in context.plan.steps:
        for column in step.table.stored_columns:
            own = step.column(column.name)
            kind = _kind(step, column)
            if own is not None and own.expression is not None and kind is not None and not _held(step, column, kind):
                yield step, column, own, kind


def _is_rowid(step: TableStep, column: Column) -> bool:
    return step.table.rowid_alias is not None and fold(step.table.rowid_alias) == fold(column.name)


def _kind(step: TableStep, column: Column) -> str | None:
    if _is_rowid(step, column):
        return "integer"
    return _STRICT.get(column.type.upper()) if step.table.strict else None


def _held(step: TableStep, column: Column, kind: str) -> bool:
    copied = copied_from(step, column.name)
    old = step.source.column(copied) if step.source is not None and copied is not None else None
    if step.source is None or old is None:
        return False
    if step.source.rowid_alias is not None and fold(step.source.rowid_alias) == fold(old.name):
        return kind == "integer"
    same_type = step.source.strict and _STRICT.get(old.type.upper()) == kind
    return same_type and not (_is_rowid(step, column) and not old.not_null)
