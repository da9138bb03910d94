"""The shop that the operations go on in: the releases of its schema, what is in it, and what the application writes.

What is in the shop is told in one form for all releases (``Contents``): a migration must not change it.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal

DATABASE = "app"
_MODULE = """from typing import Annotated

from hotmig.schema import Column, From, Key, References, Unique, Was, auto, dropped, table

database = "app"


@table("item")
class Item:
    id: Annotated[int, Key] = auto()
    code: Annotated[str, Unique]
    {columns}


@table("tag")
class Tag:
    {tag_key}
    item: Annotated[Item | None, References(on_delete="CASCADE", on_update="CASCADE")] = None


@table("note")
class Note:
    id: Annotated[int, Key] = auto()
    {reference}
    body: str | None = None


@table("event")
class Event:
    {event_key}
    what: str | None = None


{dropped}
"""
_ID = "id: Annotated[int, Key] = auto()"
_OLD_KEYS = {
    "tag_key": "label: Annotated[str, Key]",
    "reference": 'label: Annotated[Tag, Column("label"), References(on_delete="CASCADE", on_update="CASCADE")]',
    "dropped": "",
}
_NEW_KEYS = {
    "tag_key": f"{_ID}\n    label: Annotated[str, Unique]",
    "reference": 'tag: Annotated[Tag, References(on_delete="CASCADE"), Was("label")]',
}
_OLD_COLUMNS = ("name: str | None = None", "weight: int", "scrap: int | None = None")
_NEW_COLUMNS = ('title: Annotated[str | None, Was("name")] = None', 'weight: Annotated[int, From("weight * 10")]')
_EXTRA, _SCRAPPED = "extra: int | None = None", {"dropped": 'dropped("item", "scrap")'}
OLD, NEW, OTHER_PLAN, BROKEN = "old", "new", "new by another plan", "broken"
LATER = tuple(f"later {number}" for number in range(1, 5))  # each has one column more
CHAIN = (OLD, NEW, *LATER)
_RELEASES: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    OLD: (_OLD_COLUMNS, _OLD_KEYS),
    NEW: ((*_NEW_COLUMNS, _EXTRA), _NEW_KEYS | _SCRAPPED),
    OTHER_PLAN: ((*_NEW_COLUMNS, 'extra: Annotated[int | None, Was("scrap")] = None'), _NEW_KEYS | {"dropped": ""}),
} | {
    later: ((*_NEW_COLUMNS, _EXTRA, *(f"stock_{n}: int = 7" for n in range(number))), _NEW_KEYS | _SCRAPPED)
    for number, later in enumerate(LATER, 1)
}


def old_ddl(keyless: bool) -> str:
    """The first release. ``keyless``: one of its tables has no key but the rowid."""
    return f"""
        CREATE TABLE item(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, name TEXT, weight INTEGER NOT NULL,
          scrap INTEGER);
        CREATE TABLE tag(label TEXT NOT NULL PRIMARY KEY,
          item_id INTEGER REFERENCES item(id) ON DELETE CASCADE ON UPDATE CASCADE);
        CREATE TABLE note(id INTEGER PRIMARY KEY,
          label TEXT NOT NULL REFERENCES tag(label) ON DELETE CASCADE ON UPDATE CASCADE, body TEXT);
        CREATE TABLE event({"" if keyless else "id INTEGER PRIMARY KEY, "}what TEXT);
    """


def modules(keyless: bool) -> dict[str, str]:
    """What the schema module can say. NEW and OTHER_PLAN ask for the same file, and no row tells them apart."""
    said = {
        release: _MODULE.format(columns="\n    ".join(columns), event_key="" if keyless else _ID, **keys)
        for release, (columns, keys) in _RELEASES.items()
    }
    return said | {BROKEN: "from hotmig.schema import tabel\n"}


AGE = {release: age for age, release in enumerate(CHAIN)} | {OTHER_PLAN: CHAIN.index(NEW)}

Verb = Literal["", "OR IGNORE", "OR REPLACE"]


@dataclass
class Contents:
    """What is in the shop. Tags are known by their label, whatever key a release gives them."""

    items: dict[int, tuple[str, str | None, int]] = field(default_factory=dict)  # id → code, name, weight
    tags: dict[str, int | None] = field(default_factory=dict)  # label → item
    notes: dict[int, tuple[str, str | None]] = field(default_factory=dict)  # id → label, body
    events: Counter[str | None] = field(default_factory=Counter)
    user_version: int = 0

    def copy(self) -> Contents:
        return deepcopy(self)

    def drop_item(self, key: int) -> None:
        del self.items[key]
        for label in [label for label, item in self.tags.items() if item == key]:
            self.drop_tag(label)

    def drop_tag(self, label: str) -> None:
        del self.tags[label]
        self.notes = {key: note for key, note in self.notes.items() if note[0] != label}

    def item_with(self, code: str) -> int | None:
        return next((key for key, item in self.items.items() if item[0] == code), None)


class Rejected(Exception):
    """The model's word for a constraint: the statement does nothing."""


