"""The writer processes: their journals tell exactly what was accepted, and they wait and follow as told."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.scenarios import exact, journal
from tests.scenarios.harness import Application, wait_until
from tests.scenarios.shape import Shape
from tests.scenarios.shapes import SHAPES

MODES = pytest.mark.parametrize("journal_mode", ["wal", "delete"])
SOME = pytest.mark.parametrize("name", ["nocase", "evict-text", "on-conflict-clauses", "cascades", "old-triggers"])


def fence(path: Path, table: str, message: str) -> None:
    """What hotmig's fence is to an application: a trigger that refuses."""
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    for event in ("INSERT", "UPDATE", "DELETE"):
        db.execute(
            f"CREATE TRIGGER fence_{event} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
    db.close()


def lower(path: Path) -> None:
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    for event in ("INSERT", "UPDATE", "DELETE"):
        db.execute(f"DROP TRIGGER fence_{event}")
    db.close()


def new_file(path: Path, shape: Shape, status: str) -> None:
    """A new database with the new shape's columns, as little of it as its writers need."""
    db = sqlite3.connect(path, isolation_level=None)
    for table, columns in shape.new_tables.items():
        db.execute(f"CREATE TABLE {table}({', '.join(columns)}, UNIQUE (k), UNIQUE (code))")
    db.execute("CREATE TABLE _migration_status(id INTEGER PRIMARY KEY, status TEXT NOT NULL)")
    db.execute("INSERT INTO _migration_status VALUES (0, ?)", (status,))
    db.close()


@MODES
@SOME
def test_the_journals_of_two_writers_give_the_database(name: str, journal_mode: str, tmp_path: Path) -> None:
    shape, path = SHAPES[name], tmp_path / "app.sqlite"
    shape.create(path, journal_mode, rows=60, seed=4)
    before = exact.contents_of(path, shape.old_tables)
    with Application(shape, path, tmp_path, writers=2, seed=4) as application:
        wait_until(lambda: len(application.accepted()) >= 100, "a hundred transactions")
        assert application.stop() == [0, 0]
    after = journal.play(before, application.accepted())
    assert exact.differences(after, exact.contents_of(path, shape.old_tables)) == []
    assert {entry.writer for entry in application.accepted()} == {1, 2}


def test_a_lost_write_is_found(tmp_path: Path) -> None:
    shape, path = SHAPES["integer"], tmp_path / "app.sqlite"
    shape.create(path, "wal", rows=60, seed=5)
    before = exact.contents_of(path, shape.old_tables)
    with Application(shape, path, tmp_path, writers=1, seed=5) as application:
        wait_until(lambda: len(application.accepted()) >= 20, "twenty transactions")
        application.stop()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("DELETE FROM item WHERE rowid = (SELECT max(rowid) FROM item)")
    db.close()
    after = journal.play(before, application.accepted())
    assert len(exact.differences(after, exact.contents_of(path, shape.old_tables))) == 1


def test_writers_wait_while_writes_are_paused_and_go_on(tmp_path: Path) -> None:
    shape, path = SHAPES["text"], tmp_path / "app.sqlite"
    shape.create(path, "wal", rows=60, seed=6)
    with Application(shape, path, tmp_path, writers=2, seed=6) as application:
        wait_until(lambda: application.accepted(), "the first transaction")
        fence(path, "item", "hotmig: writes are paused for a migration to app-0123456789abcdef.sqlite")
        wait_until(lambda: len(application.outcomes("paused")) >= 20, "refusals")
        paused = application.outcomes("paused")[-1].ended
        lower(path)
        wait_until(lambda: application.accepted()[-1].began > paused, "writes after the pause")
        application.stop()
    assert not [entry for entry in application.outcomes("failed") if "hotmig" in (entry.message or "")]


def test_writers_follow_to_the_new_file_once_it_is_ready(tmp_path: Path) -> None:
    shape, path = SHAPES["text"], tmp_path / "app.sqlite"
    shape.create(path, "wal", rows=60, seed=7)
    new = tmp_path / "app-0123456789abcdef.sqlite"
    new_file(new, shape, "migrating")
    with Application(shape, path, tmp_path, writers=1, seed=7, follow=True) as application:
        wait_until(lambda: application.accepted(), "the first transaction")
        fence(path, "item", f"hotmig: this database was replaced by {new.name}")
        wait_until(lambda: application.outcomes("replaced"), "a refusal")
        db = sqlite3.connect(new, isolation_level=None, timeout=10)
        db.execute("UPDATE _migration_status SET status = 'ready'")
        db.close()
        wait_until(lambda: application.accepted(new.name), "writes to the new file")
        application.stop()
    empty = {table: type(rows)() for table, rows in exact.contents_of(new, shape.new_tables).items()}
    written = journal.play(empty, application.accepted(new.name))
    assert exact.differences(written, exact.contents_of(new, shape.new_tables)) == []
