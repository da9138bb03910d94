"""A column with data has no successor, or looks renamed: one message for each, with the lines to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hotmig.catalog.model import Column
from hotmig.planning.checking import Context, check, dropped_line
from hotmig.planning.lines import TO_BE_WRITTEN, from_line, was_line, was_marker
from hotmig.planning.model import Finding, Probe, TableStep
from hotmig.planning.renames import Rename, is_of_one_type, may_be, renames
from hotmig.planning.successors import gone_columns, gone_subject, gone_values, is_unfilled
from hotmig.sqlite import quote
from hotmig.units import counted

NAME = "dropped-column"


def probes(context: Context) -> Iterable[Probe]:
    for step, source in _steps(context):
        for column in gone_columns(context, step):
            sql = f"SELECT count({quote(column.name)}) FROM {quote(source)}"
            yield Probe(NAME, gone_subject(step, column), sql)


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for step, source in _steps(context):
        told: set[str] = set()
        for rename in renames(context, step):
            old = [column for column in rename.old if gone_values(context, step, column)]
            if old:
                told |= {column.name for column in old}
                fix = was_line(context, step, rename.new[0], rename.was) if rename.was else None
                fix = fix or from_line(context, step, rename.new[0], TO_BE_WRITTEN)
                yield Finding("renamed-column", "block", step.table.name, _renamed(context, step, rename, old), fix)
        gone = (column for column in gone_columns(context, step) if column.name not in told)
        yield from (_dropped(context, step, source, column) for column in gone)


def _steps(context: Context) -> Iterator[tuple[TableStep, str]]:
    seen: set[str] = set()
    for step in context.plan.steps:
        if step.source is not None and step.source.name not in seen:
            seen.add(step.source.name)
            yield step, step.source.name


def _dropped(context: Context, step: TableStep, source: str, column: Column) -> Finding:
    values, table, name = gone_values(context, step, column), step.table.name, f"{source}.{column.name}"
    if not values:
        return Finding(NAME, "note", table, f"{name} is dropped; it holds nothing but NULL")
    message = f"{name} holds {counted(values, 'value')} and has no successor{_why(step, column)}"
    come = [each.name for each in step.table.stored_columns if is_unfilled(step, each) and may_be(step, column, each)]
    if come:
        message += f"; if {' or '.join(come)} goes on with it, say {was_marker([column.name])} there"
    return Finding(NAME, "block", table, message, dropped_line(source, column.name))


def _renamed(context: Context, step: TableStep, rename: Rename, old: Sequence[Column]) -> str:
    source = step.source.name if step.source is not None else ""
    names = ", ".join(f"{source}.{each.name} ({counted(gone_values(context, step, each), 'value')})" for each in old)
    new = ", ".join(f"{step.table.name}.{column.name}" for column in rename.new)
    gone = f"{names} {'is' if len(old) == 1 else 'are'} gone and {new} {'has' if len(rename.new) == 1 else 'have'} come"
    lines = "; ".join(dropped_line(source, column.name) for column in old)
    if not rename.was:
        # The same number under another type may mean something else: euros are no cents.
        same = was_marker([rename.old[0].name])
        typed = "" if is_of_one_type(step, rename.old[0], rename.new[0]) else ", of another type"
        return f"{gone}{typed}. The same values: {same}. Computed from them: say how. Neither: {lines}"
    return f"{gone}: {_question(rename)} If not, give {'it' if len(old) == 1 else 'them'} up: {lines}"


def _question(rename: Rename) -> str:
    if rename.parent is None:
        return "renamed?"
    columns = ", ".join(column.name for column in rename.old)
    return f"the reference to {rename.parent} that {columns} {'was' if len(rename.old) == 1 else 'were'}?"


def _why(step: TableStep, column: Column) -> str:
    replaced = any(each.assigned and each.name == column.name for each in step.columns)
    return ": new integers take the place of these keys" if replaced else ""
