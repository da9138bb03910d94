"""An old database of an application, and what is recorded of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotmig.capture.recording import start_recording
from hotmig.catalog.model import Catalog
from hotmig.catalog.read import read_catalog
from hotmig.planning.model import CopyPlan
from hotmig.sqlite import connect
from tests.capture.keys import recorded_tables

SECONDS = 1.0
TARGET = "shop-0123.sqlite"

SCHEMA = (
    "CREATE TABLE customer(id INTEGER PRIMARY KEY, email TEXT UNIQUE)",
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, customer REFERENCES customer ON DELETE CASCADE, code TEXT)",
    "CREATE UNIQUE INDEX orders_code ON orders(lower(code))",
    "CREATE VIEW emails AS SELECT email FROM customer",
    "CREATE TRIGGER emails_insert INSTEAD OF INSERT ON emails BEGIN"
    " INSERT INTO customer(email) VALUES (NEW.email); END",
    "INSERT INTO customer VALUES (1, 'ann'), (2, 'bob')",
    "INSERT INTO orders VALUES (1, 1, 'x')",
)


def make_plan(db: sqlite3.Connection) -> CopyPlan:
    return CopyPlan(read_catalog(db), Catalog(), (), recorded_tables(db), "hash")


def start(db: sqlite3.Connection, plan: CopyPlan) -> None:
    start_recording(db, plan.recorded, TARGET, plan.hash, SECONDS, lambda: None)


@pytest.fixture
def old_path(tmp_path: Path) -> Path:
    path = tmp_path / "old.sqlite"
    db = connect(path, "rwc")
    for sql in SCHEMA:
        db.execute(sql)
    db.close()
    return path


@pytest.fixture
def db(old_path: Path) -> Iterator[sqlite3.Connection]:
    """Our connection to the old database."""
    connection = connect(old_path)
    yield connection
    connection.close()


@pytest.fixture
def application(old_path: Path) -> Iterator[sqlite3.Connection]:
    """The application's connection to it."""
    connection = connect(old_path)
    connection.execute("PRAGMA foreign_keys = ON")
    yield connection
    connection.close()
