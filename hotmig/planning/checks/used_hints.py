"""Hints that made the old database: they are not applied a second time."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check, literal
from hotmig.planning.hints import UsedHints, hints_of
from hotmig.planning.lines import was_marker
from hotmig.planning.model import Finding, Hint

NAME = "used-hint"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    used = UsedHints(context.used_hints)
    for hint in sorted(hints_of(context.schema), key=lambda hint: (hint.table, hint.column, hint.kind, hint.text)):
        if used.has(hint.kind, hint.table, hint.column, hint.text):
            message = (
                f"{_where(hint)}: {_said(context, hint)} has done its work in the old database and is not applied again"
            )
            yield Finding(NAME, "note", hint.table, message)


def _where(hint: Hint) -> str:
    return f"{hint.table}.{hint.column}" if hint.column else hint.table


def _said(context: Context, hint: Hint) -> str:
    if not hint.column:
        return f"was={literal(hint.text)}"
    if hint.kind == "from":
        return f"From({literal(hint.text)})"
    table = context.schema.rules(hint.table)
    rules = table.column(hint.column) if table is not None else None
    return was_marker(rules.was_names if rules is not None else (hint.text,))
