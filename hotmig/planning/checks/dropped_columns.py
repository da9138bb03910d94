"""A column with data has no successor, or looks renamed: one message for each, with the lines to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.catalog.model import Column
from hotmig.planning.checking import Context, check, dropped_line, number
from hotmig.planning.lines import was_line
from hotmig.planning.model import Finding, Probe, TableStep
from hotmig.planning.successors import gone_columns, renamed_columns
from hotmig.sqlite import quote

NAME = "dropped-column"


def probes(context: Context) -> Iterable[Probe]:
    for step, source, column in _gone(context):
        sql = f"SELECT count({quote(column.name)}) FROM {quote(source)}"
        yield Probe(NAME, _subject(step, column), sql)


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, source, column in _gone(context):
        yield _finding(context, step, source, column)


def _gone(context: Context) -> Iterator[tuple[TableStep, str, Column]]:
    seen: set[str] = set()
    for step in context.plan.steps:
        if step.source is not None and step.source.name not in seen:
            seen.add(step.source.name)
            yield from ((step, step.source.name, column) for column in gone_columns(context, step))


def _subject(step: TableStep, column: Column) -> str:
    return f"{step.table.name}.{column.name}"


def _finding(context: Context, step: TableStep, source: str, column: Column) -> Finding:
    values = context.count(NAME, _subject(step, column))
    table, name = step.table.name, f"{source}.{column.name}"
    if not values:
        return Finding(NAME, "note", table, f"{name} is dropped; it holds nothing but NULL")
    renamed = renamed_columns(context, step).get(column.name)
    line = dropped_line(source, column.name)
    if renamed is None:
        message = f"{name} holds {number(values, 'value')} and has no successor{_why(step, column)}"
        return Finding(NAME, "block", table, message, line)
    fix = was_line(context, step, renamed, column.name)
    message = f"{name} ({number(values, 'value')}) is gone and {table}.{renamed.name} has come: renamed?"
    return Finding("renamed-column", "block", table, f"{message} If not, give it up: {line}", fix)


def _why(step: TableStep, column: Column) -> str:
    replaced = any(each.assigned and each.name == column.name for each in step.columns)
    return ": new integers take the place of these keys" if replaced else ""
