"""Shapes of several tables: foreign key actions, keys that change under their children, triggers of the application."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from tests.scenarios.exact import Assigned, Cell, Row, Text, cell
from tests.scenarios.shape import Dice, Old, Shape, Write, joined, pick, times
from tests.scenarios.shapes_keys import void

PEOPLE = 80

CASCADE_DDL = (
    "CREATE TABLE client(id INTEGER PRIMARY KEY, name TEXT NOT NULL, mark TEXT NOT NULL)",
    """CREATE TABLE purchase(id INTEGER PRIMARY KEY AUTOINCREMENT,
        client_id INTEGER NOT NULL REFERENCES client(id) ON DELETE CASCADE ON UPDATE CASCADE,
        total INTEGER NOT NULL, mark TEXT NOT NULL)""",
    """CREATE TABLE remark(id INTEGER PRIMARY KEY, purchase_id INTEGER REFERENCES purchase(id) ON DELETE SET NULL
        ON UPDATE SET NULL, client_id INTEGER DEFAULT 0 REFERENCES client(id) ON DELETE SET DEFAULT
        DEFERRABLE INITIALLY DEFERRED, body TEXT, mark TEXT NOT NULL)""",
)

CASCADE_MODULE = """from typing import Annotated

from hotmig.schema import Default, From, Index, Key, References, Was, auto, dropped, table

database = "app"


@table("customer", was="client")
class Customer:
    id: Annotated[int, Key]
    full_name: Annotated[str, Was("name")]
    tag: Annotated[str, From("name || '/' || mark")]
    mark: str


@table("purchase", indexes=[Index("customer_id")])
class Purchase:
    id: Annotated[int, Key(autoincrement=True)]
    customer: Annotated[Customer, References(on_delete="CASCADE", on_update="CASCADE"), Was("client_id")]
    cents: Annotated[int, From("total * 100")]
    mark: str


@table("remark")
class Remark:
    id: Annotated[int, Key]
    purchase: Annotated[Purchase | None, References(on_delete="SET NULL", on_update="SET NULL")]
    customer: Annotated[
        Customer | None, References(on_delete="SET DEFAULT", deferred=True), Was("client_id"), Default(sql="0")
    ] = auto()
    mark: str


