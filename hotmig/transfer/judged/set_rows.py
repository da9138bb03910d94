"""Whether the new table takes its rows once touch= and losers= have set columns in some: NOT NULL, CHECK, STRICT."""

from __future__ import annotations

from collections.abc import Iterator

from hotmig.catalog.affinity import STRICT_KINDS
from hotmig.catalog.keys import can_be_null
from hotmig.planning.group_facts import Unfit
from hotmig.planning.held import is_set, takes_no_null
from hotmig.planning.rows import KEY, reads
from hotmig.sqlite import fold, quote, text, value
from hotmig.transfer.groups.fates import CONSTANTS
from hotmig.transfer.groups.samples import SAMPLES
from hotmig.transfer.judged.court import Court, rows_that_stay
from hotmig.transfer.old_rows import key_title, shown
from hotmig.transfer.step_sql import StepSql

_Rule = tuple[list[str], str, tuple[str, str], str]  # columns, condition that breaks it, verb for one and several, what


def unfit_set_rows(court: Court, step: StepSql) -> Iterator[Unfit]:
    """One for each constraint over such a column that any row breaks; the others are asked of the old rows alone."""
    beside = [(sql, KEY.format(number)) for number, sql in enumerate(step.source_key_of("o"), 1)]
    listed = ", ".join(["count(*) OVER ()", *(name for _, name in beside)])
    for names, broken, verb, what in _rules(court, step):
        rows = rows_that_stay(step, names, beside) if is_set(step.step, names) else None
        if rows is None:
            continue
        table = f"({rows}) AS {quote(step.step.table.name)}"
        sql = f"SELECT {listed} FROM {table} WHERE {broken} ORDER BY 2 LIMIT {SAMPLES}"
        found = court.ask(f"rows of {step.step.table.name} {verb[1]} {what}", sql)
        if found:
            samples = tuple(f"{key_title(step.step)} {shown(row[1:])}" for row in found)
            yield Unfit("set", verb, what, found[0][0], samples)


def _rules(court: Court, step: StepSql) -> Iterator[_Rule]:
    table = step.step.table
    for column in table.columns:
        name = quote(column.name)
        if not can_be_null(table, column.name) and not _is_never_null(court, step, column.name):
            yield [column.name], f"{name} IS NULL", ("has", "have"), f"NULL in {column.name}, which is NOT NULL"
        kind = STRICT_KINDS.get(column.type.upper()) if table.strict else None
        if kind is not None:
            refused = f"typeof({name}) NOT IN ({text(kind)}, 'null')"
            yield [column.name], refused, ("has", "have"), f"in {column.name} what cannot be stored as {kind}"
    for constraint in table.checks:
        names = sorted(reads(constraint.expression, table))
        yield names, f"NOT ({constraint.expression}\n)", ("breaks", "break"), f"the CHECK ({constraint.expression})"


def _is_never_null(court: Court, step: StepSql, name: str) -> bool:
    """Whether the old column can't be NULL, and all that is set in it was evaluated once: then no row is looked at."""
    grouping = step.step.grouping
    is_set_in_losers = grouping is not None and fold(name) in {fold(each) for each, _ in grouping.losers or ()}
    if is_set_in_losers or not takes_no_null(step.step, name):
        return False
    given = f"SELECT 1 FROM main.{CONSTANTS} WHERE expression = ? AND value IS NOT NULL"
    touches = [touch for touch in step.step.touches if fold(touch.column) == fold(name)]
    return all(value(court.db, given, (touch.expression,)) for touch in touches)
