"""The demonstration's application: it does what it counts, waits while it must, and follows to the new file."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hotmig.application.shop import OLD_WRITES
from hotmig.demo.shop import create_shop, row_counts
from tests.forked import Forked
from tests.scenarios.harness import ROOT, environment, wait_until

TABLES = ("client", "product", "orders", "order_line")


def start(path: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hotmig.application.writer", str(path), *options]
    process = Forked(command, cwd=ROOT, env=environment(), text=True, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def stop(process: subprocess.Popen[str]) -> dict[str, Any]:
    process.send_signal(signal.SIGTERM)
    return ended(process)


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The summary. Not by communicate(), which reads past what readline() has buffered."""
    assert process.stdout is not None
    with process.stdout:
        summary: dict[str, Any] = json.loads(process.stdout.read())
    assert process.wait(timeout=60) == 0
    return summary


def ask(path: Path, sql: str) -> Any:
    db = sqlite3.connect(path, timeout=10)
    try:
        return db.execute(sql).fetchone()[0]
    finally:
        db.close()


def command(path: Path, sql: str) -> None:
    db = sqlite3.connect(path, timeout=10, isolation_level=None)
    db.executescript(sql)
    db.close()


def fence(path: Path, message: str) -> None:
    for table in TABLES:
        for event in ("INSERT", "UPDATE", "DELETE"):
            command(
                path,
                f"CREATE TRIGGER fence_{table}_{event} BEFORE {event} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{message}'); END",
            )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    create_shop(path, rows=2_000)
    return path


def test_the_shop_has_the_rows_that_were_asked_for(shop: Path) -> None:
    counts = row_counts(2_000)
    assert {table: ask(shop, f"SELECT count(*) FROM {table}") for table in TABLES} == counts
    assert sum(counts.values()) == 2_000


