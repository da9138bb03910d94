"""What the shop's application does, before and after the migration: each write is one short transaction."""

from __future__ import annotations

import sqlite3
from random import Random

from hotmig.application.statements import Writes
from hotmig.sqlite import execute, value


def some_id(db: sqlite3.Connection, table: str, random: Random) -> int:
    """The key of a row that is there. Raises LookupError on an empty table."""
    highest = value(db, f"SELECT max(id) FROM {table}")
    if highest is None:
        raise LookupError(f"no rows in {table}")
    found = value(db, f"SELECT id FROM {table} WHERE id >= ? ORDER BY id LIMIT 1", (random.randint(1, highest),))
    return int(found)


def some_sku(db: sqlite3.Connection, random: Random) -> str:
    """A sku that is there: the nearest after a random one, else the first."""
    start = f"SKU-{random.randrange(10_000):06}"
    found = value(db, "SELECT sku FROM product WHERE sku >= ? ORDER BY sku LIMIT 1", (start,))
    return str(found or value(db, "SELECT min(sku) FROM product"))


def new_sku(random: Random) -> str:
    return f"SKU-{random.randrange(1_000_000):06}"


def email(random: Random) -> str:
    return f"someone{random.getrandbits(40)}@example.com"


def register(db: sqlite3.Connection, random: Random) -> None:
    name = (random.choice(["Iris", "Jan", "Kim"]), random.choice(["Lang", "Moreau", "Novak"]))
    execute(db, "INSERT INTO client(first_name, last_name, email) VALUES (?, ?, ?)", (*name, email(random)))


def order(db: sqlite3.Connection, random: Random) -> None:
    client, total = some_id(db, "client", random), random.randrange(100, 90_000) / 100
    key = execute(db, "INSERT INTO orders(client_id, total) VALUES (?, ?)", (client, total)).lastrowid
    for _ in range(random.randint(1, 3)):
        line = (key, some_sku(db, random), random.randint(1, 4))
        execute(db, "INSERT INTO order_line(order_id, sku, quantity) VALUES (?, ?, ?)", line)


def rename_client(db: sqlite3.Connection, random: Random) -> None:
    change = (random.choice(["Quist", "Rossi"]), email(random), some_id(db, "client", random))
    execute(db, "UPDATE client SET last_name = ?, email = ? WHERE id = ?", change)


def cancel(db: sqlite3.Connection, random: Random) -> None:
    execute(db, "DELETE FROM orders WHERE id = ?", (some_id(db, "orders", random),))


def deliver(db: sqlite3.Connection, random: Random) -> None:
    """An upsert: more of a product that is there, or a new one."""
    product = (random.choice([some_sku(db, random), new_sku(random)]), random.randrange(9_999), random.randint(1, 99))
    execute(
        db,
        "INSERT INTO product(sku, name, price_cents, stock) VALUES (?, 'Delivered', ?, ?)"
        " ON CONFLICT(sku) DO UPDATE SET stock = stock + excluded.stock",
        product,
    )


def relaunch(db: sqlite3.Connection, random: Random) -> None:
    """REPLACE: the row goes and another comes in its place, without a delete trigger."""
    product = (some_sku(db, random), f"Relaunched {random.randrange(999)}", random.randrange(9_999))
    execute(db, "REPLACE INTO product(sku, name, price_cents) VALUES (?, ?, ?)", product)


def relabel(db: sqlite3.Connection, random: Random) -> None:
    """A key that changes under its children."""
    change = (new_sku(random), some_sku(db, random))
    execute(db, "UPDATE OR IGNORE product SET sku = ? WHERE sku = ?", change)


OLD_WRITES: Writes = {
    "insert": register,
    "insert order": order,
    "update": rename_client,
    "update key": relabel,
    "delete": cancel,
    "upsert": deliver,
    "replace": relaunch,
}


def register_customer(db: sqlite3.Connection, random: Random) -> None:
    execute(db, "INSERT INTO customer(full_name, email) VALUES (?, ?)", ("Olga Petrova", email(random)))


def order_products(db: sqlite3.Connection, random: Random) -> None:
    customer = some_id(db, "customer", random)
    total = random.randrange(100, 90_000)
    key = execute(db, "INSERT INTO orders(customer_id, total_cents) VALUES (?, ?)", (customer, total)).lastrowid
    line = (key, some_id(db, "product", random), random.randint(1, 4))
    execute(db, "INSERT INTO order_line(order_id, product_id, quantity) VALUES (?, ?, ?)", line)


def reprice(db: sqlite3.Connection, random: Random) -> None:
    change = (random.randrange(9_999), some_id(db, "product", random))
    execute(db, "UPDATE product SET price_cents = ? WHERE id = ?", change)


NEW_WRITES: Writes = {
    "insert": register_customer,
    "insert order": order_products,
    "update": reprice,
    "delete": cancel,
    "upsert": deliver,
}
