"""What `migrate` found when it planned is not looked for again, unless somebody wrote in between."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hotmig.phases import migrate
from hotmig.transfer.groups.rehearsal import Rehearsal
from tests.phases.processes import patched
from tests.phases.shops import Shop, open_shop
from tests.scenarios.harness import environment

SCRIPT = """CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE note(id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES project(id), word TEXT,
        at INTEGER);
    INSERT INTO project VALUES (1, 'one'), (2, 'uno'), (3, 'eins'), (4, 'deux'), (5, 'other');
    INSERT INTO note VALUES (1, 1, 'a', 1), (2, 2, 'a', 2), (3, 3, 'b', 3), (4, 4, 'a', 4), (5, 5, 'a', 5);"""
MODULE = """from typing import Annotated

from hotmig.schema import Duplicates, Key, Merge, References, auto, table

database = "shop"

@table("project", merge=Merge(by="name", mapping={"uno": "one", "eins": "one", "deux": "two"}, create={"id": "900"}))
class Project:
    id: Annotated[int, Key] = auto()
    name: str

@table("note", unique=[("project_id", "word")], duplicates=Duplicates(
    key=("project_id", "word"), compare="at", prefer="at DESC, id"))
class Note:
    id: Annotated[int, Key] = auto()
    project: Annotated[Project, References]
    word: str | None = None
    at: int | None = None
