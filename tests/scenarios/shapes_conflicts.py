"""Shapes in which writes evict other rows: REPLACE through every kind of unique index, and ON CONFLICT clauses."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.scenarios.exact import Row, cell
from tests.scenarios.shape import Dice, Old, Shape, Write, joined, pick
from tests.scenarios.shapes_keys import void

PLACES = 120
SEAT_COLUMNS = "k, name, slot, active, grade, place, mark"

UNIQUES_DDL = """{key}, name TEXT NOT NULL, slot INTEGER, active INTEGER NOT NULL,
    grade TEXT NOT NULL DEFAULT 'none', place INTEGER, mark TEXT NOT NULL, UNIQUE (grade, place)"""

UNIQUES_MODULE = """from typing import Annotated

from hotmig.schema import From, Index, Key, table

database = "app"


@table(
    "chair",
    was="seat",
    unique=[("grade", "place")],
    indexes=[
        Index("slot", where="active = 1", unique=True, name="chair_slot"),
        Index("lower(name)", unique=True, name="chair_name"),
    ],{options}
)
class Chair:
    {key}
    name: str
    slot: int | None
    active: int
    grade: str = "none"
    place: int | None
    tag: Annotated[str, From("grade || '/' || mark")]
    mark: str
    seen: int = 7
"""


def _seat_values(dice: Dice) -> tuple[Any, ...]:
    name = dice.choice([str.upper, str.lower])(f"name{dice.randrange(PLACES)}")
    slot, active = dice.maybe(dice.randrange(PLACES)), dice.randrange(2)
    # NULL where NOT NULL DEFAULT: REPLACE puts 'none' there, which then evicts through (grade, place).
    return name, slot, active, dice.choice(["a", "b", "none", None]), dice.randrange(PLACES), dice.mark()


def _place(dice: Dice) -> int:
    return dice.randrange(PLACES)


@dataclass(frozen=True)
class SeatWrites:
    """The application's statements; ``make`` draws a key."""

    table: str
    make: Callable[[Dice], Any]

    def insert(self, verb: str) -> Write:
        statement = f"{verb} INTO {self.table}({SEAT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
        return lambda db, dice: void(db.execute(statement, (self.make(dice), *_seat_values(dice))))

    def insert_at_rowid(self, db: sqlite3.Connection, dice: Dice) -> None:
        at = dice.some(db, self.table, "rowid") or (1,)
        statement = f"REPLACE INTO {self.table}(rowid, {SEAT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        db.execute(statement, (*at, self.make(dice), *_seat_values(dice)))

    def move_to_rowid(self, db: sqlite3.Connection, dice: Dice) -> None:
        first, second = dice.some(db, self.table, "rowid"), dice.some(db, self.table, "rowid")
        if first and second:
            assign = f"UPDATE OR REPLACE {self.table} SET rowid = ?, mark = ? WHERE rowid = ?"
            db.execute(assign, (*first, dice.mark(), *second))

    def update(self, verb: str, column: str, draw: Callable[[Dice], Any]) -> Write:
        def write(db: sqlite3.Connection, dice: Dice) -> None:
            if row := dice.some(db, self.table, "k"):
                assign = f"UPDATE {verb} {self.table} SET {column} = ?, mark = ? WHERE k = ?"
                db.execute(assign, (draw(dice), dice.mark(), *row))

        return write

    def delete(self, db: sqlite3.Connection, dice: Dice) -> None:
        if row := dice.some(db, self.table, "k"):
            db.execute(f"DELETE FROM {self.table} WHERE k = ?", row)

    def all(self, *, rowid: bool) -> dict[str, Write]:
        writes = {
            "insert": self.insert("INSERT"),
            "insert or ignore": self.insert("INSERT OR IGNORE"),
            "replace": self.insert("REPLACE"),
            "replace again": self.insert("INSERT OR REPLACE"),
            "update or replace slot": self.update("OR REPLACE", "slot", _place),
            "update or replace active": self.update("OR REPLACE", "active", lambda dice: dice.randrange(2)),
            "update or replace name": self.update("OR REPLACE", "name", lambda dice: f"NAME{_place(dice)}"),
            "update or replace grade": self.update("OR REPLACE", "grade", lambda dice: dice.choice(["a", "b", None])),
            "update or replace place": self.update("OR REPLACE", "place", _place),
            "update or replace key": self.update("OR REPLACE", "k", self.make),
            "update place": self.update("", "place", _place),
            "delete": self.delete,
        }
        if rowid:
            writes |= {"replace at rowid": self.insert_at_rowid, "move to rowid": self.move_to_rowid}
        return writes


