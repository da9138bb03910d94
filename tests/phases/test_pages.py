"""``migrate`` where the whole file goes at once: what is said of it, what a death in it leaves, and the other way."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hotmig.transfer import pages
from tests.phases.processes import patched
from tests.phases.shops import ROWS, Shop, failure_in, items, open_shop

TOLD = "The file is copied as a whole, page by page, and becomes the new one by ALTER TABLE, CREATE and DROP.\n"
KILLED_AS_A_COPY = "os.link = lambda *_: os._exit(9)"
KILLED_UNDER_TWO_NAMES = "link = os.link\nos.link = lambda *names: (link(*names), os._exit(9))"
WRONG = "ALTER TABLE missing RENAME TO other"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "shop", wal=True)


def steps(shop: Shop) -> list[str]:
    (run,) = (run for run in shop.runs() if run["command"] == "migrate")
    return [step["action"] for step in run["steps"]]


def assert_handed_over(shop: Shop) -> None:
    if shop.phase() != "retired":
        shop.write("INSERT INTO item(name) VALUES ('late')")
        shop.run("drain --cutover")
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())
    assert shop.new.stat().st_nlink == 1
    assert not [name for name in shop.listing() if "-unfinished" in name]


def test_plan_says_so(shop: Shop) -> None:
    assert TOLD in shop.run("plan").stdout
    assert shop.json("plan")["by_pages"] is True


def test_in_rollback_journal_mode_it_does_not(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop", wal=False)
    assert TOLD not in shop.run("plan").stdout
    assert shop.json("plan")["by_pages"] is False
    shop.run("migrate")
    assert "copy" in steps(shop)


def test_what_is_switched_to_wal_goes_so_too(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop", wal=False)
    done = shop.run("migrate --wal")
    assert f"Copied {ROWS} rows" in done.stdout
    assert "copy" not in steps(shop)
    assert_handed_over(shop)


def test_a_throttled_migrate_copies_in_chunks(shop: Shop) -> None:
    shop.run("migrate --throttle 90")
    assert "copy" in steps(shop)


def test_the_rows_are_told_and_nothing_is_called_resumed(shop: Shop) -> None:
    facts = shop.json("migrate")
    assert (facts["rows"], facts["resumed"], facts["notes"]) == ({"item": ROWS}, [], [])
    assert steps(shop) == ["start recording", "make the new file", "index", "finish"]


@pytest.mark.parametrize("offline", [(), ("--offline",)], ids=["online", "offline"])
@pytest.mark.parametrize("death", [KILLED_AS_A_COPY, KILLED_UNDER_TWO_NAMES], ids=["as a copy", "under two names"])
def test_after_a_death_in_it_migrate_goes_on(shop: Shop, death: str, offline: tuple[str, ...]) -> None:
    assert patched(shop, death, "migrate", *offline).wait() == 9
    assert any(name.endswith("-unfinished") for name in shop.listing())
    assert shop.phase() in ("recording", "copying", "draining")
    shop.run("migrate", *offline)
    assert_handed_over(shop)


@pytest.mark.parametrize("undone", ["reset", "runs rollback {run} --yes"])
@pytest.mark.parametrize("death", [KILLED_AS_A_COPY, KILLED_UNDER_TWO_NAMES], ids=["as a copy", "under two names"])
def test_what_a_death_in_it_left_is_deleted_with_the_new_file(shop: Shop, death: str, undone: str) -> None:
    assert patched(shop, death, "migrate").wait() == 9
    shop.run(undone.format(run=shop.runs()[0]["run_id"]))
    assert set(shop.listing()) <= {shop.old.name, f"{shop.old.name}-wal", f"{shop.old.name}-shm", "schema.py"}
    shop.run("migrate")
    assert_handed_over(shop)


@pytest.mark.parametrize("death", [KILLED_AS_A_COPY, KILLED_UNDER_TWO_NAMES], ids=["as a copy", "under two names"])
def test_the_copy_is_no_database_to_any_command(shop: Shop, death: str) -> None:
    assert patched(shop, death, "migrate").wait() == 9
    assert Path(shop.json("status")["old"]["path"]) == shop.old
    assert shop.run("path", code=1).stdout == ""
    shop.write("INSERT INTO item(name) VALUES ('goes on')")


def test_where_alter_table_fails_each_table_is_copied_by_itself_and_that_is_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "alterations", lambda _plan: [WRONG])
    done = shop.run("migrate")
    told = "each table was copied by itself, not the file as a whole: SQLite says no such table: missing"
    assert told in done.stderr
    assert "copy" in steps(shop)
    assert_handed_over(shop)


def test_beside_an_open_writer_its_writes_of_the_moment_are_not_lost(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = sqlite3.connect(shop.old, isolation_level=None)
    copy = pages._copy

    def between(old: Path, db: sqlite3.Connection, *rest: Any) -> None:
        application.execute("UPDATE item SET name = 'before' WHERE id = 1")
        copy(old, db, *rest)
        application.execute("UPDATE item SET name = 'behind' WHERE id = 2")
        application.execute("DELETE FROM item WHERE id = 3")

    monkeypatch.setattr(pages, "_copy", between)
    shop.run("migrate")
    assert_handed_over(shop)
    application.close()


@pytest.mark.parametrize("suffix", ["-unfinished", "-wal", "-unfinished-journal"])
def test_a_directory_of_its_name_is_told_before_anything_is_recorded(shop: Shop, suffix: str) -> None:
    new = Path(shop.json("plan")["new"])
    there = new.with_name(new.name + suffix)
    there.mkdir()
    told = failure_in(shop.run("migrate", code=1).stderr)
    assert told.error == f"Error: {there} is a directory, and its name is the new database's"
    assert shop.own_objects() == set()
    there.rmdir()
    shop.run("migrate")
    new.with_name(f"{new.name}-unfinished").mkdir()
    shop.run("reset")
    assert (shop.own_objects(), new.exists()) == (set(), False)
