"""An on_replay trigger that writes to a table which has old rows: replay itself writes there."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.catalog.lexer import tokens
from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding
from hotmig.planning.trigger_sql import written_tables
from hotmig.sqlite import fold

NAME = "replay-trigger"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    chosen = {fold(each.name): each for each in context.schema.replay_triggers}
    old = {(fold(each.name), each.sql) for each in context.plan.old.triggers}
    for trigger in context.plan.new.triggers:
        if fold(trigger.name) not in chosen or (fold(trigger.name), trigger.sql) in old:
            continue
        for table in sorted(set(written_tables(tokens(trigger.sql)))):
            step = context.plan.step(table)
            if step is None or step.source is not None:
                message = (
                    f"trigger {trigger.name} has on_replay=True and writes to {table}, which has rows of the old"
                    " database: such a trigger may write only to tables that have none"
                )
                yield Finding(NAME, "block", trigger.table, message)
