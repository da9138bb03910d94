"""How the transfer leaves room for the application: a share of the time, and pauses where the application suffers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hotmig import units

MOST_WAL_BYTES = 256_000_000  # of the live file's log: from here on it has to stop growing before the next read
MOST_COMMIT_SECONDS = 0.05
PAUSE_SECONDS = 0.25
MOST_PAUSES = 20  # what does not get better in that time, 5 s, is not for us to mend


@dataclass
class Pace:
    """``share`` of the time is for work, when it is throttled; ``commit`` then makes one commit to the live file, as
    any writer does, and returns its seconds. ``tell`` hears why the work rests, None once it goes on.

    ``largest_wal`` is the largest size, in bytes, that the live file's log was seen to have.
    """

    share: float = 1.0
    commit: Callable[[], float] | None = None
    tell: Callable[[str | None], None] = lambda _: None
    largest_wal: int = 0
    given_up: bool = False  # the log grew through a whole rest: somebody else reads, and no rest of ours helps

    @property
    def is_throttled(self) -> bool:
        return self.commit is not None

    def rest(self, old: Path, worked: float) -> None:
        """Between two snapshots, when nothing is read: behind ``worked`` seconds of work."""
        if self.share < 1 and worked > 0:
            self.tell(f"throttled to {self.share:.0%} of the time")
            time.sleep(worked * (1 / self.share - 1))
        rested = self._until(lambda: self._growing_log(old))
        self.given_up = self.given_up or not rested
        if self.commit is not None:
            self._until(self._slow_commit)

    def see(self, old: Path) -> None:
        """Looks at the live file's log once more."""
        self.largest_wal = max(self.largest_wal, wal_size(old))

    def _until(self, reason: Callable[[], str | None]) -> bool:
        """Rests as long as there is a reason; False where that did not end in time."""
        paused, ended = False, False
        for _ in range(MOST_PAUSES):
            told = reason()
            if told is None:
                ended = True
                break
            self.tell(told)
            paused = True
            time.sleep(PAUSE_SECONDS)
        if paused:
            self.tell(None)
        return ended

    def _growing_log(self, old: Path) -> str | None:
        """A checkpoint copies no further than to where the oldest reader began, and the log starts over without one.

        The file keeps its size then: what still grows is a log that nobody could reset since.
        """
        size, before = wal_size(old), self.largest_wal
        self.see(old)
        grows = size > max(MOST_WAL_BYTES, before) and before > 0
        self.given_up = self.given_up and grows
        if not grows or self.given_up:
            return None
        return f"the old database's log has grown to {units.size(size)}: its application's checkpoints need a gap"

    def _slow_commit(self) -> str | None:
        seconds = self.commit() if self.commit is not None else 0.0
        if seconds <= MOST_COMMIT_SECONDS:
            return None
        return f"a commit to the old database took {seconds * 1000:.0f} ms"


def wal_size(old: Path) -> int:
    """Bytes of the log beside a live file, 0 without one. By stat: to open and close it would drop SQLite's locks."""
    try:
        return os.stat(os.path.realpath(old) + "-wal").st_size
    except OSError:
        return 0
