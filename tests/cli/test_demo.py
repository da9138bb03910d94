"""``hotmig demo``, as a new user types it."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.harness import environment

ROWS = 2_000
# In this order; each is the beginning of a line.
STORY = (
    "A shop with about 2,000 rows opens: ",
    "Its application writes without pause: ",
    "init: ",
    "The new schema is put in place of schema.py.",
    "plan: ",
    "migrate: ",
    "status: ",
    "drain and cutover: ",
    "The application goes on with the new database.",
    "cleanup-old: ",
    "What the new schema changed:",
    "What happened:",
    "  copied ",
    "  new keys ",
    "  written meanwhile ",
    "  recorded ",
    "  proof ",
    "  pause ",
    "  longest wait ",
    "  cleaned ",
    "The files are in ",
)
KEYS = {
    "format", "directory", "rows", "rows_per_second", "copy_seconds", "keys_mapped", "writes_recorded", "rounds",
    "pause_ms", "proved_rows", "differences", "dropped", "application",
}  # fmt: skip


def demo(*options: str | Path, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hotmig", "demo", "--rows", str(ROWS), *map(str, options)]
    done = subprocess.run(
        command, cwd=cwd, env=environment(), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def check_files(directory: Path) -> None:
    """The application's database, retired, with init's link to it; the schema module; the new database, ready."""
    assert (directory / "schema.py").read_text().startswith('"""The shop as it becomes')
    names = {path.name for path in directory.iterdir()}
    (link,) = (path for path in directory.glob("shop-*.sqlite") if path.is_symlink())
    (new,) = (path for path in directory.glob("shop-*.sqlite") if not path.is_symlink())
    assert names == {"shop.db", "schema.py", link.name, new.name}
    assert link.resolve() == (directory / "shop.db").resolve()
    db = sqlite3.connect(new)
    assert db.execute("SELECT status FROM _migration_status").fetchone() == ("ready",)
    assert db.execute("SELECT count(*) > 100 FROM customer").fetchone() == (1,)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()
    db = sqlite3.connect(link)
    assert db.execute("SELECT successor FROM _migration_retired").fetchone() == (new.name,)
    with pytest.raises(sqlite3.IntegrityError, match="hotmig: this database was replaced by"):
        db.execute("DELETE FROM client")
    db.close()


def test_it_tells_its_story_in_order_and_keeps_the_files(tmp_path: Path) -> None:
    shown = demo("--keep", tmp_path / "kept", cwd=tmp_path)
    assert shown.stderr == ""
    lines = iter(shown.stdout.splitlines())
    for beginning in STORY:
        assert any(line.startswith(beginning) for line in lines), f"{beginning!r} is missing, or not in its place"
    happened = shown.stdout.partition("What happened:\n")[2]
    facts = {label.strip(): told for label, told in re.findall(r"^  (.{17}) (.+)$", happened, re.MULTILINE)}
    assert re.fullmatch(r"[\d,]+ rows in .+: [\d,]+ rows/s", facts["copied"])
    assert re.fullmatch(r"[\d,]+ writes of the application, before and after the hand-over", facts["written meanwhile"])
    assert re.fullmatch(r"[\d,]+ rows compared, old with new: no difference", facts["proof"])
    assert re.fullmatch(r"[\d,.]+ ms without writes, while the databases changed places", facts["pause"])
    check_files(tmp_path / "kept")


def test_json_is_one_object_with_every_figure(tmp_path: Path) -> None:
    shown = demo("--json", "--keep", tmp_path / "kept", cwd=tmp_path)
    facts = json.loads(shown.stdout)
    assert shown.stderr == ""
    assert set(facts) == KEYS
    assert facts["directory"] == str(tmp_path / "kept")
    for figure in ("rows", "rows_per_second", "keys_mapped", "rounds", "pause_ms", "proved_rows"):
        assert facts[figure] > 0, figure
    assert facts["application"]["accepted_total"] > 0
    assert "_migration_marker" in facts["dropped"]
    check_files(tmp_path / "kept")


def test_without_keep_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    assert "The files are in" not in demo("--quiet", cwd=tmp_path / "here").stdout
    assert [*(tmp_path / "temporary").iterdir(), *(tmp_path / "here").iterdir()] == []


def test_a_directory_that_is_not_empty_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    done = demo("--keep", tmp_path, cwd=tmp_path, code=3)
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"Error: {tmp_path} is not empty",
        "Hint: give `hotmig demo --keep` a directory that is new or empty",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine").read_text() == "precious"
