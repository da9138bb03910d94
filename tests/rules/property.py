"""A random migration whose rows become one: random writes, and what is in either file."""

from __future__ import annotations

import random
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from hotmig.transfer import copy
from hotmig.transfer.build import indexes_of
from hotmig.transfer.session import Session
from tests.planning.planned import schema_of
from tests.rules.declared import MADE_INTEGER, MADE_TEXT, Columns, module, old_tables
from tests.rules.model import Child, Collision, Expected, Parent, Rules, expected, is_whole
from tests.transfer.building import Case

NAMES = ("sun", "SUN", "Sol", " sol", "helios", "moon", "Luna", "other", "Other", "ÄRGER2", "ärger", None, "")
NOTES, MAPPED_NOTES = ("x", "y", None), ("x", "ks", "XEN ", "y", None, "")
CATS, MAPPED_CATS = ("a", "b", None), ("a", "alpha", " A", "ALPHA\t", "b", None)
WEIGHTS = (None, 0, 1.5, -2)
Statement = tuple[str, tuple[object, ...]]


class Random:
    """One random migration at the level of the transfer."""

    def __init__(self, directory: Path, rules: Rules, seed: int) -> None:
        self.rules, self.random = rules, random.Random(seed)
        self.columns = Columns.of(rules)
        wal = self.random.random() < 0.5
        self.case = Case(directory, old_tables(rules), schema_of(module(rules)), wal=wal)
        for _ in range(self.random.randrange(40)):
            self.write()
        self.case.record()
        self.is_recorded = True

    is_recorded = False

    def write(self) -> None:
        """One statement of the application's, which may be refused by its own constraints."""
        if self.is_recorded and self.random.random() < 0.02:
            self._mark()
        with suppress(sqlite3.IntegrityError):
            # A parent that goes takes its children with it: else there would be few, and hardly two of one kind.
            kinds, often = (self._parent, self._child, self._change, self._delete), (2, 5, 3, 1)
            self.case.app.execute(*self.random.choices(kinds, often)[0]())

    def writes(self) -> None:
        for _ in range(self.random.choice((0, 0, 1, 2, 6))):
            self.write()

    def _mark(self) -> None:
        """A whole-table mark, as a trigger logs it that can't know the key: any row may have changed."""
        table = self.random.choice(("parent", "child"))
        self.case.app.execute("INSERT INTO _migration_log(operation, table_name) VALUES ('mark', ?)", (table,))

    def _id(self) -> tuple[object, ...]:
        """The key of a parent: few of them, so that they are met again."""
        number = self.random.randrange(1, 9)
        if self.rules.key == "pair":
            return 7 + number // 4, number % 4
        if self.rules.key == "integer":
            return (number,)
        # Of a parent that follows no rule a child keeps its own spelling, and its own unique key tells 'P1' from 'p1'.
        is_folded = self.rules.key == "nocase" and self.rules.parent != "plain"
        return (f"{self.random.choice('pP') if is_folded else 'p'}{number}",)

    def _reference(self) -> tuple[object, ...]:
        whole = self._id()
        if self.rules.is_partly and self.random.random() < 0.3:
            return tuple(part if self.random.random() < 0.5 else None for part in whole)
        return whole if self.random.random() < 0.67 else (None,) * len(whole)

    def _child_id(self) -> tuple[object, ...]:
        number = self.random.randrange(1, 15)
        return (number // 2, number % 2) if self.rules.key == "pair" else (number,)

    def _same(self, key: Any) -> Any:
        """A key as it is compared."""
        return key.lower() if self.rules.key == "nocase" and isinstance(key, str) else key

    def _one(self, values: tuple[Any, ...]) -> Any:
        """A key of one column by itself."""
        return values if len(values) > 1 else self._same(values[0])

    def _note(self) -> str | None:
        return self.random.choice(MAPPED_NOTES if self.rules.is_mapped else NOTES)

    def _cat(self) -> str | None:
        return self.random.choice(MAPPED_CATS if self.rules.is_mapped else CATS)

    def _parent(self) -> Statement:
        pick = self.random.choice
        return self._insert("parent", (*self._id(), pick(NAMES), pick((None, *range(12))), pick(WEIGHTS), self._note()))

    def _child(self) -> Statement:
        pick = self.random.choice
        row = (self._cat(), pick(("v", "w", None)), pick(("on", "off", "off")), self.random.randrange(40))
        return self._insert("child", (*self._child_id(), *self._reference(), *row))

    def _insert(self, table: str, row: tuple[object, ...]) -> Statement:
        verb = self.random.choice(("INSERT", "INSERT OR REPLACE"))
        return f"{verb} INTO {table} VALUES ({', '.join('?' * len(row))})", row

    def _change(self) -> Statement:
        pick, parent, child = self.random.choice, *map(_is, (self.columns.parent, self.columns.child))
        reference = ", ".join(f"{name} = ?" for name in self.columns.reference)
        moved = ", ".join(f"{name} = ?" for name in self.columns.child)
        return pick((
            (f"UPDATE parent SET name = ? WHERE {parent}", (pick(NAMES), *self._id())),
            (f"UPDATE parent SET rank = ? WHERE {parent}", (self.random.randrange(12), *self._id())),
            (f"UPDATE parent SET note = ?, weight = ? WHERE {parent}", (self._note(), pick(WEIGHTS), *self._id())),
            (f"UPDATE child SET {reference} WHERE {child}", (*self._reference(), *self._child_id())),
            (f"UPDATE child SET cat = ? WHERE {child}", (self._cat(), *self._child_id())),
            (f"UPDATE child SET val = ?, st = 'on' WHERE {child}", (pick(("v", "w")), *self._child_id())),
            (f"UPDATE child SET ts = ts + ? WHERE {child}", (self.random.randrange(9), *self._child_id())),
            ("UPDATE parent SET name = name || ' ' WHERE rank > ?", (self.random.randrange(12),)),
            (f"UPDATE OR REPLACE child SET {moved} WHERE {child}", (*self._child_id(), *self._child_id())),
        ))  # fmt: skip

    def _delete(self) -> Statement:
        if self.random.random() < 0.5:
            return f"DELETE FROM parent WHERE {_is(self.columns.parent)}", self._id()
        return f"DELETE FROM child WHERE {_is(self.columns.child)}", self._child_id()

    def mend(self) -> None:
        """What somebody does about collisions: those rows go, the others stay."""
        while rows := self.collision():
            for row in rows:
                table = "parent" if isinstance(row, Parent) else "child"
                columns, key = getattr(self.columns, table), row.id if isinstance(row.id, tuple) else (row.id,)
                self.case.app.execute(f"DELETE FROM {table} WHERE {_is(columns)}", key)

    def copy(self, session: Session) -> None:
        copy.copy_all(session, indexes_of(self.case.schema), lambda _table, _rows: None)

    def collision(self) -> tuple[Parent | Child, ...]:
        """The rows of a first one; none without."""
        try:
            self.expected()
        except Collision as collision:
            return collision.args
        return ()

    def expected(self) -> Expected:
        """Raises Collision where rows of this moment can't be migrated."""
        app, (key, reference, own) = self.case.app, self._widths()
        parents = app.execute(f"SELECT {', '.join(self.columns.parent)}, name, rank, weight, note FROM parent")
        children = app.execute(f"SELECT {self._child_columns()} FROM child")
        return expected(
            self.rules,
            [Parent(self._one(row[:key]), *row[key:]) for row in parents],
            [
                Child(self._one(row[:own]), self._one(row[own : own + reference]), *row[own + reference :])
                for row in children
            ],
        )

    def found(self) -> Expected:
        key, reference, own = self._widths()
        names = ("code",) if self.rules.key == "new" else self.columns.parent
        sql = f"SELECT {', '.join((*self.columns.parent, *names))}, name, rank, weight, note FROM parent"
        rows: list[Any] = self.case.new_rows(sql)
        identity = {}  # new key → what it is called in the model
        for row in rows:
            known = self._one(row[key : 2 * key])
            identity[self._one(row[:key])] = ("made", row[2 * key]) if _is_made(row[2 * key - 1]) else known
        children: list[Any] = self.case.new_rows(f"SELECT {self._child_columns()} FROM child")
        referred = [self._one(row[own : own + reference]) for row in children]
        return Expected.of(
            ((identity[self._one(row[:key])], *row[2 * key :]) for row in rows),
            (
                (self._one(row[:own]), identity[refers] if is_whole(refers) else refers, *row[own + reference :])
                for row, refers in zip(children, referred, strict=True)
            ),
            self._moved(identity),
        )

    def _moved(self, identity: dict[Any, Any]) -> dict[Any, Any]:
        """What ``_id_mapping`` says of parents that became one with another."""
        key = len(self.columns.parent)
        old, new = (
            [f"{kind}_id{'' if number == 1 else f'_{number}'}" for number in range(1, key + 1)]
            for kind in ("old", "new")
        )
        sql = f"SELECT {', '.join((*old, *new))} FROM _id_mapping WHERE table_name = 'parent'"
        rows: list[Any] = self.case.new_rows(sql)
        found = {self._one(row[:key]): identity.get(self._one(row[key:]), row[key:]) for row in rows}
        return {key: other for key, other in found.items() if key != other}

    def _child_columns(self) -> str:
        return f"{', '.join((*self.columns.child, *self.columns.reference))}, cat, val, st, ts"

    def _widths(self) -> tuple[int, int, int]:
        return len(self.columns.parent), len(self.columns.reference), len(self.columns.child)


def _is(columns: tuple[str, ...]) -> str:
    return " AND ".join(f"{name} = ?" for name in columns)


def _is_made(key: object) -> bool:
    return key >= MADE_INTEGER if isinstance(key, int) else str(key).startswith(MADE_TEXT)
