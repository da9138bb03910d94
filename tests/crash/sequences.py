"""The commands that are killed, each where it belongs in a migration."""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.crash import harness, numbered
from tests.crash.harness import LAST_MIGRATE, ROWS, Death, die, points
from tests.scenarios.harness import Project
from tests.scenarios.shape import Dice
from tests.scenarios.shapes import SHAPES

NUMBERS = "CRASH_POINTS"
TRANSACTIONS = 30  # of the application, before each command that is only looked at


@dataclass(frozen=True)
class Sequence:
    """``before`` brings the migration to where ``command`` is killed; what is a death in it dies there itself.

    ``numbered``: with data migrations. ``still``: nobody writes until the command has died.
    """

    command: str
    shape: str = "text"
    journal_mode: str = "wal"
    before: tuple[str | Death, ...] = ()
    rows: int = ROWS
    numbered: bool = False
    still: bool = False

    def __str__(self) -> str:
        return f"{self.command} ({self.shape}, {self.journal_mode}{', numbered' if self.numbered else ''})"

    def adopt(self, directory: Path) -> Project:
        if self.numbered:
            return numbered.adopt(directory, self.journal_mode, self.shape)
        return Project.adopt(directory / "app", SHAPES[self.shape], self.journal_mode, rows=self.rows)

    def survive(self, directory: Path, at: str, after: bool) -> bool:
        """Whether the command died there."""
        death = Death(self.command, at, after)
        if self.command.startswith("cleanup-old"):
            return harness.survive_cleanup(directory, death, self.before)
        if self.numbered:
            return numbered.survive(directory, self.shape, self.journal_mode, death, self.before)
        return harness.survive(
            directory, self.shape, self.journal_mode, death, self.before, rows=self.rows, still=self.still
        )


# The next migrate finds its groups itself: nothing is handed on where recording has begun.
BEGUN = Death("migrate", "os.link", False)
# Rows of each table that are still several chunks, in half the time.
FEW = 300
MERGED = (
    Sequence("migrate", "merged", rows=FEW, still=True),
    Sequence("migrate", "merged", "delete", (BEGUN,), rows=FEW),
    Sequence("drain --cutover", "merged", "wal", ("migrate",), rows=FEW),
    Sequence("drain", "merged", "delete", ("migrate",), rows=FEW),
    Sequence("cutover", "merged", "delete", ("migrate", "drain"), rows=FEW),
)
NUMBERED = (
    Sequence("drain --cutover", journal_mode="delete", before=("migrate",), numbered=True),
    Sequence("migrate --offline", numbered=True),
)
SEQUENCES = (
    Sequence("migrate", "cascades"),
    Sequence("migrate", "alike"),  # copied as it is
    Sequence("migrate", "pages"),  # the whole file at once
    Sequence("migrate", "mapped-key", "delete"),
    Sequence("migrate --throttle 50", "mapped-key", "delete"),
    Sequence("migrate --offline", "mapped-key"),
    Sequence("migrate --wal", "composite", "delete"),
    Sequence("drain", before=("migrate",)),
    Sequence("drain", "mapped-key", "delete", ("migrate",)),
    Sequence("drain --cutover", before=("migrate",)),
    Sequence("drain --cutover", "cascades", "delete", ("migrate",)),
    Sequence("cutover", before=("migrate", "drain")),
    Sequence("cutover", "mapped-key", "delete", ("migrate", "drain")),
    Sequence("reset", before=("migrate", "drain")),
    Sequence(f"runs rollback {LAST_MIGRATE} --yes", before=("migrate",)),
    Sequence("cleanup-old", before=("migrate", "drain --cutover")),
    Sequence("cleanup-old --delete", before=("migrate", "drain --cutover")),
    Sequence("cleanup-old --unfence", before=("migrate", "drain --cutover")),
    *MERGED,
    *NUMBERED,
)


def traced(directory: Path, sequence: Sequence) -> dict[str, list[str]]:
    """The points of the command, with the same writes before it each time and none beside it."""
    project = sequence.adopt(directory)
    dice = Dice(7, 1)
    for command in sequence.before:
        if isinstance(command, Death):
            assert die(project, command)
        else:
            project.run(command)
        if command == "migrate" or isinstance(command, Death):
            _write(project, dice)
    return points(project, sequence.command)


def number_of_points() -> dict[str, int]:
    """How many points each sequence has. Counted once and handed on to child processes.

    Rounds and chunks go by time: workers that counted for themselves would not have the same tests.
    """
    if NUMBERS not in os.environ:
        counts = {}
        for sequence in SEQUENCES:
            with TemporaryDirectory() as directory:
                counts[str(sequence)] = len(traced(Path(directory), sequence)["seen"])
        os.environ[NUMBERS] = json.dumps(counts)
    found: dict[str, int] = json.loads(os.environ[NUMBERS])
    return found


def _write(project: Project, dice: Dice) -> None:
    db = sqlite3.connect(project.old, isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    writes = list(project.shape.writes.values())
    for _ in range(TRANSACTIONS):
        try:
            dice.choice(writes)(db, dice)
        except sqlite3.IntegrityError:
            continue
    db.close()
