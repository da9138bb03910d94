"""``stored`` says in SQL what a column does to a value; SQLite's own columns are the judge."""

from __future__ import annotations

import random
import sqlite3
from typing import Any

import pytest

from hotmig.catalog.affinity import stored
from hotmig.catalog.model import Affinity

AFFINITIES: tuple[Affinity, ...] = ("INTEGER", "TEXT", "BLOB", "REAL", "NUMERIC")
NUMBERS = [0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63), -(2**63) + 1, 0.0, -0.0, 1.0, 1.5, 1e300, float("inf")]
NUMBERS += [-float("inf"), 2.0**63, -(2.0**63), 2.0**53, 2.0**62, 2.0**52 + 1, 1e15, 123456789012345680.0]
TEXTS = ["", "0", "0123", " 12 ", "12abc", "1.5", "1e5", "-0", "-0.0", "9223372036854775807", "9223372036854775808"]
TEXTS += ["-9223372036854775808", "-9223372036854775809", "9007199254740993", "9007199254740993.0", "1e400", "Inf"]
TEXTS += ["0x10", "+5", ".5", "5.", "\0", "1\0", "12\0002", "1e", "1e+", "1" * 30, "1.0", "1" + "0" * 20 + ".0"]
BLOBS = [b"", b"12", b"\0"]


def values() -> list[Any]:
    chance = random.Random(20)
    floats = [chance.uniform(-1e19, 1e19) for _ in range(40)]
    integers = [chance.randrange(-(2**64), 2**64) for _ in range(40)]
    return [None, *NUMBERS, *TEXTS, *BLOBS, *floats, *map(str, floats), *map(str, integers)]


@pytest.mark.parametrize("target", AFFINITIES)
@pytest.mark.parametrize("source", [None, *AFFINITIES])
def test_stored_is_what_a_column_keeps(source: Affinity | None, target: Affinity) -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.text_factory = bytes
    db.execute(f"CREATE TABLE source(id INTEGER PRIMARY KEY, a {source or ''})")
    db.execute(f"CREATE TABLE target(id INTEGER PRIMARY KEY, b {target})")
    db.executemany("INSERT INTO source(a) VALUES (?)", [(value,) for value in values()])
    db.execute("INSERT INTO target SELECT id, a FROM source")
    kept = db.execute("SELECT typeof(b), b FROM target ORDER BY id").fetchall()
    said = db.execute(
        f"SELECT typeof(x), x FROM (SELECT id, {stored('a', target, source)} AS x FROM source) ORDER BY id"
    ).fetchall()
    # repr tells 0.0 from -0.0.
    assert list(map(repr, said)) == list(map(repr, kept))


def test_a_value_that_is_kept_as_it_is_costs_nothing() -> None:
    assert stored("a", "TEXT", "TEXT") == "a"
    assert stored("a", "NUMERIC", "INTEGER") == "a"
    assert stored("f(a)", "BLOB") == "f(a)"
