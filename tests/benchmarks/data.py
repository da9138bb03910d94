"""The data: three tables, eight rows of them to each client, and the schema modules they are migrated to.

Clients have a TEXT key, which becomes an INTEGER: every client has a row in ``_id_mapping``, every order follows it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

NAME = "bench"
FIRST_HASH = "0123456789abcdef"
ROWS_PER_CLIENT = 8
BIG_NOTE = 12_000  # characters: three pages of each order, so that 3.2 million rows take 10 GB instead of 200 MB

TABLES = (
    "CREATE TABLE client(code TEXT NOT NULL PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL,"
    " email TEXT)",
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, client_code TEXT NOT NULL REFERENCES client(code),"
    " total REAL NOT NULL, placed TEXT NOT NULL, note TEXT)",
    "CREATE TABLE line(id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id),"
    " quantity INTEGER NOT NULL, price INTEGER NOT NULL, what TEXT)",
    "CREATE INDEX ix_orders_client_code ON orders(client_code)",
    "CREATE INDEX ix_line_order_id ON line(order_id)",
)

COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) "
FILL = (
    f"{COUNT} INSERT INTO client SELECT printf('C%07d', i), 'first' || i, 'last' || i,"
    " 'u' || i || '@example.com' FROM n",
    f"{COUNT} INSERT INTO orders SELECT i, printf('C%07d', 1 + i * 7919 % :parents), i * 1.25, '2026-01-01 00:00:00',"
    " 'please ring twice, then leave it at the door: ' || i || hex(zeroblob(:note / 2)) FROM n",
    f"{COUNT} INSERT INTO line SELECT i, 1 + i * 7919 % :parents, 1 + i % 9, i % 1000, 'item number ' || i FROM n",
)

MODULE = '''"""Revision {revision} of the benchmark's schema."""

from typing import Annotated

from hotmig.schema import From, Index, Key, References, Unique, Was, auto, table

database = "{name}"


@table("customer", was="client")
class Customer:
    id: Annotated[int, Key] = auto()
    code: Annotated[str, Unique]
    full_name: Annotated[str, From("first_name || ' ' || last_name")]
    email: str | None
    revision: int = {revision}


@table("orders", indexes=[Index("customer_id", name="ix_orders_customer_id")])
class Order:
    id: Annotated[int, Key] = auto()
    customer: Annotated[Customer, References, Was("client_code")]
    total_cents: Annotated[int, From("CAST(round(total * 100) AS INTEGER)")]
    placed: str
    note: str | None


@table("line", indexes=[Index("order_id", name="ix_line_order_id")])
class Line:
    id: Annotated[int, Key] = auto()
    order: Annotated[Order, References]
    quantity: int
    price: int
    what: str | None
'''


@dataclass(frozen=True)
class Project:
    """A directory with the application's first database in it."""

    directory: Path
    database: Path
    rows: int

    def put_schema(self, revision: int = 1) -> None:
        """Each revision is another schema: a default of ``customer`` differs."""
        text = MODULE.format(name=NAME, revision=revision)
        (self.directory / "schema.py").write_text(text, encoding="utf-8")


def make_project(directory: Path, rows: int, *, note: int = 0, journal_mode: str = "wal") -> Project:
    """Fills ``directory`` with a database of about ``rows`` rows, ``note`` characters more in each order."""
    directory.mkdir(parents=True)
    database = directory / f"{NAME}-{FIRST_HASH}.sqlite"
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    clients = max(rows // ROWS_PER_CLIENT, 1)
    counts = (clients, 2 * clients, 5 * clients)
    db.execute("BEGIN")
    for sql in TABLES[:3]:
        db.execute(sql)
    for sql, count, parents in zip(FILL, counts, (1, clients, 2 * clients), strict=True):
        db.execute(sql, {"rows": count, "parents": parents, "note": note})
    for sql in TABLES[3:]:
        db.execute(sql)
    db.execute("COMMIT")
    db.execute(f"PRAGMA journal_mode = {journal_mode}")
    db.close()
    project = Project(directory, database, sum(counts))
    project.put_schema()
    return project
