"""The application of the model: transactions of random writes, and what became of each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.model.schemas import Table
from tests.scenarios.exact import Cell, Real, Row, Text, cell, plain, quote

Verb = Literal["", "OR IGNORE", "OR REPLACE"]
Fate = Literal["accepted", "refused", "busy", "rolled back"]


@dataclass(frozen=True)
class ParentKey:
    """What one of the parent's rows (the ``nth``, counted round) is referred to by, perhaps in another case."""

    nth: int
    swap_case: bool = False


Value = Cell | ParentKey


@dataclass(frozen=True)
class Insert:
    """``values`` go with the table's columns; ``rowid`` is given where an application may choose it."""

    table: Table
    verb: Verb
    values: tuple[Value, ...]
    rowid: int | None = None
    upsert: bool = False


@dataclass(frozen=True)
class Update:
    table: Table
    verb: Verb
    nth: int
    column: str
    value: Value


@dataclass(frozen=True)
class Delete:
    """``nth`` None deletes everything."""

    table: Table
    nth: int | None


@dataclass(frozen=True)
class Swap:
    """Two rows exchange one column's values, by way of one that is held aside: the second row is taken out first."""

    table: Table
    first: int
    second: int
    column: str


@dataclass(frozen=True)
class Disguise:
    """Every value of a row gives way to one that SQLite takes for equal: another case, REAL for INTEGER, -0.0 for 0.0.

    It depends on the column which of them it takes for equal, and which it turns back.
    """

    table: Table
    nth: int


Write = Insert | Update | Delete | Swap | Disguise


@dataclass(frozen=True)
class Transaction:
    """``savepoint``: from that write on, everything is rolled back to a savepoint before the commit."""

    writes: tuple[Write, ...]
    commit: bool = True
    savepoint: int | None = None


