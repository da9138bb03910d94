"""The application: connections that write, hold transactions open, and know what was accepted."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.model.operations_shop import OLD, Contents, Rejected, Write

Fate = Literal["accepted", "refused", "busy", "open"]


@dataclass
class Client:
    """One connection. ``pending`` is what the shop will hold once its open transaction is committed.

    ``changes``: rows that the transaction has changed so far, whatever the model says.
    """

    path: Path
    release: str
    db: sqlite3.Connection = field(init=False)
    pending: Contents | None = None
    before: int = 0

    @property
    def changes(self) -> int:
        return self.db.total_changes - self.before if self.db.in_transaction else 0

    def __post_init__(self) -> None:
        self.db = sqlite3.connect(self.path, isolation_level=None, timeout=0)
        self.db.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        self.pending = None
        self.db.close()

    def read(self) -> None:
        """Begins a transaction that only reads, and keeps its snapshot."""
        if not self.db.in_transaction:
            self.before = self.db.total_changes
            self.db.execute("BEGIN")
        try:
            self.db.execute("SELECT count(*) FROM item").fetchone()
        except sqlite3.OperationalError as error:
            _require_busy(error)
            self.rollback()

    def write(self, shop: Contents | None, writes: tuple[Write, ...]) -> Fate:
        """Writes in the transaction that is open, or in a new one, which it leaves open.

        Without a ``shop`` nothing is known of what the file holds: it is not the one in service.
        """
        if not self.db.in_transaction:
            self.before = self.db.total_changes
        try:
            if not self.db.in_transaction:
                self.db.execute("BEGIN IMMEDIATE")
            elif self.pending is None:
                self.db.execute("DELETE FROM event WHERE 0")  # from reading to writing: fails on an old snapshot
            for write in writes:
                self._attempt(shop, write)
        except sqlite3.Error as error:
            self.rollback()
            return _fate(error)
        return "open"

    def _attempt(self, shop: Contents | None, write: Write) -> None:
        """One write; one that breaks a constraint is left out, as the model says."""
        wanted, rejected = _expected(self.pending or shop, write)
        self.db.execute("SAVEPOINT one")
        if broken := self._broken(write):
            self.db.execute("ROLLBACK TO one")
        assert rejected in (None, broken), f"{write} was {'rejected' if broken else 'accepted'}"
        if not broken:
            self.pending = wanted
        self.db.execute("RELEASE one")

    def _broken(self, write: Write) -> bool:
        """Executes it; says whether it broke a constraint of the application's own."""
        try:
            write.write(self.db, self.release == OLD)
        except sqlite3.IntegrityError as error:
            if "hotmig:" in str(error):
                raise
            return True
        return False

    def commit(self) -> Fate:
        """Commits; a transaction that meets a lock is rolled back."""
        try:
            if self.db.in_transaction:
                self.db.execute("COMMIT")
        except sqlite3.Error as error:
            self.rollback()
            return _fate(error)
        return "accepted"

    def rollback(self) -> None:
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")
        self.pending = None


def _expected(shop: Contents | None, write: Write) -> tuple[Contents | None, bool | None]:
    """What the model makes of a write, and whether it rejects it: None where it does not know the rows."""
    if shop is None:
        return None, None
    wanted = shop.copy()
    try:
        write.model(wanted)
    except Rejected:
        return wanted, True
    return wanted, False


def _fate(error: sqlite3.Error) -> Fate:
    # A trigger whose table an operator has dropped lets nothing be written either.
    if "hotmig:" in str(error) or ("no such table" in str(error) and "_migration_" in str(error)):
        return "refused"
    _require_busy(error)
    return "busy"


def _require_busy(error: sqlite3.Error) -> None:
    if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise error
