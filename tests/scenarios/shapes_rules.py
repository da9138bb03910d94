"""Shapes whose rows become one: an application goes on writing duplicates, aliases, and children of either."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from tests.scenarios.exact import Assigned, Cell, Row, Text
from tests.scenarios.shape import Dice, Old, OldRow, Shape, Write

ALIASES = {"sun": ("sol", "helios"), "moon": ("luna", "selene"), "star": ("aster",), "sea": ("mare", "pelagos")}
SPELLINGS = (*ALIASES, *(alias for aliases in ALIASES.values() for alias in aliases))
OTHERS = tuple(f"other {number}" for number in range(12))
SLOTS = ("a", "b", "c")

MERGED_DDL = (
    "CREATE TABLE topic(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, mark TEXT NOT NULL)",
    """CREATE TABLE fact(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL REFERENCES topic(id) ON DELETE CASCADE,
        slot TEXT NOT NULL, value INTEGER NOT NULL, live INTEGER NOT NULL, mark TEXT NOT NULL)""",
    "CREATE INDEX fact_topic ON fact(topic_id)",
    "CREATE TABLE remark(id INTEGER PRIMARY KEY, topic TEXT, status TEXT NOT NULL, mark TEXT NOT NULL)",
)

MERGED_MODULE = f"""from typing import Annotated

from hotmig.schema import Duplicates, Index, Key, Mapped, Merge, References, Unique, auto, table

database = "app"
NAMES = {{alias: name for name, aliases in {ALIASES!r}.items() for alias in aliases}}


@table("topic", merge=Merge(by="name", mapping=NAMES, fold_case=True,
    create={{"id": "1000000 + abs(random() % 1000000000)", "mark": "'made'"}}))
class Topic:
    id: Annotated[int, Key] = auto()
    name: Annotated[str, Unique]
    mark: str


@table("fact", unique=[("topic_id", "slot")], duplicates=Duplicates(
    key=("topic_id", "slot"), compare="value", prefer="live DESC, _canonical DESC, value DESC, id DESC"))
class Fact:
    id: Annotated[int, Key] = auto()
    topic: Annotated[Topic, Index, References(on_delete="CASCADE")]
    slot: str
    value: int
    live: int
    mark: str


@table("remark", duplicates=Duplicates(
    key=("topic", "status"), compare=(), prefer="id DESC", equal="keep", losers={{"status": "'old'"}}))
class Remark:
    id: Annotated[int, Key] = auto()
    topic: Annotated[str | None, Mapped(NAMES, fold_case=True)] = None
    status: str
    mark: str
