"""Projects under several names become one while two processes write aliases, forks of what is known, and twins."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scenarios.harness import ROOT, Run, by_hand, hotmig, to_their_end, wait_until
from tests.scenarios.memory import JOURNAL, MADE, REGISTRY, TABLES, TOUCHED, Assistant, Expected
from tests.scenarios.usage import Contents, Row, contents, ordered

KINDS = {"made", "merged project", "merged", "dropped", "shadow wins", "carried", "superseded"}
ALIASES_ALONE = (
    "INSERT INTO projects VALUES ('test-1', ' Set Aside', NULL), ('test-2', 'LEFTOVER', NULL)",
    "INSERT INTO project_state VALUES ('test-3', 'test-1', 'c', 'k', 'v', 'active', '2020-01-01T00:00:00Z'),"
    " ('test-4', 'test-2', 'c', 'k', 'v', 'active', '2020-01-01T00:00:00Z')",
)
# What the copy has made for them has to go again: there is a canonical row, or no alias any more.
ALONE_NO_MORE = (
    "PRAGMA foreign_keys = ON",
    "INSERT INTO projects VALUES ('test-5', 'settled', 'made by hand')",
    "DELETE FROM projects WHERE id = 'test-2'",
)
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def first(directory: Path, writes: int, journal_mode: str = "wal") -> Path:
    """The database of the first version, after some time."""
    shutil.copy(ROOT / "schemas" / "memory_v1.py", directory / "schema.py")
    hotmig(directory, "init")
    (old,) = directory.glob("memory-*.sqlite")
    application = Assistant(old, "first")
    assert application.db.execute(f"PRAGMA journal_mode = {journal_mode}").fetchone() == (journal_mode,)
    for _ in range(writes):
        application.write()
    application.db.close()
    shutil.copy(ROOT / "schemas" / "memory_v2.py", directory / "schema.py")
    projects = [{"id": name, **({"aliases": aliases} if aliases else {})} for name, aliases in REGISTRY.items()]
    (directory / "project-registry.json").write_text(json.dumps({"projects": projects}))
    return old


class Journals:
    """What the writers were told."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def lines(self) -> list[list[str]]:
        return [path.read_text().split() if path.exists() else [] for path in self.paths]

    def wait_for(self, more: int) -> None:
        """Until each of them has written so many transactions more."""
        before = [len(lines) for lines in self.lines()]
        wait_until(
            lambda: all(len(now) >= then + more for now, then in zip(self.lines(), before, strict=True)),
            f"the writers to write {more} times",
        )

    def accepted(self) -> set[str]:
        return {line for lines in self.lines() for line in lines if "-" in line}

    def refusals(self) -> set[str]:
        return {line for lines in self.lines() for line in lines if "-" not in line}


@contextmanager
def writers(old: Path, directory: Path, count: int = 2) -> Iterator[Journals]:
    journals = Journals([directory / f"journal-{number}.txt" for number in range(count)])
    program = [sys.executable, "-m", "tests.scenarios.memory", "--db", str(old)]
    named = enumerate(journals.paths)
    with to_their_end([*program, "--journal", str(path), "--name", f"w{number}"] for number, path in named):
        journals.wait_for(10)
        yield journals


def new_of(directory: Path, old: Path) -> Path:
    (path,) = (path for path in directory.glob("memory-*.sqlite") if path != old)
    return path


def recognised(after: Contents, names: set[str]) -> Contents:
    """The same with a word for each key of a project that was made, of these names, and for the time of each move."""
    made = {row["id"]: MADE.format(row["name"]) for row in after["projects"] if row["name"] in names}
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in made), made

    def state(row: Row) -> Row:
        moved = re.fullmatch(TIME, row["updated_at"]) and row["updated_at"] > "2021"  # the application's are before
        time = TOUCHED if moved else row["updated_at"]
        return {**row, "project_id": made.get(row["project_id"], row["project_id"]), "updated_at": time}

    projects = ordered([{**row, "id": made.get(row["id"], row["id"])} for row in after["projects"]])
    return {**after, "projects": projects, "project_state": ordered([state(row) for row in after["project_state"]])}


