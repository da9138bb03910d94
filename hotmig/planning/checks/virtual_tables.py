"""Virtual tables: no trigger can stand on one, so its rows must be made anew from another table, or given up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hotmig.catalog.model import VirtualTable
from hotmig.planning.checking import Context, check, dropped_line
from hotmig.planning.full_text import external_content
from hotmig.planning.model import Finding, Probe
from hotmig.sqlite import fold, quote
from hotmig.units import counted

NAME = "virtual-table"


def probes(context: Context) -> Iterable[Probe]:
    for table in _with_own_rows(context):
        yield Probe(NAME, table.name, f"SELECT count(*) FROM {quote(table.name)}")


@check(NAME, probes)
def findings(context: Context) -> Iterable[Finding]:
    for table in _with_own_rows(context):
        rows = context.count(NAME, table.name)
        if rows:
            what = f"{table.name} ({table.module}) holds {counted(rows, 'row')} that no trigger can record"
            yield Finding(NAME, "block", table.name, what, dropped_line(table.name))
    for table in context.plan.old.virtual_tables:
        if _is_rebuilt(context, table) and _is_new(context, table):
            message = f"{table.name} is built anew from {external_content(table)} while writes are paused"
            yield Finding(NAME, "note", table.name, message)


def _with_own_rows(context: Context) -> Iterator[VirtualTable]:
    for table in context.plan.old.virtual_tables:
        if not context.is_dropped(table.name) and not _is_rebuilt(context, table):
            yield table


def _is_rebuilt(context: Context, table: VirtualTable) -> bool:
    content = external_content(table)
    if content is None:
        return False
    folded = fold(content)
    lives_on = any(step.source is not None and fold(step.source.name) == folded for step in context.plan.steps)
    views = [{fold(view.name) for view in catalog.views} for catalog in (context.plan.old, context.plan.new)]
    return lives_on or all(folded in names for names in views)


def _is_new(context: Context, table: VirtualTable) -> bool:
    return fold(table.name) in {fold(new.name) for new in context.plan.new.virtual_tables}
