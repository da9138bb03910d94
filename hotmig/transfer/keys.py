"""The logged keys: which rows have to be read again, widened to every row whose new value depends on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hotmig.errors import Refused
from hotmig.planning.model import Translation
from hotmig.sqlite import conjunction, execute, fold, quote, value
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql, matches


@dataclass
class LoggedKeys:
    """Keys are collected in the session's ``temp.keys_<n>`` tables; ``upto`` is the last log row they come from.

    ``whole`` holds the number of each step whose table carries a whole-table mark: every row of it counts as logged.
    """

    session: Session
    upto: int
    whole: set[int] = field(default_factory=set)

    def forget(self, upto: int) -> None:
        """Empties the collection: everything up to that log row has been replayed."""
        for step in self.session.steps:
            execute(self.session.db, f"DELETE FROM {step.keys}")
        self.whole.clear()
        self.upto = upto

    def load(self) -> int:
        """Adds what was logged since, inside the session's snapshot. Returns how many log rows that were."""
        newest = self.session.last_log_id()
        if newest < self.upto:
            raise Refused(
                f"the log ends at row {newest}, and {self.upto} were replayed: the old database was put back from a "
                "backup, or log rows were deleted",
                "run `hotmig reset`, then `hotmig migrate`",
            )
        added = newest - self.upto
        if added <= 0:
            return 0
        for step in self.session.steps:
            self._load_step(step, newest)
        self.upto = newest
        self._widen()
        return added

    def is_empty(self, step: StepSql) -> bool:
        return value(self.session.db, f"SELECT 1 FROM {step.keys} LIMIT 1") is None

    def unlogged(self, step: StepSql, key: Sequence[str]) -> str:
        """The condition that the row with that old key is not logged."""
        if self.is_empty(step):
            return "1"
        logged = matches(step.key_of("x"), [f"+{name}" for name in key])
        return f"NOT EXISTS (SELECT 1 FROM {step.keys} AS x WHERE {logged})"

    def _load_step(self, step: StepSql, newest: int) -> None:
        table = step.source_key.table
        width = len(step.source_key.columns)
        columns = ", ".join(f"key_{number}" for number in range(1, width + 1))
        span = (self.upto, newest, table)
        where = "id > ? AND id <= ? AND table_name = ?"
        # OR IGNORE acts on this temporary set alone: a key that is logged twice is one key.
        execute(
            self.session.db,
            f"INSERT OR IGNORE INTO {step.keys} SELECT {columns} FROM old._migration_log"
            f" WHERE {where} AND key_1 IS NOT NULL",
            span,
        )
        mark = f"SELECT 1 FROM old._migration_log WHERE {where} AND key_1 IS NULL LIMIT 1"
        if value(self.session.db, mark, span) is not None:
            self.whole.add(step.step.number)

    def _widen(self) -> None:
        """Adds the children whose translated reference may have changed with a logged parent."""
        edges = [
            (child, one)
            for child in self.session.steps
            for one in child.step.translations
            if not child.follows_only_the_key(one)
        ]
        changed = bool(edges)
        while changed:
            before = self.session.db.total_changes
            grown = [self._widen_edge(child, one) for child, one in edges]
            changed = any(grown) or self.session.db.total_changes != before

    def _widen_edge(self, child: StepSql, edge: Translation) -> bool:
        parent = next(step for step in self.session.steps if fold(step.step.table.name) == fold(edge.parent))
        if parent.step.number in self.whole:
            grown = child.step.number not in self.whole
            self.whole.add(child.step.number)
            return grown
        children = ", ".join(child.source_key_of("o"))
        by_key = dict(zip((fold(n) for n in parent.source_key.columns), parent.key_of("k"), strict=True))
        if {fold(name) for name in edge.parent_columns} == set(by_key):
            pairs = zip(edge.columns, edge.parent_columns, strict=True)
            join = conjunction(
                f"o.{quote(ours)} = {by_key[fold(theirs)]} COLLATE {quote(_collation(parent, theirs))}"
                for ours, theirs in pairs
            )
            self._add(child, f"SELECT {children} FROM {parent.keys} AS k CROSS JOIN {child.source} AS o ON {join}")
        elif edge.orphans == "null" and self._some_are_gone(parent):
            # What the row that is gone was called is not known any more, so any child may have lost its parent.
            grown = child.step.number not in self.whole
            self.whole.add(child.step.number)
            return grown
        pairs = zip(edge.columns, edge.parent_columns, strict=True)
        # The left side's collation counts, and a foreign key goes by the parent's.
        join = conjunction(f"q.{quote(theirs)} = o.{quote(ours)}" for ours, theirs in pairs)
        found = matches(parent.source_key_of("q"), parent.key_of("k"), parent.source_collations)
        self._add(
            child,
            f"SELECT {children} FROM {parent.keys} AS k CROSS JOIN {parent.source} AS q ON {found}"
            f" CROSS JOIN {child.source} AS o ON {join}",
        )
        return False

    def _add(self, child: StepSql, select: str) -> None:
        execute(self.session.db, f"INSERT OR IGNORE INTO {child.keys} {select}")

    def _some_are_gone(self, parent: StepSql) -> bool:
        found = matches(parent.source_key_of("q"), parent.key_of("k"), parent.source_collations)
        gone = f"SELECT 1 FROM {parent.keys} AS k WHERE NOT EXISTS (SELECT 1 FROM {parent.source} AS q WHERE {found})"
        return value(self.session.db, f"{gone} LIMIT 1") is not None


def _collation(parent: StepSql, name: str) -> str:
    column = parent.step.source.column(name) if parent.step.source else None
    return column.collation if column else "BINARY"