def check(directory: Path, old: Path, journals: Journals) -> Expected:
    """Every accepted write is in the old database, and the new one is what the old one has to become."""
    before, after = contents(old, TABLES), contents(new_of(directory, old), TABLES)
    written = {row["id"] for row in before["interactions"] if row["summary"] == JOURNAL}
    assert journals.accepted() == {key for key in written if key.startswith("w")}
    expected = Expected(before)
    made = {row["name"] for row in expected.contents["projects"] if row["id"] == MADE.format(row["name"])}
    found = recognised(after, made)
    for name in TABLES:
        assert found[name] == expected.contents[name], name
    db = sqlite3.connect(new_of(directory, old))
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()
    return expected


def check_report(run: Run, expected: Expected) -> None:
    """What the operator has to save by hand is listed, and nothing else."""
    tables = {each["table"]: each for each in json.loads(Path(run.json()["report"]).read_text())["tables"]}
    for kind, title in (("merged", "merged"), ("dropped", "historical_drops")):
        assert {each["key"]["id"] for each in tables["project_state"][title]} == expected.kinds[kind]


@pytest.mark.parametrize(("way", "journal_mode"), [("drain --cutover", "wal"), ("drain then cutover", "delete")])
def test_the_new_database_is_what_plain_python_makes_of_the_old_one(
    tmp_path: Path, way: str, journal_mode: str
) -> None:
    old = first(tmp_path, 250, journal_mode)
    by_hand(old, *ALIASES_ALONE)
    with writers(old, tmp_path) as journals:
        hotmig(tmp_path, "migrate")
        copied = Expected(contents(old, TABLES)).kinds
        by_hand(old, *ALONE_NO_MORE)
        journals.wait_for(150)
        if way == "drain --cutover":
            run = hotmig(tmp_path, "drain", "--cutover", "--max-pause", "10", "--json")
        else:
            hotmig(tmp_path, "drain", "--max-pause", "10")
            hotmig(tmp_path, "cutover", "--max-pause", "10")
    expected = check(tmp_path, old, journals)
    if way == "drain --cutover":  # else there may be too many rows for a report while writes are paused
        check_report(run, expected)
    behind = {kind for kind, keys in expected.kinds.items() if keys - copied[kind]}
    assert behind == KINDS, "what was written behind the copy leaves some rule without work"
    assert "Nothing to do" in hotmig(tmp_path, "plan").out


def test_a_collision_behind_the_copy_is_refused_before_the_fence_and_a_write_mends_it(tmp_path: Path) -> None:
    old = first(tmp_path, 100)
    with writers(old, tmp_path) as journals:
        hotmig(tmp_path, "migrate")
        by_hand(
            old,
            "INSERT INTO projects VALUES ('test-1', 'settled', NULL), ('test-2', ' Set Aside', NULL)",
            "INSERT INTO project_state VALUES ('test-3', 'test-1', 'c', 'k', 'mine', 'active', '2020-01-01T00:00:00Z'),"
            " ('test-4', 'test-2', 'c', 'k', 'theirs', 'active', '2020-01-02T00:00:00Z')",
        )
        refused = hotmig(tmp_path, "drain", "--cutover", "--max-pause", "10", code=3)
        assert "rows with the same project_id, category, key collide" in refused.err
        assert "'test-3' and 'test-4'" in refused.err
        journals.wait_for(20)
        assert journals.refusals() == set(), "writes were paused for a drain that could not end well"
        assert hotmig(tmp_path, "status", "--json").json()["phase"] == "recording"
        by_hand(old, "UPDATE project_state SET status = 'superseded' WHERE id = 'test-4'")
        hotmig(tmp_path, "drain", "--cutover", "--max-pause", "10")
    expected = check(tmp_path, old, journals)
    assert "test-4" in expected.kinds["dropped"]
    assert "Nothing to do" in hotmig(tmp_path, "plan").out