"""
NOTES = "SELECT p.name, n.word, n.at FROM note AS n JOIN project AS p ON p.id = n.project_id ORDER BY 1, 2"
EXPECTED = [("one", "a", 2), ("one", "b", 3), ("other", "a", 5), ("two", "a", 4)]
HANDED_ON, FOUND = "hand on groups", "group rows"


@pytest.fixture(params=["wal", "wal, open", "delete"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    opened = open_shop(tmp_path / "app", script=SCRIPT, module=MODULE, wal=request.param != "delete")
    reader = sqlite3.connect(opened.old)
    if request.param == "wal, open":
        reader.execute("SELECT count(*) FROM note").fetchall()
    yield opened
    reader.close()


def finish(shop: Shop) -> list[Any]:
    shop.run("drain --cutover")
    return shop.ask(NOTES, shop.new)


def actions(shop: Shop) -> list[str]:
    return [action for action, *_ in shop.steps() if action in (HANDED_ON, FOUND)]


def test_nobody_wrote(shop: Shop) -> None:
    shop.run("migrate")
    assert actions(shop) == [HANDED_ON]
    assert finish(shop) == EXPECTED


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("INSERT INTO note VALUES (6, 2, 'a', 6)", [("one", "a", 6), *EXPECTED[1:]]),
        (
            "UPDATE project SET name = 'one more' WHERE id = 2",
            [("one", "a", 1), ("one", "b", 3), ("one more", "a", 2), *EXPECTED[2:]],
        ),
        ("DELETE FROM note WHERE id = 2", [("one", "a", 1), *EXPECTED[1:]]),
    ],
)
def test_somebody_wrote_after_the_plan(
    shop: Shop, written: str, expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "start_recording", _behind(shop, written, migrate.start_recording))
    shop.run("migrate")
    assert actions(shop) == [FOUND, FOUND]
    assert finish(shop) == expected


def _behind(shop: Shop, written: str, start: Callable[..., Any]) -> Callable[..., Any]:
    def started(*arguments: Any) -> Any:
        shop.write(written)
        return start(*arguments)

    return started


def test_what_is_written_while_it_is_handed_on_is_replayed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_on = migrate.hand_on

    def written_before(*arguments: Any) -> None:
        shop.write("INSERT INTO note VALUES (6, 3, 'a', 6)", "UPDATE project SET name = 'two' WHERE id = 5")
        hand_on(*arguments)

    monkeypatch.setattr(migrate, "hand_on", written_before)
    shop.run("migrate")
    assert actions(shop) == [HANDED_ON]
    assert finish(shop) == [("one", "a", 6), ("one", "b", 3), ("two", "a", 5)]


def test_nothing_is_handed_on_to_a_migration_that_was_begun(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(migrate, "hand_on", dies)
        shop.run("migrate", code=1)
    shop.write("INSERT INTO note VALUES (6, 2, 'a', 6)")
    shop.run("migrate")
    assert actions(shop) == [FOUND, FOUND]
    assert finish(shop) == [("one", "a", 6), *EXPECTED[1:]]


def test_a_file_that_was_handed_on_in_part_is_made_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_part(rehearsal: Rehearsal, new: Path, *_: Any) -> None:
        def dies(_status: int, remaining: int, total: int) -> None:
            if 0 < remaining < total:
                raise RuntimeError("killed")

        with closing(sqlite3.connect(new)) as db:
            rehearsal.session.db.backup(db, pages=3, progress=dies)

    with monkeypatch.context() as patched:
        patched.setattr(migrate, "hand_on", in_part)
        shop.run("migrate", code=1)
    shop.run("migrate")
    assert actions(shop) == [FOUND, FOUND]
    assert finish(shop) == EXPECTED


SETTINGS = ("page_size", "encoding", "auto_vacuum", "journal_mode")


@pytest.mark.parametrize("vacuum", [0, 1, 2])
@pytest.mark.parametrize("wal", [True, False])
def test_the_new_file_has_the_settings_of_the_old_one(tmp_path: Path, vacuum: int, wal: bool) -> None:
    settings = f"PRAGMA page_size = 8192; PRAGMA auto_vacuum = {vacuum}; PRAGMA encoding = 'UTF-16be';"
    switch = "PRAGMA journal_mode = WAL;" if wal else ""
    shop = open_shop(tmp_path / "app", script=settings + SCRIPT + switch, module=MODULE, wal=False)
    old = [shop.ask(f"PRAGMA {name}", shop.old) for name in SETTINGS]
    shop.run("migrate")
    assert actions(shop) == [HANDED_ON]
    assert finish(shop) == EXPECTED
    assert [shop.ask(f"PRAGMA {name}", shop.new) for name in SETTINGS] == old
    assert old[2] == [(vacuum,)]
    assert shop.ask("PRAGMA integrity_check", shop.new) == [("ok",)]


KILLED_BEHIND_IT = "import hotmig.transfer.build as b\nb.create_schema = lambda *_: os._exit(9)"


@pytest.mark.parametrize("out", ["migrate", "reset", "another module", "runs rollback"])
def test_a_run_that_died_behind_it_has_not_begun_the_new_file(tmp_path: Path, out: str) -> None:
    """It has tables by then, and no status: under its name it would be a ready database to `hotmig path`."""
    shop = open_shop(tmp_path / "app", script=SCRIPT, module=MODULE)
    assert patched(shop, KILLED_BEHIND_IT, "migrate").wait() == 9
    assert any(name.endswith("-unfinished") for name in shop.listing())
    facts = shop.json("status")
    assert (Path(facts["old"]["path"]), facts["phase"]) == (shop.old, "copying")
    assert shop.run("path", code=1).stdout == ""
    shop.run("plan")
    if out == "another module":
        (shop.directory / "schema.py").write_text(
            MODULE.replace('database = "shop"', 'database = "shop"\nADDED = 1') + "    more: int = 0\n"
        )
        shop.run("migrate", code=3)
        shop.run("reset")
    elif out == "runs rollback":
        shop.run("runs rollback", shop.runs()[0]["run_id"], "--yes")
    elif out == "reset":
        shop.run("reset")
    shop.run("migrate")
    assert [row[:3] for row in finish(shop)] == EXPECTED


@pytest.mark.parametrize("seeds", [("1", "2", "3")])
def test_processes_that_order_sets_in_other_ways_agree(tmp_path: Path, seeds: tuple[str, str, str]) -> None:
    """Numbers, names and the hash of the plan are the same for each: every command plans anew."""
    shop = open_shop(tmp_path / "app", script=SCRIPT, module=MODULE)
    for seed, command in zip(seeds, ("migrate", "drain", "cutover"), strict=True):
        words = [sys.executable, "-m", "hotmig", command, "-d", str(shop.directory)]
        subprocess.run(words, env={**environment(), "PYTHONHASHSEED": seed}, check=True, capture_output=True)
    assert shop.ask(NOTES, shop.new) == EXPECTED
