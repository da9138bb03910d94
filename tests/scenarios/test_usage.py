"""Usage accounting goes through its three data migrations while two processes write forks, orphans and wrong dates."""

from __future__ import annotations

import importlib
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.scenarios.harness import ROOT, hotmig, to_their_end, wait_until
from tests.scenarios.usage import TABLES, Accounting, Contents, contents, expected, ordered

NAMES = ["001_backfill_block_models", "002_merge_forked_blocks", "003_heal_week_dates"]
V2 = importlib.import_module("schemas.usage_v2")


def first(directory: Path, writes: int, seed: int = 1) -> Path:
    """The database of the first version, after some time."""
    shutil.copy(ROOT / "schemas" / "usage_v1.py", directory / "schema.py")
    hotmig(directory, "init")
    (old,) = directory.glob("usage-*.sqlite")
    application = Accounting(old, seed)
    for _ in range(writes):
        application.write()
    application.db.close()
    shutil.copy(ROOT / "schemas" / "usage_v2.py", directory / "schema.py")
    return old


@contextmanager
def writers(old: Path, directory: Path, count: int = 2) -> Iterator[list[Path]]:
    journals = [directory / f"journal-{seed}.txt" for seed in range(count)]
    program = [sys.executable, "-m", "tests.scenarios.usage", "--db", str(old)]
    seeded = enumerate(journals, 10)
    with to_their_end([*program, "--journal", str(path), "--seed", str(seed)] for seed, path in seeded):
        wait_until(lambda: all(path.exists() and path.stat().st_size > 50 for path in journals), "the writers to write")
        yield journals


def new_of(directory: Path, old: Path) -> Path:
    (path,) = (path for path in directory.glob("usage-*.sqlite") if path != old)
    return path


def check(directory: Path, old: Path, journals: list[Path]) -> Contents:
    """Every accepted write is in the old database, and the new one is what the old one has to become."""
    before, after = contents(old), contents(new_of(directory, old))
    accepted = {line for path in journals for line in path.read_text().split() if "-" in line}
    assert accepted == {row["model"] for row in before["entries"] if row["block_time"] == "journal"}
    assert len(accepted) > 20
    for name, rows in expected(before).items():
        assert after[name] == rows, name
    return after


def check_forked(before: Contents) -> None:
    """The rows are such that each rule has something to do."""
    after = expected(before)
    for name in ("blocks", "milestones", "percent_milestones", "usage_snapshots", "cost_snapshots", "block_models"):
        assert after[name] != before[name], name
    assert len(after["blocks"]) < len(before["blocks"])
    assert len(after["milestones"]) < len(before["milestones"])
    assert len(after["percent_milestones"]) < len(before["percent_milestones"])
    blocks = {row["id"] for row in before["blocks"]}
    assert any(row["block_id"] not in blocks for row in before["block_models"])
    assert any(row["resets_at"] == "soon" for row in before["blocks"])


@pytest.mark.parametrize(
    ("way", "journal_mode"), [("drain --cutover --max-pause 10", "delete"), ("cutover --max-pause 10", "wal")]
)
def test_the_new_database_is_what_plain_python_makes_of_the_old_one(
    tmp_path: Path, way: str, journal_mode: str
) -> None:
    old = first(tmp_path, 300)
    db = sqlite3.connect(old)
    assert db.execute(f"PRAGMA journal_mode = {journal_mode}").fetchone() == (journal_mode,)
    db.close()
    with writers(old, tmp_path) as journals:
        hotmig(tmp_path, "migrate")
        if way.startswith("cutover"):
            hotmig(tmp_path, "drain")
        ran = hotmig(tmp_path, *way.split(" ", 1)[:1], *way.split()[1:], "--json").json()["data_migrations"]
    assert ran == NAMES
    check_forked(contents(old))
    after = check(tmp_path, old, journals)
    marks = sqlite3.connect(new_of(tmp_path, old)).execute("SELECT name FROM _data_migration ORDER BY name").fetchall()
    assert [name for (name,) in marks] == NAMES
    for command in ("migrate", "drain", "cutover", "data run"):
        hotmig(tmp_path, command)
    assert contents(new_of(tmp_path, old)) == after