def _filled_by(insert: Write) -> Callable[[sqlite3.Connection, Dice, int], None]:
    def fill(db: sqlite3.Connection, dice: Dice, rows: int) -> None:
        for _ in range(rows):
            insert(db, dice)

    return fill


def _project_seats(key: str) -> Callable[[Old], dict[str, list[Row]]]:
    kept = (key, "name", "slot", "active", "grade", "place")

    def project(old: Old) -> dict[str, list[Row]]:
        return {
            "chair": [
                (*pick(row, kept), joined(row["grade"], "/", row["mark"]), row["mark"], cell(7)) for row in old["seat"]
            ]
        }

    return project


def _uniques(
    name: str, key_ddl: str, field: str, make: Callable[[Dice], Any], *, options: str = "", new_options: str = ""
) -> Shape:
    rowid = not options
    return Shape(
        name=name,
        old_ddl=(
            f"CREATE TABLE seat({UNIQUES_DDL.format(key=key_ddl)}) {options}",
            "CREATE UNIQUE INDEX seat_slot ON seat(slot) WHERE active = 1",
            "CREATE UNIQUE INDEX seat_name ON seat(lower(name))",
        ),
        old_tables={"seat": ("k", "name", "slot", "active", "grade", "place", "mark")},
        new_tables={"chair": ("k", "name", "slot", "active", "grade", "place", "tag", "mark", "seen")},
        schema_module=UNIQUES_MODULE.format(key=field, options=new_options),
        fill=_filled_by(SeatWrites("seat", make).insert("REPLACE")),
        writes=SeatWrites("seat", make).all(rowid=rowid),
        new_writes=_chair_writes(make),
        project=_project_seats("k"),
    )


def _chair_writes(make: Callable[[Dice], Any]) -> dict[str, Write]:
    statement = "REPLACE INTO chair(k, name, slot, active, grade, place, mark, tag) VALUES (?, ?, ?, ?, ?, ?, ?, 'new')"
    replace: Write = lambda db, dice: void(db.execute(statement, (make(dice), *_seat_values(dice))))  # noqa: E731
    return {"replace": replace, "delete": SeatWrites("chair", make).delete}


CLAUSES_OLD = """CREATE TABLE entry(
    id INTEGER PRIMARY KEY ON CONFLICT REPLACE,
    code TEXT UNIQUE ON CONFLICT REPLACE,
    rank INTEGER UNIQUE ON CONFLICT IGNORE,
    kind TEXT NOT NULL ON CONFLICT REPLACE DEFAULT 'plain',
    amount INTEGER NOT NULL ON CONFLICT IGNORE,
    mark TEXT NOT NULL)"""

CLAUSES_MODULE = """from typing import Annotated

from hotmig.schema import From, Index, Key, NotNull, Unique, Was, table

database = "app"


@table("record", was="entry", indexes=[Index("sort")])
class Record:
    id: Annotated[int, Key(on_conflict="REPLACE")]
    code: Annotated[str | None, Unique(on_conflict="REPLACE")]
    rank: Annotated[int | None, Unique(on_conflict="IGNORE")]
    sort: Annotated[str, Was("kind"), NotNull(on_conflict="REPLACE")] = "plain"
    amount: Annotated[int, NotNull(on_conflict="IGNORE")]
    tag: Annotated[str, From("kind || '/' || mark")]
    mark: str
"""


def _entry_writes(table: str, kind: str, extra: Sequence[str] = ()) -> dict[str, Write]:
    names = ", ".join(("id", "code", "rank", kind, "amount", "mark", *extra))
    places = ", ".join("?" * (6 + len(extra)))

    def insert(verb: str) -> Write:
        def write(db: sqlite3.Connection, dice: Dice) -> None:
            code, rank = dice.maybe(f"c{dice.randrange(PLACES)}"), dice.maybe(dice.randrange(PLACES))
            row = (dice.randrange(PLACES), code, rank, dice.maybe("fine"), dice.maybe(dice.randrange(99)))
            db.execute(f"{verb} INTO {table}({names}) VALUES ({places})", (*row, dice.mark(), *extra))

        return write

    def update(verb: str, column: str, draw: Callable[[Dice], Any]) -> Write:
        def write(db: sqlite3.Connection, dice: Dice) -> None:
            if row := dice.some(db, table, "id"):
                db.execute(
                    f"UPDATE {verb} {table} SET {column} = ?, mark = ? WHERE id = ?", (draw(dice), dice.mark(), *row)
                )

        return write

    return {
        "insert": insert("INSERT"),
        "insert or abort": insert("INSERT OR ABORT"),
        "insert or ignore": insert("INSERT OR IGNORE"),
        "replace": insert("REPLACE"),
        "update id": update("", "id", lambda dice: dice.randrange(PLACES)),
        "update code": update("", "code", lambda dice: f"c{dice.randrange(PLACES)}"),
        "update rank": update("", "rank", lambda dice: dice.randrange(PLACES)),
        "update kind": update("", kind, lambda dice: dice.maybe("other")),
        "update amount": update("", "amount", lambda dice: dice.maybe(1)),
        "update or abort code": update("OR ABORT", "code", lambda dice: f"c{dice.randrange(PLACES)}"),
    }  # fmt: skip