dropped("remark", "body")
"""


def _fill_cascade(db: sqlite3.Connection, dice: Dice, rows: int) -> None:
    db.execute("INSERT INTO client VALUES (0, 'nobody', 'w0-0')")
    writes = _cascade_writes("client", "name", "client_id", "total", "body")
    for _ in range(rows):
        for name in ("client", "purchase", "remark"):
            writes[name](db, dice)


def _cascade_writes(client: str, name: str, client_id: str, total: str, body: str | None) -> dict[str, Write]:
    def insert(verb: str, table: str, columns: str, draw: Callable[[Dice], tuple[Any, ...]]) -> Write:
        places = ", ".join("?" * (columns.count(",") + 1))
        statement = f"{verb} INTO {table}({columns}) VALUES ({places})"
        return lambda db, dice: void(db.execute(statement, draw(dice)))

    def delete(table: str) -> Write:
        def write(db: sqlite3.Connection, dice: Dice) -> None:
            row = dice.some(db, table, "id")
            if row and row != (0,):
                db.execute(f"DELETE FROM {table} WHERE id = ?", row)

        return write

    def renumber(table: str) -> Write:
        def write(db: sqlite3.Connection, dice: Dice) -> None:
            row = dice.some(db, table, "id")
            if row and row != (0,):
                db.execute(
                    f"UPDATE {table} SET id = ?, mark = ? WHERE id = ?",
                    (dice.randrange(1, 3 * PEOPLE), dice.mark(), *row),
                )

        return write

    def wipe(db: sqlite3.Connection, dice: Dice) -> None:
        if dice.random() < 0.05:
            db.execute(f"DELETE FROM {client} WHERE id <> 0")

    person = lambda dice: dice.randrange(1, PEOPLE)  # noqa: E731
    remark = f"id, purchase_id, {client_id}, {body or 'id'}, mark" if body else f"id, purchase_id, {client_id}, mark"
    words = (lambda dice: (dice.word(),)) if body else (lambda dice: ())  # noqa: ARG005
    return {
        "client": insert("INSERT OR IGNORE", client, f"id, {name}, mark", lambda d: (person(d), d.word(), d.mark())),
        "purchase": insert(
            "INSERT OR IGNORE", "purchase", f"{client_id}, {total}, mark", lambda d: (0, d.randrange(999), d.mark())
        ),
        "remark": insert(
            "INSERT OR IGNORE", "remark", remark, lambda d: (person(d), None, d.maybe(0), *words(d), d.mark())
        ),
        "assign purchase": lambda db, dice: void(
            db.execute(
                f"UPDATE purchase SET {client_id} = (SELECT id FROM {client} ORDER BY random() LIMIT 1), mark = ?"
                " WHERE id % 5 = ?",
                (dice.mark(), dice.randrange(5)),
            )
        ),
        "assign remark": lambda db, dice: void(
            db.execute(
                f"UPDATE remark SET purchase_id = (SELECT id FROM purchase ORDER BY random() LIMIT 1),"
                f" {client_id} = (SELECT id FROM {client} ORDER BY random() LIMIT 1), mark = ? WHERE id % 5 = ?",
                (dice.mark(), dice.randrange(5)),
            )
        ),
        "replace client": insert("REPLACE", client, f"id, {name}, mark", lambda d: (person(d), d.word(), d.mark())),
        "delete client": delete(client),
        "delete purchase": delete("purchase"),
        "renumber client": renumber(client),
        "renumber purchase": renumber("purchase"),
        "wipe": wipe,
    }


def _project_cascade(old: Old) -> dict[str, list[Row]]:
    return {
        "customer": [
            (*pick(row, ("id", "name")), joined(row["name"], "/", row["mark"]), row["mark"]) for row in old["client"]
        ],
        "purchase": [(row["id"], row["client_id"], times(row["total"], 100), row["mark"]) for row in old["purchase"]],
        "remark": [pick(row, ("id", "purchase_id", "client_id", "mark")) for row in old["remark"]],
    }


CASCADES = Shape(
    name="cascades",
    old_ddl=CASCADE_DDL,
    old_tables={
        "client": ("id", "name", "mark"),
        "purchase": ("id", "client_id", "total", "mark"),
        "remark": ("id", "purchase_id", "client_id", "body", "mark"),
    },
    new_tables={
        "customer": ("id", "full_name", "tag", "mark"),
        "purchase": ("id", "customer_id", "cents", "mark"),
        "remark": ("id", "purchase_id", "customer_id", "mark"),
    },
    schema_module=CASCADE_MODULE,
    fill=_fill_cascade,
    writes=_cascade_writes("client", "name", "client_id", "total", "body"),
    new_writes={
        name: write
        for name, write in _cascade_writes("customer", "full_name", "customer_id", "cents", None).items()
        if name not in ("client", "replace client")
    },
    project=_project_cascade,
    sequences={"purchase": "purchase"},
)

STAFF_DDL = (
    """CREATE TABLE person(code TEXT NOT NULL PRIMARY KEY COLLATE NOCASE, name TEXT NOT NULL,
        boss TEXT REFERENCES person(code) ON UPDATE CASCADE ON DELETE SET NULL, mark TEXT NOT NULL)""",
    """CREATE TABLE task(id INTEGER PRIMARY KEY, owner TEXT NOT NULL REFERENCES person(code) ON UPDATE CASCADE
        ON DELETE CASCADE, effort INTEGER, mark TEXT NOT NULL)""",
)

STAFF_MODULE = """from typing import Annotated

from hotmig.schema import Collate, From, Index, Key, References, Unique, Was, auto, table

database = "app"


@table("worker", was="person")
class Worker:
    id: Annotated[int, Key] = auto()
    code: Annotated[str, Unique, Collate("NOCASE")]
    full_name: Annotated[str, Was("name")]
    boss: Annotated["Worker | None", References(on_delete="SET NULL"), Was("boss")]
    mark: str


@table("job", was="task", indexes=[Index("worker_id")])
class Job:
    id: Annotated[int, Key]
    worker: Annotated[Worker, References(on_delete="CASCADE"), Was("owner")]
    effort: int | None
    minutes: Annotated[int | None, From("effort * 60")]
    mark: str
"""


def _code(dice: Dice) -> str:
    word = f"emp{dice.randrange(PEOPLE)}"
    return dice.choice([word, word.upper()])


def _other_case(code: str, dice: Dice) -> str:
    """A reference may spell its parent's key differently: NOCASE lets it."""
    return dice.choice([code, code.swapcase()])