class Application:
    """One connection with foreign keys on, that never waits: what is locked is tried again later."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, timeout=0)
        self.db.text_factory = Text
        self.db.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        self.db.close()

    def run(self, transaction: Transaction) -> Fate:
        """Runs a transaction as applications do: statements that break a constraint are left out."""
        try:
            self.db.execute("BEGIN IMMEDIATE")
            for number, write in enumerate(transaction.writes):
                if number == transaction.savepoint:
                    self.db.execute("SAVEPOINT aside")
                self._attempt(write)
            if transaction.savepoint is not None and transaction.savepoint < len(transaction.writes):
                self.db.execute("ROLLBACK TO aside")
            if not transaction.commit or self._leaves_orphans():
                self.db.execute("ROLLBACK")
                return "rolled back"
            self.db.execute("COMMIT")
        except sqlite3.Error as error:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            return _fate(error)
        return "accepted"

    def _leaves_orphans(self) -> bool:
        """SQLite 3.40.1 commits a reference to no row now and then: its count of deferred violations
        comes to nothing by what another statement of the transaction does. Such an orphan hotmig refuses, rightly."""
        return self.db.execute("PRAGMA foreign_key_check").fetchone() is not None

    def _attempt(self, write: Write) -> None:
        self.db.execute("SAVEPOINT one")
        try:
            self._do(write)
        except sqlite3.IntegrityError as error:
            if "hotmig:" in str(error):
                raise
            self.db.execute("ROLLBACK TO one")
        self.db.execute("RELEASE one")

    def _do(self, write: Write) -> None:
        if isinstance(write, Insert):
            self._insert(write)
        elif isinstance(write, Update):
            self._update(write)
        elif isinstance(write, Swap):
            self._swap(write)
        elif isinstance(write, Disguise):
            self._disguise(write)
        elif write.nth is None:
            self.db.execute(f"DELETE FROM {quote(write.table.name)}")
        elif key := self.key_of(write.table, write.nth):
            self._delete(write.table, key)

    def _insert(self, write: Insert) -> None:
        columns = [column.name for column in write.table.columns]
        values = [self._resolved(write.table, name, value) for name, value in zip(columns, write.values, strict=True)]
        names = [quote(name) for name in columns]
        if write.rowid is not None:
            names, values = [*names, "rowid"], [*values, write.rowid]
        tail = ""
        if write.upsert:
            target = ", ".join(map(_name, write.table.key))
            last = quote(columns[-1])
            tail = f"ON CONFLICT({target}) DO UPDATE SET {last} = excluded.{last}"
        into = f"{quote(write.table.name)}({', '.join(names)})"
        places = ", ".join(map(_place, values))
        self.db.execute(f"INSERT {write.verb} INTO {into} VALUES ({places}) {tail}", _bound(values))

    def _update(self, write: Update) -> None:
        if key := self.key_of(write.table, write.nth):
            reference = write.table.reference(write.column)
            # A reference of two columns moves as a whole.
            columns = reference.columns if reference else (write.column,)
            values = [self._resolved(write.table, column, write.value) for column in columns]
            self._assign(write.table, write.verb, columns, values, key)
            self._require_sound()

    def _require_sound(self) -> None:
        """UPDATE OR REPLACE that evicts the row's own parent leaves an index without the row, up to SQLite 3.51.1 at
        least: a foreign key's SET NULL changes the row while it is updated. Nothing is expected of such a file."""
        if self.db.execute("PRAGMA integrity_check(1)").fetchone() != (Text(b"ok"),):
            raise sqlite3.IntegrityError("the update damaged an index")

    def _swap(self, write: Swap) -> None:
        first, second = self.key_of(write.table, write.first), self.key_of(write.table, write.second)
        if not first or not second or first == second:
            return
        at = _at(write.table, write.column)
        one, other = (self._row(write.table, key) for key in (first, second))
        self._delete(write.table, second)
        self._assign(write.table, "", [write.column], [other[at]], first)
        rowid = second[0] if write.table.kind == "rowid" and isinstance(second[0], int) else None
        self._insert(Insert(write.table, "", (*other[:at], one[at], *other[at + 1 :]), rowid))

    def _disguise(self, write: Disguise) -> None:
        if key := self.key_of(write.table, write.nth):
            names = [column.name for column in write.table.columns]
            row = dict(zip(names, self._row(write.table, key), strict=True))
            # The key last: the row is found by it until then.
            for column in sorted(names, key=lambda name: name in write.table.key):
                self._assign(write.table, "OR IGNORE", [column], [look_alike(row[column])], key)

    def _assign(self, table: Table, verb: Verb, columns: Sequence[str], values: Sequence[Cell], key: Row) -> None:
        pairs = zip(columns, values, strict=True)
        assigned = ", ".join(f"{_name(column)} = {_place(value)}" for column, value in pairs)
        update = f"UPDATE {verb} {quote(table.name)} SET {assigned} WHERE {_matches(table, key)}"
        self.db.execute(update, _bound([*values, *key]))

    def _delete(self, table: Table, key: Row) -> None:
        self.db.execute(f"DELETE FROM {quote(table.name)} WHERE {_matches(table, key)}", _bound(key))

    def key_of(self, table: Table, nth: int) -> Row | None:
        """The key of a row, counted round; None when there is none."""
        count = self.db.execute(f"SELECT count(*) FROM {quote(table.name)}").fetchone()[0]
        if not count:
            return None
        names = ", ".join(map(_name, table.key))
        query = f"SELECT {names} FROM {quote(table.name)} ORDER BY {names} LIMIT 1 OFFSET ?"
        return tuple(map(cell, self.db.execute(query, (nth % count,)).fetchone()))

    def _row(self, table: Table, key: Row) -> Row:
        names = ", ".join(quote(column.name) for column in table.columns)
        query = f"SELECT {names} FROM {quote(table.name)} WHERE {_matches(table, key)}"
        return tuple(map(cell, self.db.execute(query, _bound(key)).fetchone()))

    def _resolved(self, table: Table, column: str, value: Value) -> Cell:
        if not isinstance(value, ParentKey):
            return value
        reference = table.reference(column)
        assert reference is not None
        order = ", ".join(map(quote, reference.parent_columns))
        wanted = quote(reference.parent_column(column))
        query = f"SELECT {wanted} FROM {quote(reference.parent)} ORDER BY {order}"
        found = self.db.execute(query).fetchall()
        key = cell(found[value.nth % len(found)][0]) if found else None
        return Text(key.raw.swapcase()) if isinstance(key, Text) and value.swap_case else key


def _fate(error: sqlite3.Error) -> Fate:
    if "hotmig:" in str(error):
        return "refused"
    if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "busy"
    if isinstance(error, sqlite3.IntegrityError):
        return "rolled back"  # a deferred foreign key
    raise error


def look_alike(value: Cell) -> Cell:
    """Equal under NOCASE or as a number, yet not the same; a value that has no such counterpart stays."""
    if isinstance(value, Text):
        return Text(value.raw.swapcase())
    if isinstance(value, int):
        return cell(float(value)) if abs(value) < 2**53 else value
    if isinstance(value, Real):
        number = float.fromhex(value.hex)
        if number == 0:
            return cell(-number)
        return int(number) if number.is_integer() and abs(number) < 2**53 else value
    return value


def _at(table: Table, column: str) -> int:
    return [each.name for each in table.columns].index(column)


def _name(column: str) -> str:
    return "rowid" if column == "rowid" else quote(column)


def _matches(table: Table, key: Row) -> str:
    return " AND ".join(f"{_name(name)} IS {_place(value)}" for name, value in zip(table.key, key, strict=True))


def _place(value: Cell) -> str:
    """Where a value is bound. Text is bound as a BLOB, because Python's module can't bind what is not UTF-8."""
    return "CAST(? AS TEXT)" if isinstance(value, Text) else "?"


def _bound(values: Iterable[Cell]) -> list[Any]:
    return [value.raw if isinstance(value, Text) else plain(value) for value in values]