def test_a_failure_of_the_last_one_leaves_both_as_they_were_and_the_writers_write_on(tmp_path: Path) -> None:
    old = first(tmp_path, 100)
    module = tmp_path / "schema.py"
    good = module.read_text()
    module.write_text(
        good.replace(
            '    db.execute(f"UPDATE percent_milestones',
            '    raise RuntimeError\n    db.execute(f"UPDATE percent_milestones',
        )
    )
    with writers(old, tmp_path) as journals:
        hotmig(tmp_path, "migrate")
        for _ in range(2):
            hotmig(tmp_path, "drain", "--cutover", "--max-pause", "10", code=1)
            size = journals[0].stat().st_size
            wait_until(lambda size=size: journals[0].stat().st_size > size + 100, "the writers to write on")
        states = {each["name"]: each["state"] for each in hotmig(tmp_path, "data status", "--json").json()["entries"]}
        assert states == dict(zip(NAMES, ("pending", "pending", "failed"), strict=True))
        module.write_text(good)
        hotmig(tmp_path, "drain", "--cutover", "--max-pause", "10")
    check(tmp_path, old, journals)


def test_without_rows_there_is_nothing_to_do_and_all_are_marked(tmp_path: Path) -> None:
    old = first(tmp_path, 0)
    hotmig(tmp_path, "migrate")
    assert hotmig(tmp_path, "drain", "--cutover", "--json").json()["data_migrations"] == NAMES
    assert contents(new_of(tmp_path, old)) == {name: [] for name in TABLES}


def test_a_first_database_is_stamped(tmp_path: Path) -> None:
    shutil.copy(ROOT / "schemas" / "usage_v2.py", tmp_path / "schema.py")
    hotmig(tmp_path, "init")
    states = {each["name"]: each["state"] for each in hotmig(tmp_path, "data status", "--json").json()["entries"]}
    assert states == dict.fromkeys(NAMES, "applied")


# --- the functions alone, against the same expectation


def memory(rows: Contents) -> sqlite3.Connection:
    from hotmig.schema.load import load

    db = sqlite3.connect(":memory:", isolation_level=None)
    for sql in load(ROOT / "schemas" / "usage_v1.py").create_tables:
        db.execute(sql)
    for name, each in rows.items():
        for row in each:
            marks = ", ".join("?" * len(row))
            db.execute(f"INSERT INTO {name}({', '.join(row)}) VALUES ({marks})", [*row.values()])
    db.execute("PRAGMA foreign_keys = ON")
    return db


def dump(db: sqlite3.Connection) -> Contents:
    db.row_factory = sqlite3.Row
    found = {name: ordered([dict(row) for row in db.execute(f"SELECT * FROM {name}")]) for name in TABLES}
    db.row_factory = None
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), writes=st.integers(0, 120))
def test_any_rows_become_what_plain_python_makes_of_them_and_a_second_time_nothing(seed: int, writes: int) -> None:
    db = memory({})
    db.execute("PRAGMA foreign_keys = OFF")
    application = Accounting(Path(":memory:"), seed)
    application.db.close()
    application.db = db
    for _ in range(writes):
        application.write()
    db.execute("PRAGMA foreign_keys = ON")
    before = dump(db)
    steps = (V2.backfill_block_models, V2.merge_forked_blocks, V2.heal_week_dates)
    db.execute("BEGIN")
    for step in steps:
        step(db)
    db.execute("COMMIT")
    after = dump(db)
    assert after == expected(before)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    # Blocks that were made one can be near a third one then: that is not looked for again.
    changes = db.total_changes
    V2.heal_week_dates(db)
    assert db.total_changes == changes
    assert dump(db) == after
