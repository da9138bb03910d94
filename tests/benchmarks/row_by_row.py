"""What hotmig is compared with: every row through Python, with a mapping of the ids.

    python -m tests.benchmarks.row_by_row OLD NEW --mapping table

As one would write it with care: one transaction, one cursor to read, prepared statements, indexes at the end.
``table`` keeps the mapping in the new file, where a run that was killed would find it; ``dict`` in memory.
"""

from __future__ import annotations

import argparse
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

NEW_TABLES = (
    "CREATE TABLE customer(id INTEGER PRIMARY KEY, code TEXT NOT NULL, full_name TEXT NOT NULL, email TEXT,"
    " revision INTEGER NOT NULL, UNIQUE (code))",
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer(id),"
    " total_cents INTEGER NOT NULL, placed TEXT NOT NULL, note TEXT)",
    "CREATE TABLE line(id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id),"
    " quantity INTEGER NOT NULL, price INTEGER NOT NULL, what TEXT)",
    "CREATE TABLE _id_mapping(table_name TEXT NOT NULL, old_id NOT NULL, new_id NOT NULL,"
    " PRIMARY KEY (table_name, old_id)) WITHOUT ROWID",
)
INDEXES = (
    "CREATE INDEX ix_orders_customer_id ON orders(customer_id)",
    "CREATE INDEX ix_line_order_id ON line(order_id)",
)
REMEMBER = "INSERT INTO _id_mapping VALUES (?, ?, ?)"
LOOK_UP = "SELECT new_id FROM _id_mapping WHERE table_name = ? AND old_id = ?"

OldKey = int | str
Remember = Callable[[str, OldKey, int | None], object]
LookUp = Callable[[str, OldKey], int]


def copy(old: sqlite3.Connection, new: sqlite3.Connection, remember: Remember, look_up: LookUp) -> int:
    """Copies all rows; returns how many."""
    rows = 0
    insert = "INSERT INTO customer(code, full_name, email, revision) VALUES (?, ?, ?, 1)"
    for code, first, last, email in old.execute("SELECT code, first_name, last_name, email FROM client"):
        remember("client", code, new.execute(insert, (code, f"{first} {last}", email)).lastrowid)
        rows += 1
    insert = "INSERT INTO orders(customer_id, total_cents, placed, note) VALUES (?, ?, ?, ?)"
    for key, client, total, placed, note in old.execute("SELECT id, client_code, total, placed, note FROM orders"):
        values = (look_up("client", client), round(total * 100), placed, note)
        remember("orders", key, new.execute(insert, values).lastrowid)
        rows += 1
    insert = "INSERT INTO line(order_id, quantity, price, what) VALUES (?, ?, ?, ?)"
    for key, order, quantity, price, what in old.execute("SELECT id, order_id, quantity, price, what FROM line"):
        values = (look_up("orders", order), quantity, price, what)
        remember("line", key, new.execute(insert, values).lastrowid)
        rows += 1
    return rows


def mapping_in_table(db: sqlite3.Connection) -> tuple[Remember, LookUp]:
    def remember(table: str, old: OldKey, new: int | None) -> object:
        return db.execute(REMEMBER, (table, old, new))

    def look_up(table: str, old: OldKey) -> int:
        found: int = db.execute(LOOK_UP, (table, old)).fetchone()[0]
        return found

    return remember, look_up


def mapping_in_memory() -> tuple[Remember, LookUp]:
    mapping: dict[tuple[str, OldKey], int | None] = {}

    def remember(table: str, old: OldKey, new: int | None) -> object:
        mapping[table, old] = new
        return None

    def look_up(table: str, old: OldKey) -> int:
        return mapping[table, old] or 0

    return remember, look_up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--mapping", choices=("table", "dict"), required=True)
    options = parser.parse_args()
    began = time.monotonic()
    old = sqlite3.connect(f"file:{options.old}?mode=ro", uri=True)
    new = sqlite3.connect(options.new, isolation_level=None)
    new.execute("PRAGMA synchronous = NORMAL")
    new.execute(f"PRAGMA cache_size = -{32 * 1024}")
    new.execute("BEGIN")
    for sql in NEW_TABLES:
        new.execute(sql)
    rows = copy(old, new, *(mapping_in_table(new) if options.mapping == "table" else mapping_in_memory()))
    for sql in INDEXES:
        new.execute(sql)
    new.execute("COMMIT")
    print(rows / (time.monotonic() - began))


if __name__ == "__main__":
    main()