def clash(verb: Verb, others: list[Any], evict: Callable[[Any], None]) -> bool:
    """Whether a row can go where ``others`` are, which REPLACE evicts. Raises Rejected without an OR clause."""
    if others and not verb:
        raise Rejected
    if others and verb == "OR IGNORE":
        return False
    for other in others:
        evict(other)
    return True


@dataclass(frozen=True)
class PutItem:
    verb: Verb
    id: int
    code: str
    name: str | None
    weight: int

    def model(self, shop: Contents) -> None:
        others = {self.id} & shop.items.keys() | ({shop.item_with(self.code)} - {None})
        if clash(self.verb, sorted(others), shop.drop_item):
            shop.items[self.id] = self.code, self.name, self.weight

    def write(self, db: sqlite3.Connection, old: bool) -> None:
        columns = "id, code, name, weight" if old else "id, code, title, weight"
        values = (self.id, self.code, self.name, self.weight * (1 if old else 10))
        db.execute(f"INSERT {self.verb} INTO item({columns}) VALUES (?, ?, ?, ?)", values)


@dataclass(frozen=True)
class ChangeItem:
    """Another name; and another weight, of the item and of all that are heavier."""

    id: int
    name: str | None
    weight: int

    def model(self, shop: Contents) -> None:
        for key, (code, name, weight) in shop.items.items():
            shop.items[key] = code, self.name if key == self.id else name, weight + (weight > self.weight)

    def write(self, db: sqlite3.Connection, old: bool) -> None:
        name, factor = ("name", 1) if old else ("title", 10)
        db.execute(f"UPDATE item SET {name} = ? WHERE id = ?", (self.name, self.id))
        db.execute("UPDATE item SET weight = weight + ? WHERE weight > ?", (factor, self.weight * factor))


@dataclass(frozen=True)
class RekeyItem:
    """Another id, which its tags follow."""

    verb: Verb
    id: int
    to: int

    def model(self, shop: Contents) -> None:
        if self.id not in shop.items or self.id == self.to:
            return
        if clash(self.verb, [self.to] if self.to in shop.items else [], shop.drop_item):
            shop.items[self.to] = shop.items.pop(self.id)
            shop.tags = {label: self.to if item == self.id else item for label, item in shop.tags.items()}

    def write(self, db: sqlite3.Connection, old: bool) -> None:  # noqa: ARG002 - as the others
        db.execute(f"UPDATE {self.verb} item SET id = ? WHERE id = ?", (self.to, self.id))


@dataclass(frozen=True)
class RecodeItem:
    """Another value of the second key."""

    verb: Verb
    id: int
    code: str

    def model(self, shop: Contents) -> None:
        if self.id in shop.items:
            others = {shop.item_with(self.code)} - {None, self.id}
            if clash(self.verb, list(others), shop.drop_item):
                shop.items[self.id] = self.code, *shop.items[self.id][1:]

    def write(self, db: sqlite3.Connection, old: bool) -> None:  # noqa: ARG002
        db.execute(f"UPDATE {self.verb} item SET code = ? WHERE id = ?", (self.code, self.id))


@dataclass(frozen=True)
class SwapCodes:
    """Two items exchange their codes, by way of one that is held aside."""

    one: int
    other: int

    def model(self, shop: Contents) -> None:
        if self.one in shop.items and self.other in shop.items and self.one != self.other:
            one, other = shop.items[self.one], shop.items[self.other]
            shop.items[self.one], shop.items[self.other] = (other[0], *one[1:]), (one[0], *other[1:])

    def write(self, db: sqlite3.Connection, old: bool) -> None:  # noqa: ARG002
        codes = dict(db.execute("SELECT id, code FROM item WHERE id IN (?, ?)", (self.one, self.other)))
        if len(codes) == 2:
            for key, code in ((self.one, "aside"), (self.other, codes[self.one]), (self.one, codes[self.other])):
                db.execute("UPDATE item SET code = ? WHERE id = ?", (code, key))


@dataclass(frozen=True)
class DropItem:
    id: int

    def model(self, shop: Contents) -> None:
        if self.id in shop.items:
            shop.drop_item(self.id)

    def write(self, db: sqlite3.Connection, old: bool) -> None:  # noqa: ARG002
        db.execute("DELETE FROM item WHERE id = ?", (self.id,))


@dataclass(frozen=True)
class PutTag:
    verb: Verb
    label: str
    item: int | None

    def model(self, shop: Contents) -> None:
        if not clash(self.verb, [self.label] if self.label in shop.tags else [], lambda _: None):
            return
        if self.item is not None and self.item not in shop.items:
            raise Rejected
        if self.label in shop.tags:
            shop.drop_tag(self.label)
        shop.tags[self.label] = self.item

    def write(self, db: sqlite3.Connection, old: bool) -> None:  # noqa: ARG002
        db.execute(f"INSERT {self.verb} INTO tag(label, item_id) VALUES (?, ?)", (self.label, self.item))


