"""One connection for all of the transfer: main is the new file, ``old`` the live one, attached read-only."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from hotmig.planning.model import CopyPlan
from hotmig.sqlite import connect, execute, file_uri, persist, transaction, value
from hotmig.transfer.groups.sql import GroupSql, groups_of
from hotmig.transfer.pace import Pace
from hotmig.transfer.seeds import create_seeds
from hotmig.transfer.step_sql import StepSql, steps_with_source
from hotmig.transfer.value_maps import create_value_maps

CACHE_KIB = 32 * 1024
OLD_CACHE_KIB = 16 * 1024
WRITERS_TURN_SECONDS = 0.01
RESET_SECONDS = 0.005

Report = Callable[[str, int], None]  # (table, rows of the last chunk)
Step = Callable[[str, str], AbstractContextManager[None]]  # (action, object): stands around each side effect


def unrecorded(_action: str, _object: str) -> AbstractContextManager[None]:
    """A Step for callers who write nothing down."""
    return nullcontext()


@dataclass(frozen=True)
class Session:
    """An open transfer. ``seconds`` is how long it waits for any one lock, ``file`` the new database's name.

    ``last_assigned`` keeps, for each table whose keys are mapped, the last new key that was given out; ``stale_texts``
    has the full-text indexes whose tables were changed since they were made, ``regrouped`` the tables of which groups
    were looked at again.
    """

    db: sqlite3.Connection
    plan: CopyPlan
    steps: tuple[StepSql, ...]
    wal: bool  # of the old file: in rollback-journal mode a reader holds up the writers
    seconds: float
    file: str
    step: Step
    old: Path = Path()  # the live file
    last_assigned: dict[str, int] = field(default_factory=dict)
    stale_texts: set[str] = field(default_factory=set)
    regrouped: set[str] = field(default_factory=set)
    groups: tuple[GroupSql, ...] = ()  # of the tables whose rows become one
    pace: Pace = field(default_factory=Pace)

    def group(self, step: StepSql) -> GroupSql | None:
        """How the rows of a table are grouped, None where each stays by itself."""
        return next((group for group in self.groups if group.step.number == step.step.number), None)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """One transaction of the new file that reads one committed state of the old one."""
        with transaction(self.db, self.seconds, "the new database"):
            persist(self.db, "SELECT 1 FROM old.sqlite_schema LIMIT 1", self.seconds, "the old database's writer")
            yield

    @contextmanager
    def building(self) -> Iterator[None]:
        """One transaction of the new file alone.

        BEGIN IMMEDIATE starts to read every attached file too: in rollback-journal mode the application would wait
        until the index is built.
        """
        with transaction(self.db, self.seconds, "the new database", begin="BEGIN"):
            yield

    def let_writers_in(self, worked: float = 0.0) -> None:
        """Between two snapshots: a writer that polls would find no gap between reads that follow at once.

        In WAL it is the log that needs the gap: it starts over only while nobody reads. ``worked`` is how many seconds
        the last snapshot took, where a share of the time is kept for it.
        """
        time.sleep(WRITERS_TURN_SECONDS if not self.wal else RESET_SECONDS)
        self.pace.rest(self.old, worked)

    def note_rest(self, reason: str | None) -> None:
        """Writes down why the work rests, for ``status``; None once it goes on."""
        with self.building():
            execute(self.db, "UPDATE main._migration_progress SET resting = ? WHERE resting IS NOT ?", (reason, reason))

    def last_log_id(self) -> int:
        """The newest log row of the snapshot, 0 when nothing was logged."""
        newest: int | None = value(self.db, "SELECT max(id) FROM old._migration_log")
        return newest or 0


@contextmanager
def open_session(
    new: Path,
    old: Path,
    plan: CopyPlan,
    seconds: float,
    extensions: tuple[str, ...] = (),
    step: Step = unrecorded,
    pace: Pace | None = None,
) -> Iterator[Session]:
    """Opens the new file and attaches the old one.

    Attached ``mode=ro``: a BEGIN IMMEDIATE takes the write lock of every file attached read-write. Foreign keys
    are off, no trigger of the new schema exists yet.
    """
    db = connect(new, "rw", extensions=extensions, patience=seconds)
    try:
        db.create_function("hotmig_orphan", 0, _orphan)
        execute(db, f"PRAGMA cache_size = -{CACHE_KIB}")
        execute(db, "PRAGMA temp_store = FILE")
        # Safe against corruption at any moment; what has to be durable is committed with FULL.
        execute(db, "PRAGMA main.synchronous = NORMAL")
        execute(db, "ATTACH ? AS old", (file_uri(old, "mode=ro"),))
        # For the index in which children look their parents up; SQLite's own 2 MB would be read again and again.
        execute(db, f"PRAGMA old.cache_size = -{OLD_CACHE_KIB}")
        wal = _journal_mode(db, seconds) == "wal"
        steps = steps_with_source(plan)
        create_value_maps(db, plan.steps)
        for each in steps:
            create_seeds(db, each)
            for sql in each.create:
                execute(db, sql)
        groups = groups_of(steps)
        for group in groups:
            for sql in group.create_temporary:
                execute(db, sql)
        yield Session(db, plan, steps, wal, seconds, new.name, step, old, groups=groups, pace=pace or Pace())
    finally:
        db.close()


def _orphan() -> None:
    """Called by a projection for a reference to no row; raising is what stops the statement."""
    raise LookupError("a reference finds no row")


def _journal_mode(db: sqlite3.Connection, seconds: float) -> str:
    persist(db, "SELECT 1 FROM old.sqlite_schema LIMIT 1", seconds, "the old database's writer")
    mode: str = value(db, "PRAGMA old.journal_mode")
    return mode
