"""A random migration whose rows become one: the old tables, the module, random writes, and what is in either file."""

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
from tests.rules.model import ALIASES, Child, Collision, Expected, Parent, Rules, expected
from tests.transfer.building import Case

NAMES = ("sun", "SUN", "Sol", " sol", "helios", "moon", "Luna", "other", "Other", "ÄRGER2", "ärger", None, "")
MERGE = """@table(merge=Merge(by="name", mapping={mapping}, fold_case=True,{create} touch={{"ts": "-1"}}))"""
CREATE = """ create={"id": "'made-' || lower(hex(randomblob(8)))", "note": "'made'"},"""
DUPLICATES = (
    """@table(unique=[Unique("name", collate="NOCASE")], duplicates=Duplicates(key="name", compare="note","""
    """ prefer="coalesce(rank, -9) DESC"))"""
)
KEEP = (
    """@table(duplicates=Duplicates(key="name", compare="note", prefer="coalesce(rank, -9) DESC","""
    """ losers={"rank": "0"}))"""
)
CHILD = (
    """@table(unique=[("parent_id", "cat")], duplicates=Duplicates(key=("parent_id", "cat"), compare="val","""
    """ prefer="st = 'on' DESC, _canonical DESC, ts DESC, id"{collide}))"""
)
CHILD_KEEP = (
    """@table(duplicates=Duplicates(key=("parent_id", "cat"), compare=(), prefer="ts DESC", equal="keep","""
    """ losers={"st": "'old'"}))"""
)


def module(rules: Rules) -> str:
    """The new schema module of these rules."""
    mapping = {alias: canonical for canonical, aliases in ALIASES.items() for alias in aliases}
    parent = {
        "plain": "@table",
        "merge": MERGE.format(mapping=mapping, create=""),
        "create": MERGE.format(mapping=mapping, create=CREATE),
        "drop": DUPLICATES,
        "keep": KEEP,
    }[rules.parent]
    child = {
        "plain": "@table",
        "drop": CHILD.format(collide=""),
        "collide": CHILD.format(collide=", collide=\"st = 'on'\""),
        "keep": CHILD_KEEP,
    }[rules.child]
    key = {
        "integer": "id: Annotated[int, Key] = auto()",
        "text": "id: Annotated[str, Key]",
        "nocase": 'id: Annotated[str, Key, Collate("NOCASE")]',
        "new": 'id: Annotated[int, Key] = auto()\n    code: Annotated[str, From("id")]',
    }[rules.key]
    collate = ', Collate("NOCASE")' if rules.parent == "keep" else ""
    return f"""
{parent}
class Parent:
    {key}
    name: Annotated[str | None{collate}]
    rank: int | None = None
    note: str | None = None

{child}
class Child:
    id: Annotated[int, Key] = auto()
    parent: Annotated[Parent | None, References(on_delete="CASCADE")] = None
    cat: str | None = None
    val: str | None = None
    st: str
    ts: int
""".replace("Annotated[str | None]", "str | None")


