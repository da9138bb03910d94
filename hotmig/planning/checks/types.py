"""Values that the new column refuses: the type of a STRICT table, or no integer for an INTEGER PRIMARY KEY.

An INTEGER column of any other table takes what is no integer as it is: a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.catalog.affinity import STRICT_KINDS, column_affinity
from hotmig.catalog.model import Column
from hotmig.planning.checking import Context, check, first_keys, how_many, source_keys
from hotmig.planning.held import copied_from, is_generated_alike, is_set
from hotmig.planning.lines import bare, from_line
from hotmig.planning.model import ColumnStep, Finding, Probe, TableStep
from hotmig.planning.rows import default_of, key_names, new_rows, value_of
from hotmig.sqlite import fold, quote, text
from hotmig.units import counted

NAME = "types"
_FRACTIONS = ("REAL", "NUMERIC")


def probes(context: Context) -> Iterable[Probe]:
    for step, column, own, kind in _new_constraints(context):
        sql = _generated(step, column, kind) if own is None else _stored(step, column, own, kind)
        if sql is not None:
            yield Probe(NAME, _subject(step, column), sql)


def _stored(step: TableStep, column: Column, own: ColumnStep, kind: str) -> str | None:
    value = value_of(step, own) or default_of(step, column)
    if value is None or step.source is None:
        return None
    return how_many(source_keys(step), f"FROM {quote(step.source.name)} WHERE {_refused(step, column, value, kind)}")


def _generated(step: TableStep, column: Column, kind: str) -> str | None:
    """SQLite itself looks at the type of a generated column when it is STORED, else at the next integrity_check."""
    rows = new_rows(step, [column.name])
    if rows is None:
        return None
    refused = _refused(step, column, quote(column.name), kind)
    return how_many(key_names(step), f"FROM ({rows}) AS {quote(step.table.name)} WHERE {refused}")


def _refused(step: TableStep, column: Column, value: str, kind: str) -> str:
    allowed = (kind,) if _is_rowid(step, column) else (kind, "null")
    return f"typeof({value}) NOT IN ({', '.join(map(text, allowed))})"


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, column, own, kind in _new_constraints(context):
        rows = context.rows(NAME, _subject(step, column))
        if rows:
            refused = step.table.strict or _is_rowid(step, column)
            what = f"cannot be stored as {kind}" if refused else f"would be no {kind} there: the table is not STRICT"
            count = counted(rows[0][0], "value")
            message = f"{count} of {step.table.name}.{column.name} {what}: {first_keys(step, rows)}"
            fix = _fix(context, step, column, own, kind)
            if fix is not None and kind in ("integer", "real"):
                message += "; CAST makes 0 of a text that is no number"
            yield Finding(NAME, "block" if refused else "warn", step.table.name, message, fix)


def _fix(context: Context, step: TableStep, column: Column, own: ColumnStep | None, kind: str) -> str | None:
    if own is None or own.expression is None:
        return None
    old = step.taken_from(own)
    expression = bare(old.name) if old is not None else own.expression
    if kind == "integer" and (old is None or step.source is None or column_affinity(step.source, old) in _FRACTIONS):
        # CAST alone cuts off: 19.99 * 100 is 1998.9999999999998. A long text of digits is not to become REAL.
        expression = f"round({expression})"
    return from_line(context, step, column, f"CAST({expression} AS {column.type.upper()})")


def _subject(step: TableStep, column: Column) -> str:
    return f"{step.table.name}.{column.name}"


def _new_constraints(context: Context) -> Iterator[tuple[TableStep, Column, ColumnStep | None, str]]:
    for step in context.plan.steps:
        for column in step.table.columns:
            kind = _kind(step, column)
            if step.table.strict and is_set(step, [column.name]):
                continue  # for the check of columns that a rule sets
            if step.source is not None and kind is not None and not _held(step, column, kind):
                yield step, column, step.column(column.name), kind


def _is_rowid(step: TableStep, column: Column) -> bool:
    return step.table.rowid_alias is not None and fold(step.table.rowid_alias) == fold(column.name)


def _kind(step: TableStep, column: Column) -> str | None:
    if _is_rowid(step, column):
        return "integer"
    kind = STRICT_KINDS.get(column.type.upper())
    return kind if step.table.strict or (kind == "integer" and column.generated is None) else None


def _held(step: TableStep, column: Column, kind: str) -> bool:
    if column.generated is not None:
        return step.source is not None and step.source.strict and is_generated_alike(step, column.name)
    copied = copied_from(step, column.name)
    old = step.source.column(copied) if step.source is not None and copied is not None else None
    if step.source is None or old is None:
        return False
    if step.source.rowid_alias is not None and fold(step.source.rowid_alias) == fold(old.name):
        return kind == "integer"
    if not step.table.strict and not _is_rowid(step, column):
        return column_affinity(step.source, old) == "INTEGER"
    same_type = step.source.strict and STRICT_KINDS.get(old.type.upper()) == kind
    return same_type and not (_is_rowid(step, column) and not old.not_null)
