"""The logged keys: which rows have to be read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hotmig.errors import BEGIN_ANEW, Refused
from hotmig.sqlite import execute, value
from hotmig.transfer.groups.tables import pending
from hotmig.transfer.groups.upkeep import begin, mark_all, mark_latest
from hotmig.transfer.key_sql import matches
from hotmig.transfer.ranges import ChunkSize, Stopwatch
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql
from hotmig.transfer.widen import widen
from hotmig.units import counted

SPAN = "id > ? AND id <= ?"


@dataclass
class LoggedKeys:
    """Keys are collected in the session's ``temp._migration_keys_<n>``; ``upto`` is the last log row they come from.

    ``whole`` holds the number of each step whose table carries a whole-table mark: every row of it counts as logged.
    """

    session: Session
    upto: int
    whole: set[int] = field(default_factory=set)
    has_pending: bool = False  # whether rows count as logged that the log does not name
    _knows_pending: bool = False

    def forget(self, upto: int) -> None:
        """Empties the collection: everything up to that log row has been replayed."""
        for step in self.session.steps:
            execute(self.session.db, f"DELETE FROM {step.keys}")
        self.whole.clear()
        self.upto = upto
        self._knows_pending = False

    def load(self, most: int | None = None, *, after_copy: bool = False) -> int:
        """Adds what was logged since, inside the session's snapshot. Returns how many log rows that were.

        ``most`` is how many log rows are looked at; without it, all of them. ``after_copy`` says that nothing was
        replayed yet.
        """
        self._load_pending()
        newest = self.session.last_log_id()
        if newest < self.upto:
            raise Refused(
                f"the log ends at row {newest}, and {self.upto} were replayed: the old database was put back from a "
                "backup, or log rows were deleted",
                BEGIN_ANEW,
            )
        if most is not None:
            newest = min(newest, self.upto + most)
        added = newest - self.upto
        if added == 0:
            return 0
        self._require_whole(newest)
        begin(self.session)
        # One look for all tables: of a hundred most are not in a portion of the log.
        named = f"SELECT DISTINCT table_name, key_1 IS NULL FROM old._migration_log WHERE {SPAN}"
        found = set(execute(self.session.db, named, (self.upto, newest)).fetchall())
        for step in self.session.steps:
            execute(self.session.db, f"DELETE FROM {step.latest}")
            if (step.source_key.table, 0) in found:
                self._load_step(step, newest)
            if (step.source_key.table, 1) in found:
                self._mark_whole(step)
        self.upto = newest
        mark_latest(self.session)
        widen(self.session, self.whole, after_copy=after_copy)
        for step in self.session.steps:
            execute(self.session.db, f"INSERT OR IGNORE INTO {step.keys} SELECT * FROM {step.latest}")
            if self.session.groups:
                waiting = pending(step.step.number)
                execute(self.session.db, f"INSERT OR IGNORE INTO {waiting} SELECT * FROM {step.latest}")
        return added

    def _load_pending(self) -> None:
        """What an earlier look widened the keys to, before the groups were brought up to its snapshot."""
        if self._knows_pending or not self.session.groups:
            return
        self._knows_pending = True
        for step in self.session.steps:
            found = f"INSERT OR IGNORE INTO {step.keys} SELECT * FROM {pending(step.step.number)}"
            self.has_pending |= execute(self.session.db, found).rowcount > 0

    def load_backlog(self) -> None:
        """Adds all but the latest, in snapshots of their own: what a long break left would make a chunk's read long."""
        size, newest = ChunkSize.for_log(self.session), self.session.last_log_id()
        while newest - self.upto > size.rows:  # what comes meanwhile is left to the chunks: this has to end
            with self.session.snapshot():
                watch = Stopwatch()
                self.load(size.rows)
            size.took(watch.seconds())
            self.session.let_writers_in()

    def is_empty(self, step: StepSql) -> bool:
        return value(self.session.db, f"SELECT 1 FROM {step.keys} LIMIT 1") is None

    def unlogged(self, step: StepSql, key: Sequence[str]) -> str:
        """The condition that the row with that old key is not logged."""
        if self.is_empty(step):
            return "1"
        logged = matches(step.key_of("x"), [f"+{name}" for name in key])
        return f"NOT EXISTS (SELECT 1 FROM {step.keys} AS x WHERE {logged})"

    def _require_whole(self, newest: int) -> None:
        """The log is append-only and numbered without a gap: rolled back rows give their numbers back."""
        span = f"SELECT count(*) FROM old._migration_log WHERE {SPAN}"
        missing = newest - self.upto - value(self.session.db, span, (self.upto, newest))
        if missing:
            raise Refused(f"{counted(missing, 'row')} of the log were deleted: not every write is known", BEGIN_ANEW)

    def _load_step(self, step: StepSql, newest: int) -> None:
        columns = ", ".join(f"key_{number}" for number in range(1, len(step.source_key.columns) + 1))
        # OR IGNORE acts on this temporary set alone: a key that is logged twice is one key.
        execute(
            self.session.db,
            f"INSERT OR IGNORE INTO {step.latest} SELECT {columns} FROM old._migration_log"
            f" WHERE {SPAN} AND table_name = ? AND key_1 IS NOT NULL",
            (self.upto, newest, step.source_key.table),
        )

    def _mark_whole(self, step: StepSql) -> None:
        self.whole.add(step.step.number)
        if (group := self.session.group(step)) is not None:
            mark_all(self.session, group)