"""


def _name(dice: Dice) -> str:
    """A canonical value only as it is: two spellings of it could not both be canonical."""
    if dice.random() < 0.4:
        return dice.choice(OTHERS)
    name = dice.choice(SPELLINGS)
    return name if name in ALIASES else dice.choice((name, name.upper(), f" {name}", name.title()))


def _topic(db: sqlite3.Connection, dice: Dice) -> None:
    db.execute("INSERT OR IGNORE INTO topic(name, mark) VALUES (?, ?)", (_name(dice), dice.mark()))


def _fact(db: sqlite3.Connection, dice: Dice) -> None:
    found = dice.some(db, "topic", "id")
    if found:
        values = (*found, dice.choice(SLOTS), dice.randrange(6), dice.randrange(2), dice.mark())
        db.execute("INSERT OR IGNORE INTO fact(topic_id, slot, value, live, mark) VALUES (?, ?, ?, ?, ?)", values)


def _remark(db: sqlite3.Connection, dice: Dice) -> None:
    values = (dice.maybe(_name(dice)), dice.choice(("new", "old")), dice.mark())
    db.execute("INSERT INTO remark(topic, status, mark) VALUES (?, ?, ?)", values)


def _move(db: sqlite3.Connection, dice: Dice) -> None:
    fact, topic = dice.some(db, "fact", "id"), dice.some(db, "topic", "id")
    if fact and topic:
        values = (*topic, dice.mark(), *fact)
        db.execute("UPDATE OR IGNORE fact SET topic_id = ?, mark = ? WHERE id = ?", values)


def _update(table: str, column: str, value: Callable[[Dice], Any]) -> Write:
    def write(db: sqlite3.Connection, dice: Dice) -> None:
        row = dice.some(db, table, "id")
        if row:
            sql = f"UPDATE OR IGNORE {table} SET {column} = ?, mark = ? WHERE id = ?"
            db.execute(sql, (value(dice), dice.mark(), *row))

    return write


def _delete(table: str) -> Write:
    def write(db: sqlite3.Connection, dice: Dice) -> None:
        row = dice.some(db, table, "id")
        if row:
            db.execute(f"DELETE FROM {table} WHERE id = ?", row)

    return write


def _merged_writes() -> dict[str, Write]:
    return {
        "topic": _topic,
        "fact": _fact,
        "fact again": _fact,
        "remark": _remark,
        "rename topic": _update("topic", "name", _name),
        "revive fact": _update("fact", "live", lambda dice: dice.randrange(2)),
        "change fact": _update("fact", "value", lambda dice: dice.randrange(6)),
        "move fact": _move,
        "rename remark": _update("remark", "topic", _name),
        "delete topic": _delete("topic"),
        "delete fact": _delete("fact"),
        "delete remark": _delete("remark"),
    }


def _fill_merged(db: sqlite3.Connection, dice: Dice, rows: int) -> None:
    writes = _merged_writes()
    for _ in range(rows):
        for name in ("topic", "fact", "fact again", "remark"):
            writes[name](db, dice)


def _canonical(value: Cell) -> Cell:
    """The canonical value that a name stands for, or None."""
    spelled = {name: canonical for canonical, names in ALIASES.items() for name in (canonical, *names)}
    found = spelled.get(value.raw.decode().strip().lower()) if isinstance(value, Text) else None
    return None if found is None else Text(found.encode())


def _merged_expected(old: Old) -> dict[str, list[Row]]:
    groups: dict[Cell, list[OldRow]] = {}
    for row in old["topic"]:
        groups.setdefault(_canonical(row["name"]) or row["name"], []).append(row)
    topics: list[Row] = []
    leads: dict[Cell, Cell] = {}  # old topic → the key of the one that it becomes one with
    for name, rows in groups.items():
        exact = [row for row in rows if row["name"] == name]
        key = exact[0]["id"] if exact else Assigned("topic", (name,))
        topics.append((key, name, exact[0]["mark"] if exact else Text(b"made")))
        leads.update({row["id"]: key for row in rows})
    return {"topic": topics, "fact": _facts(old, leads), "remark": _remarks(old)}


def _facts(old: Old, leads: dict[Cell, Cell]) -> list[Row]:
    groups: dict[tuple[Cell, Cell], list[OldRow]] = {}
    for row in old["fact"]:
        groups.setdefault((leads[row["topic_id"]], row["slot"]), []).append(row)
    best = lambda row: (row["live"], leads[row["topic_id"]] == row["topic_id"], row["value"], row["id"])  # noqa: E731
    winners = [max(rows, key=best) for rows in groups.values()]
    return [(row["id"], leads[row["topic_id"]], row["slot"], row["value"], row["live"], row["mark"]) for row in winners]


def _remarks(old: Old) -> list[Row]:
    newest: dict[tuple[Cell, Cell], Any] = {}
    named = [(row, _canonical(row["topic"]) or row["topic"]) for row in old["remark"]]
    for row, topic in named:
        if topic is not None:
            newest[topic, row["status"]] = max(newest.get((topic, row["status"]), row["id"]), row["id"])
    return [
        (
            row["id"],
            topic,
            row["status"] if topic is None or newest[topic, row["status"]] == row["id"] else Text(b"old"),
            row["mark"],
        )
        for row, topic in named
    ]


TOPIC, FACT = ("id", "name", "mark"), ("id", "topic_id", "slot", "value", "live", "mark")
REMARK = ("id", "topic", "status", "mark")

SHAPES = (
    Shape(
        name="merged",
        old_ddl=MERGED_DDL,
        old_tables={"topic": TOPIC, "fact": FACT, "remark": REMARK},
        new_tables={"topic": TOPIC, "fact": FACT, "remark": REMARK},
        schema_module=MERGED_MODULE,
        fill=_fill_merged,
        writes=_merged_writes(),
        new_writes=_merged_writes(),
        project=_merged_expected,
        assigned={"topic": ("id", ("name",))},
    ),
)
