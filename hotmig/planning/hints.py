"""Which Was and From of the module still count: each is used once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from hotmig.catalog.model import Table
from hotmig.planning.model import Hint
from hotmig.schema.model import ColumnRules, Schema
from hotmig.sqlite import fold, quote


def hints_of(schema: Schema) -> frozenset[Hint]:
    """All hints that the module declares."""
    hints: set[Hint] = set()
    for rules in schema.tables:
        if rules.was is not None:
            hints.add(Hint("was", rules.table, "", rules.was))
        for column in rules.columns:
            text = was_text(column)
            if text is not None:
                hints.add(Hint("was", rules.table, column.column, text))
            if column.source is not None:
                hints.add(Hint("from", rules.table, column.column, column.source))
    return frozenset(hints)


def was_text(rules: ColumnRules) -> str | None:
    """A column's Was as ``_schema_hint`` remembers it: the name, or several names quoted as SQL; None without one."""
    return ", ".join(map(quote, rules.together)) if rules.together else rules.was


class UsedHints:
    """The hints that made the old database, found without regard to the case of table and column.

    Those of columns go by the name that the table has there: renamed since, it does not make them count again, and what
    comes under a name that another table had has done nothing yet.
    """

    def __init__(self, hints: Iterable[Hint]) -> None:
        self._used = {(hint.kind, fold(hint.table), fold(hint.column), hint.text) for hint in hints}

    def has(self, kind: Literal["from", "was"], table: str, column: str, text: str | None) -> bool:
        return (kind, fold(table), fold(column), text) in self._used

    def has_was(self, source: Table, rules: ColumnRules) -> bool:
        """Whether the column's Was was used up, in the rows of that old table."""
        return self.has("was", source.name, rules.column, was_text(rules))

    def has_from(self, source: Table, rules: ColumnRules) -> bool:
        """The same of its From."""
        return self.has("from", source.name, rules.column, rules.source)
