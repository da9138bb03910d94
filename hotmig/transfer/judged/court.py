"""Whether the new tables take what the rules for several rows make: asked of a rehearsal, before anything is done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hotmig.catalog.affinity import column_affinity, stored
from hotmig.catalog.model import Column
from hotmig.planning.rows import built_rows, translation_of
from hotmig.sqlite import Row, TookTooLong, at_most, execute, fold
from hotmig.transfer.step_sql import StepSql


@dataclass
class Court:
    """Asks one question for ``seconds`` at most, and remembers which were given up."""

    db: sqlite3.Connection
    seconds: float | None
    unjudged: list[str] = field(default_factory=list)

    @property
    def is_certain(self) -> bool:
        """Whether all was read at one moment."""
        return self.seconds is None

    def ask(self, what: str, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The answer; () where nobody waited for it. ``what`` goes on behind "did not look to the end whether"."""
        try:
            with at_most(self.db, self.seconds):
                return execute(self.db, sql, parameters).fetchall()
        except TookTooLong:
            self.unjudged.append(what)
            return []


def rows_that_stay(
    step: StepSql, names: Iterable[str], beside: Sequence[tuple[str, str]], where: str = "1"
) -> str | None:
    """A SELECT of the new table's columns of these names as its rows will have them, by what the rules set in them.

    ``beside`` are further (SQL over the old row ``o``, name), ``where`` is a condition over it. None where only the
    copy can tell a value.
    """
    rows = f"{step.old_rows} WHERE {step.stays} AND {where}"
    return built_rows(step.step, names, lambda column: new_value(step, column), rows, beside)


def values_that_stay(step: StepSql, names: Iterable[str], beside: Sequence[tuple[str, str]] = ()) -> str | None:
    """The same as ``u1``, ``u2``, …, without the new table's types and collations."""
    columns = [step.step.table.column(name) for name in names]
    values = [new_value(step, column) if column is not None else None for column in columns]
    if not all(values):
        return None
    listed = [
        *(f"{sql} AS u{number}" for number, sql in enumerate(values, 1)),
        *(f"{sql} AS {name}" for sql, name in beside),
    ]
    return f"SELECT {', '.join(listed)} FROM {step.old_rows} WHERE {step.stays}"


def new_value(step: StepSql, column: Column) -> str | None:
    """The value of one column of the new row, over the old row ``o``; None where only the copy can tell."""
    own = step.step.column(column.name)
    if own is None or own.assigned or not is_known(step, column):
        return None
    value = step.value(own)
    if own.expression is not None or translation_of(step.step, column.name) is not None:
        return value
    return stored(f"({value})", column_affinity(step.step.table, column))


def is_known(step: StepSql, column: Column) -> bool:
    """Whether a column does not follow what is made anew, or follows a third table."""
    translation = translation_of(step.step, column.name)
    parent = step.plan.step(translation.parent) if translation is not None else None
    if translation is None or parent is None:
        return translation is None
    followed = translation.value_columns[[fold(name) for name in translation.targets].index(fold(column.name))]
    own = parent.column(followed)
    is_made = parent.keys == "mapped" and fold(followed) in map(fold, parent.new_key)
    return not is_made and not translation.beside and own is not None and own.expression is not None
