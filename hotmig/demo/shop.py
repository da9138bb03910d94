"""The shop of the demonstration: its first database, built by SQL alone."""

from __future__ import annotations

from pathlib import Path

from hotmig.sqlite import connect, execute, transaction

OLD_SCHEMA = "shop_v1.py"
NEW_SCHEMA = "shop_v2.py"

SHOP_DDL = (
    """CREATE TABLE client(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        first_name TEXT NOT NULL,
        last_name TEXT NOT NULL,
        nickname TEXT,
        email TEXT NOT NULL UNIQUE COLLATE NOCASE,
        joined TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)""",
    """CREATE TABLE product(
        sku TEXT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        price_cents INTEGER NOT NULL CHECK (price_cents >= 0),
        stock INTEGER NOT NULL DEFAULT 0)""",
    """CREATE TABLE orders(
        id INTEGER PRIMARY KEY,
        client_id INTEGER NOT NULL,
        total REAL NOT NULL,
        placed TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
        note TEXT)""",
    """CREATE TABLE order_line(
        id INTEGER PRIMARY KEY,
        order_id INTEGER NOT NULL REFERENCES orders(id) ON DELETE CASCADE,
        sku TEXT NOT NULL REFERENCES product(sku) ON UPDATE CASCADE,
        quantity INTEGER NOT NULL CHECK (quantity > 0))""",
    "CREATE INDEX ix_orders_client_id ON orders(client_id)",
    "CREATE INDEX ix_order_line_order_id ON order_line(order_id)",
    "CREATE INDEX ix_order_line_sku ON order_line(sku)",
)

# Of every 20 rows: 4 clients, 1 product, 5 orders, 10 lines.
CLIENTS_OF_20, PRODUCTS_OF_20, ORDERS_OF_20 = 4, 1, 5

COUNT_TO = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) "
# A multiplicative hash: spreads i over the whole range, the same in every run of one seed.
SPREAD = "((i * 2654435761 + :seed * 40503) & 4294967295)"

FILL = {
    "client": f"""{COUNT_TO} INSERT INTO client SELECT i,
        substr('AnnaBertCaraDirkEllaFinnGretHugo', 1 + 4 * ({SPREAD} >> 7 & 7), 4),
        substr('Adler  BergmanCruz   Dubois Engel  FischerGarcia Hansen ', 1 + 7 * ({SPREAD} >> 11 & 7), 7) || i,
        CASE WHEN {SPREAD} >> 15 & 1 THEN 'nick' || i END,
        'client' || i || '@example.com', datetime(1700000000 + i, 'unixepoch') FROM n""",
    "product": f"""{COUNT_TO} INSERT INTO product SELECT printf('SKU-%06d', i), 'Product ' || i,
        100 + ({SPREAD} >> 9) % 9900, ({SPREAD} >> 5) % 500 FROM n""",
    "orders": f"""{COUNT_TO} INSERT INTO orders SELECT i, 1 + ({SPREAD} >> 3) % :clients,
        (100 + ({SPREAD} >> 8) % 90000) / 100.0, datetime(1710000000 + i * 60, 'unixepoch'),
        CASE WHEN {SPREAD} >> 20 & 7 = 0 THEN 'please ring twice' END FROM n""",
    "order_line": f"""{COUNT_TO} INSERT INTO order_line SELECT i, 1 + (i - 1) % :orders,
        printf('SKU-%06d', 1 + ({SPREAD} >> 4) % :products), 1 + ({SPREAD} >> 13) % 4 FROM n""",
}


def create_shop(path: Path, rows: int = 200_000, seed: int = 1, *, journal_mode: str = "wal") -> dict[str, int]:
    """Builds the shop's first database with about ``rows`` rows in all; returns the rows of each table.

    Raises HotmigError when the file can't be made.
    """
    counts = row_counts(rows)
    db = connect(path, "rwc")
    try:
        execute(db, f"PRAGMA journal_mode = {journal_mode}")
        with transaction(db, 5.0, "the new shop database"):
            for statement in SHOP_DDL:
                execute(db, statement)
            known = {"seed": seed, **{f"{name}s": count for name, count in counts.items()}, "orders": counts["orders"]}
            for table, statement in FILL.items():
                # Named parameters: the statement takes those that it mentions.
                db.execute(statement, {**known, "rows": counts[table]})
    finally:
        db.close()
    return counts


def row_counts(rows: int) -> dict[str, int]:
    """How many rows each table gets, at least one."""
    twentieth = max(rows // 20, 1)
    counts = {
        "client": CLIENTS_OF_20 * twentieth,
        "product": PRODUCTS_OF_20 * twentieth,
        "orders": ORDERS_OF_20 * twentieth,
    }
    return {**counts, "order_line": max(rows - sum(counts.values()), 1)}