def _staff_writes() -> dict[str, Write]:
    def hire(verb: str) -> Write:
        def write(db: sqlite3.Connection, dice: Dice) -> None:
            boss = dice.maybe(dice.some(db, "person", "code"))
            reference = _other_case(boss[0], dice) if boss else None
            db.execute(f"{verb} INTO person VALUES (?, ?, ?, ?)", (_code(dice), dice.word(), reference, dice.mark()))

        return write

    def assign(db: sqlite3.Connection, dice: Dice) -> None:
        if owner := dice.some(db, "person", "code"):
            row = (dice.randrange(3 * PEOPLE), _other_case(owner[0], dice), dice.maybe(dice.randrange(99)), dice.mark())
            db.execute("REPLACE INTO task VALUES (?, ?, ?, ?)", row)

    def on_person(statement: str, draw: Callable[[sqlite3.Connection, Dice], tuple[Any, ...]]) -> Write:
        def write(db: sqlite3.Connection, dice: Dice) -> None:
            if code := dice.some(db, "person", "code"):
                db.execute(statement, (*draw(db, dice), *code))

        return write

    return {
        "hire": hire("INSERT OR IGNORE"),
        "rehire": hire("REPLACE"),
        "assign": assign,
        "rename code": on_person("UPDATE person SET code = ?, mark = ? WHERE code = ?",
                                 lambda _db, d: (_code(d), d.mark())),
        "recase": on_person("UPDATE person SET code = ?1, mark = ?2 WHERE code = ?3 AND ?1 = code COLLATE NOCASE",
                            lambda _db, d: (_code(d), d.mark())),
        "promote": on_person("UPDATE person SET boss = ?, mark = ? WHERE code = ?",
                             lambda db, d: ((d.some(db, "person", "code") or (None,))[0], d.mark())),
        "leave": on_person("DELETE FROM person WHERE code = ?", lambda _db, _dice: ()),
        "work": lambda db, d: void(
            db.execute("UPDATE task SET effort = effort + 1, mark = ? WHERE id % 11 = ?", (d.mark(), d.randrange(11)))
        ),
    }  # fmt: skip


def _fill_staff(db: sqlite3.Connection, dice: Dice, rows: int) -> None:
    writes = _staff_writes()
    for _ in range(rows):
        writes["hire"](db, dice)
        writes["assign"](db, dice)


def _project_staff(old: Old) -> dict[str, list[Row]]:
    by_code = {fold(row["code"]): row["code"] for row in old["person"]}

    def worker(code: Cell) -> Cell:
        return None if code is None else Assigned("worker", (by_code[fold(code)],))

    return {
        "worker": [
            (worker(row["code"]), *pick(row, ("code", "name")), worker(row["boss"]), row["mark"])
            for row in old["person"]
        ],
        "job": [
            (row["id"], worker(row["owner"]), row["effort"], times(row["effort"], 60), row["mark"])
            for row in old["task"]
        ],
    }


def fold(value: Cell) -> Cell:
    """A text as NOCASE compares it: ASCII letters only."""
    return cell(value.raw.decode().lower()) if isinstance(value, Text) else value


def _new_staff_writes() -> dict[str, Write]:
    def hire(db: sqlite3.Connection, dice: Dice) -> None:
        boss = (dice.some(db, "worker", "id") or (None,))[0]
        db.execute(
            "INSERT INTO worker(code, full_name, boss_id, mark) VALUES (?, ?, ?, ?)",
            (_code(dice), dice.word(), boss, dice.mark()),
        )

    def leave(db: sqlite3.Connection, dice: Dice) -> None:
        if row := dice.some(db, "worker", "id"):
            db.execute("DELETE FROM worker WHERE id = ?", row)

    def work(db: sqlite3.Connection, dice: Dice) -> None:
        db.execute(
            "UPDATE job SET minutes = ?, mark = ? WHERE id % 11 = ?",
            (dice.randrange(99), dice.mark(), dice.randrange(11)),
        )

    return {"hire": hire, "leave": leave, "work": work}  # fmt: skip


MAPPED = Shape(
    name="mapped-key",
    old_ddl=STAFF_DDL,
    old_tables={"person": ("code", "name", "boss", "mark"), "task": ("id", "owner", "effort", "mark")},
    new_tables={
        "worker": ("id", "code", "full_name", "boss_id", "mark"),
        "job": ("id", "worker_id", "effort", "minutes", "mark"),
    },
    schema_module=STAFF_MODULE,
    fill=_fill_staff,
    writes=_staff_writes(),
    new_writes=_new_staff_writes(),
    project=_project_staff,
    assigned={"worker": ("id", ("code",))},
)

