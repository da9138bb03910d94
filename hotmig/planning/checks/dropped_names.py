"""A dropped line that names nothing. It is no mistake after a deploy: a module keeps its lines."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check, dropped_line
from hotmig.planning.model import Finding
from hotmig.schema.model import Dropped
from hotmig.sqlite import fold

NAME = "dropped"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for dropped in context.schema.dropped:
        if not _is_there(context, dropped):
            line = dropped_line(dropped.table, dropped.column or None)
            why = "a spelling mistake, or given up by an earlier migration"
            yield Finding(NAME, "note", None, f"{line} names nothing in the old database: {why}")


def _is_there(context: Context, dropped: Dropped) -> bool:
    old = context.plan.old
    table = old.table(dropped.table)
    if dropped.column:
        return table is not None and table.column(dropped.column) is not None
    return table is not None or fold(dropped.table) in {fold(each.name) for each in old.virtual_tables}
