"""A table with rows has no successor, or looks renamed."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.catalog.model import Table
from hotmig.planning.checking import Context, check, dropped_line, literal
from hotmig.planning.model import Finding, Probe, TableStep
from hotmig.planning.successors import class_without_table, gone_tables, only_new_table, renamed_tables
from hotmig.schema.declare import snake_case
from hotmig.sqlite import quote
from hotmig.units import counted

NAME = "dropped-table"


def probes(context: Context) -> Iterable[Probe]:
    for table in gone_tables(context):
        yield Probe(NAME, table.name, f"SELECT count(*) FROM {quote(table.name)}")


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for table in gone_tables(context):
        yield _finding(context, table)


def _finding(context: Context, table: Table) -> Finding:
    rows = context.count(NAME, table.name)
    if not rows:
        return Finding(NAME, "note", table.name, f"{table.name} is dropped; it has no rows")
    step = renamed_tables(context).get(table.name)
    line = dropped_line(table.name)
    plain = class_without_table(context, table)
    if plain is not None:
        message = f"{table.name} has {counted(rows, 'row')} and no successor: class {plain} has no @table"
        name = "" if snake_case(plain) == table.name else f"({literal(table.name)})"
        return Finding(NAME, "block", table.name, f"{message}. If it is given up: {line}", f"@table{name}")
    if step is None:
        only = only_new_table(context)
        was = f"; if it is {only.table.name} now: {_was(context, only, table)}" if only is not None else ""
        message = f"{table.name} has {counted(rows, 'row')} and no successor{was}"
        return Finding(NAME, "block", table.name, message, line)
    message = f"{table.name} ({counted(rows, 'row')}) is gone and {step.table.name} has come: renamed?"
    fix = _was(context, step, table)
    return Finding("renamed-table", "block", step.table.name, f"{message} If not, give it up: {line}", fix)


def _was(context: Context, step: TableStep, old: Table) -> str:
    return f"@table({_explicit_name(context, step.table.name)}was={literal(old.name)})"


def _explicit_name(context: Context, table: str) -> str:
    """The name that @table needs where the class doesn't say it."""
    rules = context.schema.rules(table)
    return "" if rules is None or rules.class_name.lower() == table else f"{literal(table)}, "
