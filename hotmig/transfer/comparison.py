"""Whether a new row is as its projection says, column by column, and the UPDATE that makes it so where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from hotmig.catalog.affinity import column_affinity, stored
from hotmig.catalog.lexer import tokens
from hotmig.planning.as_is import added_columns
from hotmig.planning.model import ColumnStep
from hotmig.planning.rows import indexed_columns
from hotmig.sqlite import conjunction, disjunction, fold, quote, same
from hotmig.transfer.key_sql import matches

if TYPE_CHECKING:
    from hotmig.transfer.step_sql import StepSql


@dataclass(frozen=True)
class Comparison:
    """SQL for one step; rows of the projection have the columns of its view."""

    sql: StepSql

    def differs(self, row: str, target: str) -> str:
        """Whether any written column of ``target`` is not the *same* as in ``row``."""
        return f"NOT {conjunction(self._alike(row, target).values())}"

    def _alike(self, row: str, target: str) -> dict[str, str]:
        """Of each written column, by its position in the view, whether it is the *same* in both."""
        table, terms = self.sql.step.table, {}
        for number, written in enumerate(self.sql.written, 1):
            column = table.column(written.name)
            if column is None:
                continue
            kind = column_affinity(table, column)
            # A TEXT column holds no number: whatever is equal to what it has is the same.
            stored_as = kind if kind == "TEXT" or self._is_projected(written) else None
            own, value = f"{target}.{quote(column.name)}", f"{row}.c{number}"
            alike = same(own, value, signed_zero=kind == "BLOB", stored_as=stored_as)
            if self._varies(written):
                is_given = self.sql.has_seed(row, f"s.wins AND substr(s.given, {number}, 1) = '1'")
                alike = f"CASE WHEN {is_given} THEN {alike} ELSE 1 END"
            terms[f"c{number}"] = alike
        return terms

    def _varies(self, written: ColumnStep) -> bool:
        """Whether where no seed gives it the row has a default that is another one each time: CURRENT_TIMESTAMP."""
        column = self.sql.step.table.column(written.name)
        if column is None or column.default is None or not self.sql.is_given_by_seeds_alone(written):
            return False
        found = [token for token in tokens(column.default) if token.text not in ("+", "-")]
        return len(found) != 1 or (found[0].keyword or "").startswith("CURRENT_")

    @property
    def repeats_lookups(self) -> bool:
        """Whether it asks more than once for a value that is looked up: for the new key by which the row is found, and
        for the type of what refers to another table's, unless it is text."""
        table = self.sql.step.table
        columns = [table.column(name) for one in self.sql.step.translations for name in one.targets]
        kinds = [column_affinity(table, column) for column in columns if column is not None]
        return self.sql.step.keys == "mapped" or any(kind != "TEXT" for kind in kinds)

    def _is_projected(self, column: ColumnStep) -> bool:
        """Whether the value is the projection of one old row's, which is as the new column stores it."""
        plain = column.expression is not None and fold(column.name) not in self.sql.from_elsewhere
        return plain and not self.sql.winning_seeds

    @cached_property
    def change_in_place(self) -> str | None:
        """The UPDATE of rows of which only columns differ that no key and no index knows; None without such columns.

        It leaves the indexes alone, and no UNIQUE value moves.
        """
        sql = self.sql
        known = indexed_columns(sql.step.table)
        if known is None or sql.step.grouping is not None or self.seeds_give_more:
            return None
        # Unary plus: without it SQLite looks r up by its key for every row of the new table. No CROSS JOIN can be said.
        terms, names = self._alike("+r", "n"), {position: name for name, position in sql.positions.items()}
        free = {position: names[position] for position in terms if names[position] not in known}
        if not free:
            return None
        own = [f"+{name}" for name in sql.new_key_of("r")]
        found = matches(sql.target_key_of("n"), own, sql.target_collations)
        rest = conjunction(term for position, term in terms.items() if position not in free)
        values = ", ".join(f"{quote(name)} = r.{position}" for position, name in free.items())
        changed = f"NOT {conjunction(terms[position] for position in free)}"
        update = f"UPDATE OR ABORT {sql.target} AS n SET {values} FROM {sql.rows} AS r"
        return f"{update} WHERE {found} AND {rest} AND {changed}"

    @property
    def seeds_give_more(self) -> bool:
        """Whether a seed gives columns that an old row, to which it yields, does not fill: that has their defaults."""
        filled = {fold(column.name) for column in self.sql.written if not self._varies(column)}
        return any(fold(name) not in filled for seed in self.sql.step.seeds for name in seed.columns)

    def has_others_added(self, target: str) -> str:
        """Whether a column that ALTER TABLE added behind a copy as it is has not its default.

        Rows that are longer than the old table's definition said would show what they hide.
        """
        step = self.sql.step
        added = added_columns(step) if step.how == "as-is" else ()
        terms = []
        for column in added:
            constant = stored(column.default or "NULL", column_affinity(step.table, column))
            terms.append(f"NOT {same(f'{target}.{quote(column.name)}', constant)}")
        return disjunction(terms)
