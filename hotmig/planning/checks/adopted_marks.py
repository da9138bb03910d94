"""An adopt_marks() that names nothing of the old database: what the earlier tool applied would be run again."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from hotmig.planning.checking import Context, check, literal
from hotmig.planning.model import Finding, Probe
from hotmig.schema.model import AdoptedMarks
from hotmig.sqlite import fold, quote

NAME = "adopt-marks"
_COLUMNS, _NAMES = "the columns of adopt_marks()", "the tables of the old database"
_ONCE_MORE = "what the earlier tool applied would be run again"


def probes(context: Context) -> Iterable[Probe]:
    adopted = context.schema.adopted
    if adopted is None:
        return
    yield Probe(NAME, _COLUMNS, "SELECT name FROM pragma_table_xinfo(?)", (adopted.table,))
    yield Probe(NAME, _NAMES, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")
    for table in context.plan.old.tables:
        yield Probe(NAME, table.name, f"SELECT EXISTS (SELECT 1 FROM {quote(table.name)})")


@check(NAME, probes=probes)
def findings(context: Context) -> Iterable[Finding]:
    adopted = context.schema.adopted
    if adopted is None or any(each.error for each in context.answers if each.probe.check == NAME):
        return
    columns = [row[0] for row in context.rows(NAME, _COLUMNS)]
    if not columns:
        yield from _no_table(context, adopted)
        return
    missing = [
        f"{name} ({option}=)"
        for option, name in (("name", adopted.name), ("applied", adopted.applied))
        if fold(name) not in map(fold, columns)
    ]
    if missing:
        what = f"the column{'s' if len(missing) > 1 else ''} {' and '.join(missing)}"
        message = f"adopt_marks() names {what}, which {adopted.table} does not have: {_ONCE_MORE}"
        message += f"; its columns are {', '.join(columns)}"
        meant = replace(adopted, name=_close(adopted.name, columns), applied=_close(adopted.applied, columns))
        yield Finding(NAME, "block", None, message, _line(meant) if meant != adopted else None)


def _no_table(context: Context, adopted: AdoptedMarks) -> Iterable[Finding]:
    """A module keeps the line once the marks are taken over, and the table may be given up by then."""
    names = f'adopt_marks() names the table "{adopted.table}", which the old database does not have'
    if context.facts.has_marks:
        yield Finding(NAME, "note", None, f"{names}: a spelling mistake, or given up by an earlier migration")
        return
    has_rows = any(context.count(NAME, table.name) for table in context.plan.old.tables)
    if not has_rows or not context.schema.data_migrations:
        return  # a data migration has nothing to do twice
    meant = replace(adopted, table=_close(adopted.table, [row[0] for row in context.rows(NAME, _NAMES)]))
    message = f"{names}: {_ONCE_MORE}; correct the name, or take adopt_marks() away"
    yield Finding(NAME, "block", None, message, _line(meant) if meant != adopted else None)


def _close(name: str, names: Sequence[str]) -> str:
    """The one that was meant, as far as that can be told."""
    by_fold = {fold(each): each for each in names}
    if fold(name) in by_fold:
        return name
    close = difflib.get_close_matches(fold(name), by_fold, n=1)
    return by_fold[close[0]] if close else name


def _line(adopted: AdoptedMarks) -> str:
    options = f"name={literal(adopted.name)}, applied={literal(adopted.applied)}"
    return f"adopt_marks({literal(adopted.table)}, {options})"
