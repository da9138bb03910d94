"""The shapes themselves: their databases can be built, and every write of theirs does something."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from tests.scenarios import exact
from tests.scenarios.exact import Text
from tests.scenarios.shape import Dice, Shape
from tests.scenarios.shapes import SHAPES

EVERY = pytest.mark.parametrize("shape", SHAPES.values(), ids=str)


@EVERY
def test_every_write_of_the_application_changes_something(shape: Shape, tmp_path: Path) -> None:
    path = tmp_path / "app.sqlite"
    shape.create(path, "wal", rows=100, seed=1)
    db = sqlite3.connect(path, isolation_level=None)
    db.text_factory = Text
    db.execute("PRAGMA foreign_keys = ON")
    dice, effective = Dice(1, 1), Counter[str]()
    for _ in range(60):
        for name, write in shape.writes.items():
            before = db.total_changes
            try:
                write(db, dice)
            except sqlite3.IntegrityError:
                continue
            effective[name] += db.total_changes > before
    assert set(shape.writes) == set(+effective)
    db.close()


@EVERY
def test_the_expected_rows_fit_the_new_tables(shape: Shape, tmp_path: Path) -> None:
    path = tmp_path / "app.sqlite"
    shape.create(path, "delete", rows=50, seed=2)
    expected = shape.expected(path)
    assert expected.keys() == shape.new_tables.keys()
    for table, rows in expected.items():
        assert rows
        assert {len(row) for row in rows} == {len(shape.new_tables[table])}


@EVERY
def test_the_same_seed_builds_the_same_database(shape: Shape, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shape.create(tmp_path / name, "wal", rows=20, seed=3)
    one, two = (exact.contents_of(tmp_path / name, shape.old_tables) for name in ("one", "two"))
    assert one == two


def test_storage_classes_and_bytes_are_told_apart() -> None:
    db = sqlite3.connect(":memory:")
    db.text_factory = Text
    db.execute("CREATE TABLE t(v)")
    values = "(1), (1.0), ('1'), (x'31'), (0.0), (-0.0), (NULL), (CAST(x'ff00' AS TEXT)), (x'ff00'), ('')"
    db.execute(f"INSERT INTO t VALUES {values}")
    # -0.0 as a literal is folded by SQLite; a parameter is not.
    db.execute("UPDATE t SET v = ? WHERE rowid = 6", (-0.0,))
    rows = exact.rows(db, "t", ["v"])
    assert len(set(rows)) == 10
    assert [exact.from_json(exact.to_json(row)) for row in rows] == rows