class Random:
    """One random migration at the level of the transfer."""

    def __init__(self, directory: Path, rules: Rules, seed: int) -> None:
        self.rules, self.random = rules, random.Random(seed)
        declared = {"integer": "INTEGER", "nocase": "TEXT COLLATE NOCASE"}.get(rules.key, "TEXT")
        ddl = [
            "PRAGMA foreign_keys = ON",
            f"CREATE TABLE parent(id {declared} NOT NULL PRIMARY KEY, name TEXT, rank INTEGER, note TEXT)",
            f"CREATE TABLE child(id INTEGER PRIMARY KEY, parent_id {declared} REFERENCES parent(id) ON DELETE CASCADE,"
            " cat TEXT, val TEXT, st TEXT NOT NULL, ts INTEGER NOT NULL)",
        ]
        self.case = Case(directory, ddl, schema_of(module(rules)), wal=self.random.random() < 0.5)
        for _ in range(self.random.randrange(25)):
            self.write()
        self.case.record()
        self.is_recorded = True

    is_recorded = False

    def write(self) -> None:
        """One statement of the application's, which may be refused by its own constraints."""
        if self.is_recorded and self.random.random() < 0.02:
            self._mark()
        with suppress(sqlite3.IntegrityError):
            self.case.app.execute(*self.random.choice((self._parent, self._child, self._change, self._delete))())

    def writes(self) -> None:
        for _ in range(self.random.choice((0, 0, 1, 2, 6))):
            self.write()

    def _mark(self) -> None:
        """A whole-table mark, as a trigger logs it that can't know the key: any row may have changed."""
        table = self.random.choice(("parent", "child"))
        self.case.app.execute("INSERT INTO _migration_log(operation, table_name) VALUES ('mark', ?)", (table,))

    def _id(self) -> object:
        number = self.random.randrange(1, 9)
        # Of a parent that follows no rule a child keeps its own spelling, and its own unique key tells 'P1' from 'p1'.
        is_folded = self.rules.key == "nocase" and self.rules.parent != "plain"
        letter = self.random.choice("pP") if is_folded else "p"
        return number if self.rules.key == "integer" else f"{letter}{number}"

    def _same(self, key: Any) -> Any:
        """A key as it is compared."""
        return key.lower() if self.rules.key == "nocase" and isinstance(key, str) else key

    def _parent(self) -> tuple[str, tuple[object, ...]]:
        pick = self.random.choice
        row = (self._id(), pick(NAMES), pick((None, *range(12))), pick(("x", "y", None)))
        return pick(("INSERT", "INSERT OR REPLACE")) + " INTO parent VALUES (?, ?, ?, ?)", row

    def _child(self) -> tuple[str, tuple[object, ...]]:
        pick = self.random.choice
        row = (
            self.random.randrange(1, 15), pick((None, self._id(), self._id())), pick(("a", "b", None)),
            pick(("v", "w", None)), pick(("on", "off", "off")), self.random.randrange(40),
        )  # fmt: skip
        return pick(("INSERT", "INSERT OR REPLACE")) + " INTO child VALUES (?, ?, ?, ?, ?, ?)", row

    def _change(self) -> tuple[str, tuple[object, ...]]:
        pick = self.random.choice
        number = self.random.randrange(1, 15)
        return pick((
            ("UPDATE parent SET name = ? WHERE id = ?", (pick(NAMES), self._id())),
            ("UPDATE parent SET rank = ? WHERE id = ?", (self.random.randrange(12), self._id())),
            ("UPDATE parent SET note = ? WHERE id = ?", (pick(("x", "y")), self._id())),
            ("UPDATE child SET parent_id = ? WHERE id = ?", (self._id(), number)),
            ("UPDATE child SET cat = ? WHERE id = ?", (pick(("a", "b")), number)),
            ("UPDATE child SET val = ?, st = 'on' WHERE id = ?", (pick(("v", "w")), number)),
            ("UPDATE child SET ts = ts + ? WHERE id = ?", (self.random.randrange(9), number)),
            ("UPDATE parent SET name = name || ' ' WHERE rank > ?", (self.random.randrange(12),)),
            ("UPDATE OR REPLACE child SET id = ? WHERE id = ?", (self.random.randrange(1, 15), number)),
        ))  # fmt: skip

    def _delete(self) -> tuple[str, tuple[object, ...]]:
        if self.random.random() < 0.5:
            return "DELETE FROM parent WHERE id = ?", (self._id(),)
        return "DELETE FROM child WHERE id = ?", (self.random.randrange(1, 15),)

    def empty(self) -> None:
        """What somebody may do about a collision: all the rows go."""
        self.case.write("DELETE FROM child", "DELETE FROM parent")

    def copy(self, session: Session) -> None:
        copy.copy_all(session, indexes_of(self.case.schema), lambda _table, _rows: None)

    def collides(self) -> bool:
        try:
            self.expected()
        except Collision:
            return True
        return False

    def expected(self) -> Expected:
        """Raises Collision where the rows of this moment can't be migrated."""
        app = self.case.app
        parents = [Parent(self._same(row[0]), *row[1:]) for row in app.execute("SELECT * FROM parent")]
        children = [Child(row[0], self._same(row[1]), *row[2:]) for row in app.execute("SELECT * FROM child")]
        return expected(self.rules, parents, children)

    def found(self) -> Expected:
        own = "code" if self.rules.key == "new" else "id"
        sql = f"SELECT id, {own}, name, rank, note FROM parent"
        parents = {self._same(row[0]): (self._same(row[1]), *row[2:]) for row in self.case.new_rows(sql)}
        made = {key for key, row in parents.items() if isinstance(row[0], str) and row[0].startswith("made-")}
        identity = {key: ("made", row[1]) if key in made else row[0] for key, row in parents.items()}
        children = self.case.new_rows("SELECT id, parent_id, cat, val, st, ts FROM child")
        return Expected(
            frozenset((identity[key], *row[1:]) for key, row in parents.items()),
            frozenset((row[0], None if row[1] is None else identity[self._same(row[1])], *row[2:]) for row in children),
        )
