"""The application: a process that writes without pause and tells at its end how it fared.

    python -m hotmig.application.writer shop.sqlite --follow DIR

It knows of hotmig only what the runbook tells every application: two messages, and ``_migration_status``.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from hotmig.application import shop
from hotmig.application.statements import Write, read_writes
from hotmig.errors import GaveUp
from hotmig.sqlite import connect, execute, reading, transaction, value

PAUSED = "hotmig: writes are paused for a migration to "
REPLACED = re.compile(r"hotmig: this database was replaced by (?P<file>.+)")
ALTERED = re.compile(r"no such |table .* has no column named ")
LOCK_SECONDS = 30.0
RETRY_SECONDS = 0.001
READY_POLL_SECONDS = 0.001


@dataclass
class Tally:
    """What became of the writes. ``waits`` has for each accepted one when (``time.monotonic()``) its commit returned,
    and the seconds since the first try. ``gaps`` are those from the last commit in a file to the first in another."""

    accepted: Counter[str] = field(default_factory=Counter)
    accepted_new: Counter[str] = field(default_factory=Counter)
    refused_paused: int = 0
    locked_out: int = 0
    failed: int = 0
    waits: list[tuple[float, float]] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)

    def accept(self, kind: str, began: float, *, new: bool, arrived: bool) -> None:
        """A write was accepted: ``new`` in a file that replaced another, ``arrived`` as the first one in it."""
        now = time.monotonic()
        if arrived and self.waits:
            self.gaps.append(now - self.waits[-1][0])
        self.waits.append((now, now - began))
        (self.accepted_new if new else self.accepted)[kind] += 1

    def summary(self) -> dict[str, object]:
        """The report as JSON shows it: counts by kind, the longest wait and percentiles in milliseconds."""
        ordered = sorted(seconds for _, seconds in self.waits)
        percentiles = {f"p{percent}": _milliseconds(share(ordered, percent)) for percent in (50, 95, 99)}
        return {
            "format": 1,
            "accepted": dict(self.accepted),
            "accepted_by_new": dict(self.accepted_new),
            "accepted_total": self.accepted.total() + self.accepted_new.total(),
            "refused_while_paused": self.refused_paused,
            "locked_out": self.locked_out,
            "failed": self.failed,
            "longest_wait_ms": _milliseconds(ordered[-1] if ordered else 0.0),
            "latency_ms": percentiles,
        }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def share(ordered: Sequence[float], percent: int) -> float:
    """The value that ``percent`` per cent of the ordered ones do not exceed, 0 where there are none."""
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)] if ordered else 0.0


class ReplacedError(Exception):
    """The database was replaced; the argument is the file name of the new one."""


@dataclass
class Application:
    """With one connection at a time. ``patience`` is how long a write waits for a lock before it is refused."""

    db: sqlite3.Connection
    writes: Mapping[str, Write]
    new_writes: Mapping[str, Write]
    random: Random
    tally: Tally
    follow: Path | None = None
    patience: float = LOCK_SECONDS
    stopping: bool = False
    moved: bool = False
    arrived: bool = False

    def stop(self, *_signal: object) -> None:
        self.stopping = True

    def write(self) -> None:
        """One write, tried until one is accepted, wherever the database has moved to."""
        began = time.monotonic()
        while not self.stopping:
            kind = self.random.choice(list(self.writes))
            try:
                if not self.attempt(kind):
                    continue
            except ReplacedError as replaced:
                self.move_to(str(replaced))
                continue
            self.tally.accept(kind, began, new=self.moved, arrived=self.arrived)
            self.arrived = False
            return

    def attempt(self, kind: str) -> bool:
        """One transaction: whether it was accepted. Raises ReplacedError when the database is retired."""
        try:
            with transaction(self.db, self.patience, "the application's database"):
                self.writes[kind](self.db, self.random)
        except (sqlite3.IntegrityError, LookupError) as error:
            if match := REPLACED.match(str(error)):
                raise ReplacedError(match["file"]) from error
            self.refused(str(error))
            return False
        except GaveUp:
            self.tally.locked_out += 1
            return False
        except sqlite3.OperationalError as error:
            if self.writes is self.new_writes or not ALTERED.match(str(error)):
                raise
            # Somebody changed the schema in place: the next version of the application is deployed.
            self.tally.failed += 1
            self.writes = self.new_writes
            return False
        return True

    def refused(self, message: str) -> None:
        """While writes are paused the application waits a moment; anything else is a write that makes no sense."""
        if message.startswith(PAUSED):
            self.tally.refused_paused += 1
            time.sleep(RETRY_SECONDS)
        else:
            self.tally.failed += 1

    def move_to(self, file: str) -> None:
        """Goes on with the new database as soon as it is ready; stops when it was not told to follow."""
        if self.follow is None:
            self.stopping = True
            return
        path = self.follow / file
        while not self.stopping and not is_ready(path):
            time.sleep(READY_POLL_SECONDS)
        self.db.close()
        self.db, self.writes, self.moved, self.arrived = open_database(path), self.new_writes, True, True


def open_database(path: Path) -> sqlite3.Connection:
    db = connect(path, patience=LOCK_SECONDS)
    execute(db, "PRAGMA foreign_keys = ON")
    execute(db, "PRAGMA synchronous = NORMAL")
    return db


def is_ready(path: Path) -> bool:
    with reading(path) as db:
        return bool(value(db, "SELECT status FROM _migration_status") == "ready")


def run(application: Application, seconds: float | None, pace: float) -> None:
    """Writes until told to stop, for ``seconds`` at most, sleeping ``pace`` seconds between writes."""
    deadline = time.monotonic() + seconds if seconds is not None else float("inf")
    while not application.stopping and time.monotonic() < deadline:
        application.write()
        if pace:
            time.sleep(pace)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hotmig.application.writer", description="An application that writes.")
    parser.add_argument("database", type=Path)
    parser.add_argument("--writes", type=Path, metavar="FILE", help="what it writes, as JSON (otherwise a shop's)")
    parser.add_argument("--follow", type=Path, metavar="DIR", help="go on with the new file in DIR")
    parser.add_argument("--seconds", type=float, help="stop after that time (otherwise on SIGTERM)")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds to sleep between writes")
    parser.add_argument("--patience", type=float, default=LOCK_SECONDS, help="seconds that a write waits for a lock")
    parser.add_argument("--waits", action="store_true", help="tell of each write when it was accepted, and its wait")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    writes, new_writes = read_writes(options.writes) if options.writes else (shop.OLD_WRITES, shop.NEW_WRITES)
    application = Application(
        open_database(options.database), writes, new_writes, Random(options.seed), Tally(), options.follow,
        options.patience,
    )  # fmt: skip
    signal.signal(signal.SIGTERM, application.stop)
    signal.signal(signal.SIGINT, application.stop)
    print("writing", flush=True)
    run(application, options.seconds, options.pace)
    application.db.close()
    summary = application.tally.summary()
    each = {"waits": application.tally.waits, "gaps": application.tally.gaps} if options.waits else {}
    print(json.dumps({**summary, **each}), flush=True)


if __name__ == "__main__":
    main()