TRIGGER_DDL = (
    "CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, mark TEXT NOT NULL)",
    "CREATE TABLE ledger(n INTEGER PRIMARY KEY, account INTEGER NOT NULL, delta INTEGER, mark TEXT NOT NULL)",
    "CREATE TABLE total(name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TRIGGER account_opened AFTER INSERT ON account BEGIN
        INSERT INTO ledger(account, delta, mark) VALUES (NEW.id, NEW.balance, NEW.mark);
        UPDATE total SET value = value + 1 WHERE name = 'opened'; END""",
    """CREATE TRIGGER account_moved AFTER UPDATE OF balance ON account BEGIN
        INSERT INTO ledger(account, delta, mark) VALUES (NEW.id, NEW.balance - OLD.balance, NEW.mark);
        INSERT OR REPLACE INTO total VALUES ('last', NEW.id); END""",
    """CREATE TRIGGER account_closed BEFORE DELETE ON account BEGIN
        DELETE FROM ledger WHERE account = OLD.id;
        UPDATE total SET value = value + 1 WHERE name = 'closed'; END""",
)

TRIGGER_MODULE = '''from typing import Annotated

from hotmig.schema import From, Index, Key, Was, table, trigger

database = "app"


@table("wallet", was="account")
class Wallet:
    id: Annotated[int, Key]
    cents: Annotated[int, From("balance * 100")]
    mark: str


@table("ledger", indexes=[Index("wallet")])
class Ledger:
    n: Annotated[int, Key]
    wallet: Annotated[int, Was("account")]
    delta: int | None
    mark: str


@table("total", without_rowid=True)
class Total:
    name: Annotated[str, Key]
    amount: Annotated[int, Was("value")]


trigger("""CREATE TRIGGER wallet_opened AFTER INSERT ON wallet BEGIN
    INSERT INTO ledger(wallet, delta, mark) VALUES (NEW.id, NEW.cents, NEW.mark);
    UPDATE total SET amount = amount + 1 WHERE name = 'opened'; END""")
'''


def _trigger_writes(table: str, balance: str) -> dict[str, Write]:
    def add(verb: str) -> Write:
        statement = f"{verb} INTO {table}(id, {balance}, mark) VALUES (?, ?, ?)"
        return lambda db, dice: void(db.execute(statement, (dice.randrange(PEOPLE), dice.randrange(999), dice.mark())))

    def on_one(statement: str, draw: Callable[[Dice], tuple[Any, ...]]) -> Write:
        def write(db: sqlite3.Connection, dice: Dice) -> None:
            if row := dice.some(db, table, "id"):
                db.execute(statement, (*draw(dice), *row))

        return write

    return {
        "open": add("INSERT"),
        "open or ignore": add("INSERT OR IGNORE"),
        "replace": add("REPLACE"),
        "move": on_one(
            f"UPDATE {table} SET {balance} = {balance} + ?, mark = ? WHERE id = ?",
            lambda dice: (dice.randrange(-9, 9), dice.mark()),
        ),
        "close": on_one(f"DELETE FROM {table} WHERE id = ?", lambda dice: ()),  # noqa: ARG005
        "tidy": lambda db, dice: void(db.execute("DELETE FROM ledger WHERE n % 7 = ?", (dice.randrange(7),))),
    }


def _fill_triggers(db: sqlite3.Connection, dice: Dice, rows: int) -> None:
    db.execute("INSERT INTO total VALUES ('opened', 0), ('closed', 0), ('last', 0)")
    writes = _trigger_writes("account", "balance")
    for _ in range(rows):
        writes["open or ignore"](db, dice)


def _project_triggers(old: Old) -> dict[str, list[Row]]:
    return {
        "wallet": [(row["id"], times(row["balance"], 100), row["mark"]) for row in old["account"]],
        "ledger": [pick(row, ("n", "account", "delta", "mark")) for row in old["ledger"]],
        "total": [pick(row, ("name", "value")) for row in old["total"]],
    }


TRIGGERS = Shape(
    name="old-triggers",
    old_ddl=TRIGGER_DDL,
    old_tables={
        "account": ("id", "balance", "mark"),
        "ledger": ("n", "account", "delta", "mark"),
        "total": ("name", "value"),
    },
    new_tables={
        "wallet": ("id", "cents", "mark"),
        "ledger": ("n", "wallet", "delta", "mark"),
        "total": ("name", "amount"),
    },
    schema_module=TRIGGER_MODULE,
    fill=_fill_triggers,
    writes=_trigger_writes("account", "balance"),
    new_writes=_trigger_writes("wallet", "cents"),
    project=_project_triggers,
)

SHAPES = (CASCADES, MAPPED, TRIGGERS)