def _project_entries(old: Old) -> dict[str, list[Row]]:
    kept = ("id", "code", "rank", "kind", "amount")
    return {"record": [(*pick(row, kept), joined(row["kind"], "/", row["mark"]), row["mark"]) for row in old["entry"]]}


CLAUSES = Shape(
    name="on-conflict-clauses",
    old_ddl=(CLAUSES_OLD,),
    old_tables={"entry": ("id", "code", "rank", "kind", "amount", "mark")},
    new_tables={"record": ("id", "code", "rank", "sort", "amount", "tag", "mark")},
    schema_module=CLAUSES_MODULE,
    fill=_filled_by(_entry_writes("entry", "kind")["insert"]),
    writes=_entry_writes("entry", "kind"),
    new_writes=_entry_writes("record", "sort", ("tag",)),
    project=_project_entries,
)

NEW_UNIQUE_MODULE = """from typing import Annotated

from hotmig.schema import Key, Unique, table

database = "app"


@table("permit", was="ticket")
class Permit:
    id: Annotated[int, Key]
    code: Annotated[int, Unique]
    mark: str
"""

FIRST_FREE = 10  # tickets below belong to the test, which makes the duplicate


def _ticket_writes(table: str) -> dict[str, Write]:
    free = f"{table} WHERE id >= {FIRST_FREE}"

    def insert(verb: str) -> Write:
        def write(db: sqlite3.Connection, dice: Dice) -> None:
            row = (dice.randrange(FIRST_FREE, 500), dice.getrandbits(60), dice.mark())
            db.execute(f"{verb} INTO {table} VALUES (?, ?, ?)", row)

        return write

    def remark(db: sqlite3.Connection, dice: Dice) -> None:
        if row := dice.some(db, free, "id"):
            db.execute(f"UPDATE {table} SET mark = ? WHERE id = ?", (dice.mark(), *row))

    def delete(db: sqlite3.Connection, dice: Dice) -> None:
        if row := dice.some(db, free, "id"):
            db.execute(f"DELETE FROM {table} WHERE id = ?", row)

    return {"insert": insert("INSERT OR IGNORE"), "replace": insert("REPLACE"), "remark": remark, "delete": delete}


def _fill_tickets(db: sqlite3.Connection, dice: Dice, rows: int) -> None:
    db.executemany("INSERT INTO ticket VALUES (?, ?, ?)", [(i, i, dice.mark()) for i in range(1, rows)])


NEW_UNIQUE = Shape(
    name="new-unique",
    old_ddl=("CREATE TABLE ticket(id INTEGER PRIMARY KEY, code INTEGER NOT NULL, mark TEXT NOT NULL)",),
    old_tables={"ticket": ("id", "code", "mark")},
    new_tables={"permit": ("id", "code", "mark")},
    schema_module=NEW_UNIQUE_MODULE,
    fill=_fill_tickets,
    writes=_ticket_writes("ticket"),
    new_writes=_ticket_writes("permit"),
    project=lambda old: {"permit": [pick(row, ("id", "code", "mark")) for row in old["ticket"]]},
)

SHAPES = (
    _uniques("evict-integer", "k INTEGER PRIMARY KEY", "k: Annotated[int, Key]", lambda dice: dice.randrange(PLACES)),
    _uniques(
        "evict-text",
        "k TEXT NOT NULL PRIMARY KEY",
        "k: Annotated[str, Key]",
        lambda dice: f"k{dice.randrange(PLACES)}",
    ),
    _uniques(
        "evict-without-rowid",
        "k TEXT NOT NULL PRIMARY KEY",
        "k: Annotated[str, Key]",
        lambda dice: f"k{dice.randrange(PLACES)}",
        options="WITHOUT ROWID",
        new_options="\n    without_rowid=True,",
    ),
    CLAUSES,
    NEW_UNIQUE,
)