@dataclass(frozen=True)
class RenameTag:
    """The old release's key; its notes follow."""

    verb: Verb
    label: str
    to: str

    def model(self, shop: Contents) -> None:
        if self.label not in shop.tags or self.label == self.to:
            return
        if clash(self.verb, [self.to] if self.to in shop.tags else [], shop.drop_tag):
            shop.tags[self.to] = shop.tags.pop(self.label)
            shop.notes = {
                key: (self.to if label == self.label else label, body) for key, (label, body) in shop.notes.items()
            }

    def write(self, db: sqlite3.Connection, old: bool) -> None:  # noqa: ARG002
        db.execute(f"UPDATE {self.verb} tag SET label = ? WHERE label = ?", (self.to, self.label))


@dataclass(frozen=True)
class DropTag:
    label: str

    def model(self, shop: Contents) -> None:
        if self.label in shop.tags:
            shop.drop_tag(self.label)

    def write(self, db: sqlite3.Connection, old: bool) -> None:  # noqa: ARG002
        db.execute("DELETE FROM tag WHERE label = ?", (self.label,))


@dataclass(frozen=True)
class PutNote:
    verb: Verb
    id: int
    label: str
    body: str | None

    def model(self, shop: Contents) -> None:
        # Without its tag there is nothing to write: the application looks first.
        if self.label in shop.tags and clash(self.verb, [self.id] if self.id in shop.notes else [], lambda _: None):
            shop.notes[self.id] = self.label, self.body

    def write(self, db: sqlite3.Connection, old: bool) -> None:
        column, key = ("label", "label") if old else ("tag_id", "id")
        db.execute(
            f"INSERT {self.verb} INTO note(id, {column}, body) SELECT ?, {key}, ? FROM tag WHERE label = ?",
            (self.id, self.body, self.label),
        )


@dataclass(frozen=True)
class ClearNotes:
    """Everything, or what has that body."""

    body: str | None

    def model(self, shop: Contents) -> None:
        shop.notes = {key: note for key, note in shop.notes.items() if self.body is not None and note[1] != self.body}

    def write(self, db: sqlite3.Connection, old: bool) -> None:  # noqa: ARG002
        if self.body is None:
            db.execute("DELETE FROM note")
        else:
            db.execute("DELETE FROM note WHERE body = ?", (self.body,))


@dataclass(frozen=True)
class LogEvent:
    """Into the table that has no key."""

    what: str

    def model(self, shop: Contents) -> None:
        shop.events[self.what] += 1

    def write(self, db: sqlite3.Connection, old: bool) -> None:  # noqa: ARG002
        db.execute("INSERT INTO event(what) VALUES (?)", (self.what,))


@dataclass(frozen=True)
class RewriteEvents:
    """All of one kind become another kind, or go."""

    what: str
    to: str | None

    def model(self, shop: Contents) -> None:
        count = shop.events.pop(self.what, 0)
        if self.to is not None and count:
            shop.events[self.to] += count

    def write(self, db: sqlite3.Connection, old: bool) -> None:  # noqa: ARG002
        if self.to is None:
            db.execute("DELETE FROM event WHERE what = ?", (self.what,))
        else:
            db.execute("UPDATE event SET what = ? WHERE what = ?", (self.to, self.what))


Write = (
    PutItem | ChangeItem | RekeyItem | RecodeItem | SwapCodes | DropItem
    | PutTag | RenameTag | DropTag | PutNote | ClearNotes | LogEvent | RewriteEvents
)  # fmt: skip


def read(db: sqlite3.Connection, release: str) -> Contents:
    """What a database of that release has. Raises AssertionError where a row is not as its release says."""
    if release == OLD:
        items = {row[0]: row[1:] for row in db.execute("SELECT id, code, name, weight FROM item")}
        tags = dict(db.execute("SELECT label, item_id FROM tag"))
        notes = {row[0]: row[1:] for row in db.execute("SELECT id, label, body FROM note")}
    else:
        items = {
            row[0]: (row[1], row[2], _tenth(row[3])) for row in db.execute("SELECT id, code, title, weight FROM item")
        }
        tags = dict(db.execute("SELECT label, item_id FROM tag"))
        query = "SELECT note.id, tag.label, body FROM note LEFT JOIN tag ON tag.id = note.tag_id"
        notes = {row[0]: row[1:] for row in db.execute(query)}
        added = [f"stock_{number}" for number in range(AGE[release] - AGE[NEW])]
        assert set(db.execute(f"SELECT {', '.join(['extra', *added])} FROM item")) <= {(None, *(7 for _ in added))}
    events = Counter(row[0] for row in db.execute("SELECT what FROM event"))
    return Contents(items, tags, notes, events, db.execute("PRAGMA user_version").fetchone()[0])


def _tenth(weight: object) -> int:
    assert isinstance(weight, int)
    assert weight % 10 == 0, "a rule for the data was applied twice, or not at all"
    return weight // 10