@pytest.mark.parametrize("rows", [1, 19, 21, 500])
def test_a_shop_of_any_size_is_whole(rows: int, tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    create_shop(path, rows=rows, journal_mode="delete")
    assert ask(path, "SELECT count(*) FROM pragma_foreign_key_check") == 0
    assert ask(path, "SELECT count(*) FROM orders WHERE client_id NOT IN (SELECT id FROM client)") == 0
    assert ask(path, "PRAGMA journal_mode") == "delete"


def test_it_writes_in_every_way_and_counts_it(shop: Path) -> None:
    process = start(shop)
    wait_until(lambda: ask(shop, "SELECT max(id) FROM orders") > row_counts(2_000)["orders"] + 50, "fifty orders")
    summary = stop(process)
    assert set(summary["accepted"]) == set(OLD_WRITES)
    registered = ask(shop, "SELECT count(*) FROM client") - row_counts(2_000)["client"]
    assert summary["accepted"]["insert"] == registered
    assert summary["accepted_total"] == sum(summary["accepted"].values())
    assert summary["longest_wait_ms"] >= summary["latency_ms"]["p99"] >= summary["latency_ms"]["p50"] > 0
    assert ask(shop, "SELECT count(*) FROM pragma_foreign_key_check") == 0
    assert ask(shop, "SELECT count(*) FROM orders WHERE client_id NOT IN (SELECT id FROM client)") == 0


def test_it_waits_while_writes_are_paused(shop: Path) -> None:
    fence(shop, "hotmig: writes are paused for a migration to shop-0123456789abcdef.sqlite")
    process = start(shop)
    time.sleep(1)  # it has said that it writes, and nothing but its summary tells that it was refused
    for table in TABLES:
        for event in ("INSERT", "UPDATE", "DELETE"):
            command(shop, f"DROP TRIGGER fence_{table}_{event}")
    wait_until(lambda: ask(shop, "SELECT count(*) FROM client") > row_counts(2_000)["client"], "a write")
    summary = stop(process)
    assert summary["refused_while_paused"] > 0
    assert summary["accepted_total"] > 0


def test_it_ends_when_the_database_was_replaced_and_it_is_not_to_follow(shop: Path) -> None:
    fence(shop, "hotmig: this database was replaced by shop-0123456789abcdef.sqlite")
    assert ended(start(shop))["accepted_total"] == 0


def test_it_follows_to_the_new_database_once_that_is_ready(shop: Path) -> None:
    new = shop.parent / "shop-0123456789abcdef.sqlite"
    command(
        new,
        """CREATE TABLE customer(id INTEGER PRIMARY KEY, full_name, email);
        CREATE TABLE product(id INTEGER PRIMARY KEY, sku UNIQUE, name, price_cents, stock);
        CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id, total_cents);
        CREATE TABLE order_line(id INTEGER PRIMARY KEY, order_id, product_id, quantity);
        INSERT INTO customer VALUES (1, 'A', 'a@example.com'); INSERT INTO product VALUES (1, 'SKU-1', 'P', 1, 1);
        INSERT INTO orders VALUES (1, 1, 5);
        CREATE TABLE _migration_status(status); INSERT INTO _migration_status VALUES ('migrating');""",
    )
    fence(shop, f"hotmig: this database was replaced by {new.name}")
    process = start(shop, "--follow", str(shop.parent))
    command(new, "UPDATE _migration_status SET status = 'ready'")
    wait_until(lambda: ask(new, "SELECT count(*) FROM customer") > 5, "new customers")
    summary = stop(process)
    assert summary["accepted"] == {}
    assert summary["accepted_by_new"]["insert"] == ask(new, "SELECT count(*) FROM customer") - 1


# --- writes that are given as SQL


def given(directory: Path, old: str, new: str) -> Path:
    file = directory / "writes.json"
    told = {side: {"bump": [sql, 10]} for side, sql in (("old", old), ("new", new))}
    file.write_text(json.dumps(told), encoding="utf-8")
    return file


def test_it_writes_what_a_file_says_and_tells_of_each_write(shop: Path, tmp_path: Path) -> None:
    bump = "UPDATE orders SET total = total + 1000000 WHERE id = ?"
    process = start(shop, "--writes", str(given(tmp_path, bump, bump)), "--waits", "--pace", "0.001")
    wait_until(lambda: ask(shop, "SELECT max(total) FROM orders") > 2_000_000, "some writes")
    summary = stop(process)
    assert list(summary["accepted"]) == ["bump"]
    assert len(summary["waits"]) == summary["accepted_total"]
    moments = [when for when, _ in summary["waits"]]
    assert moments == sorted(moments)
    assert ask(shop, "SELECT count(*) FROM orders WHERE total > 1000000") <= 10


@pytest.mark.parametrize(
    "before", ["UPDATE orders SET total = 1 WHERE id = ?", "INSERT INTO orders(client_id, total) VALUES (?, 1)"]
)
def test_it_is_deployed_anew_where_somebody_altered_the_table(shop: Path, tmp_path: Path, before: str) -> None:
    writes = given(tmp_path, before, "UPDATE orders SET sum = 2 WHERE id = ?")
    process = start(shop, "--writes", str(writes))
    command(shop, "ALTER TABLE orders RENAME COLUMN total TO sum")
    wait_until(lambda: ask(shop, "SELECT count(*) FROM orders WHERE sum = 2") > 0, "a write to the renamed column")
    assert stop(process)["failed"] == 1


def test_a_write_that_is_locked_out_is_counted_and_tried_again(shop: Path) -> None:
    process = start(shop, "--patience", "0.05")
    other = sqlite3.connect(shop, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    time.sleep(0.5)
    other.execute("ROLLBACK")
    other.close()
    time.sleep(0.2)
    summary = stop(process)
    assert summary["locked_out"] >= 3
    assert summary["longest_wait_ms"] > 200


def test_the_gap_between_two_files_is_told(tmp_path: Path) -> None:
    old, new = tmp_path / "shop.sqlite", tmp_path / "shop-0123456789abcdef.sqlite"
    for path in (old, new):
        create_shop(path, rows=200)
    command(new, "CREATE TABLE _migration_status(id, status); INSERT INTO _migration_status VALUES (0, 'migrating')")
    bump = "UPDATE orders SET total = total + 1 WHERE id = ?"
    process = start(old, "--writes", str(given(tmp_path, bump, bump)), "--waits", "--follow", str(tmp_path))
    wait_until(lambda: ask(old, "SELECT sum(total) FROM orders") > ask(new, "SELECT sum(total) FROM orders"), "a write")
    fence(old, f"hotmig: this database was replaced by {new.name}")
    time.sleep(0.3)
    command(new, "UPDATE _migration_status SET status = 'ready'")
    time.sleep(0.3)
    summary = stop(process)
    (gap,) = summary["gaps"]
    assert gap >= 0.3
    assert summary["accepted_by_new"]["bump"] > 0
