"""A real, small database, adopted and moved to a schema of our own day while its shop stays open."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest

from hotmig.schema.load import load
from tests.scenarios import exact
from tests.scenarios.chinook import CHINOOK, SCHEMAS, VARIABLE
from tests.scenarios.harness import Application, Project, check_everything, live, tries_around_fence, wait_until

pytestmark = pytest.mark.skipif(VARIABLE not in os.environ, reason=f"{VARIABLE} does not say where chinook.sqlite is")

MODES = pytest.mark.parametrize("journal_mode", ["wal", "delete"])
TRIES = 100
WRITER = {"program": "tests.scenarios.chinook_writer", "refusals": TRIES // 2, "pace": 0.002}


class Shop(Project):
    """The application goes on using ``chinook.db``; the link that ``hotmig init`` makes is hotmig's own."""

    @property
    def new(self) -> Path:
        (path,) = [path for path in self.directory.glob("chinook-*.sqlite") if not path.is_symlink()]
        return path

    @property
    def link(self) -> Path:
        (path,) = [path for path in self.directory.glob("chinook-*.sqlite") if path.is_symlink()]
        return path

    def declare(self, module: str) -> None:
        (self.directory / "schema.py").write_text(module)


@pytest.fixture
def shop(tmp_path: Path, journal_mode: str) -> Shop:
    """As it is on the day on which hotmig comes: a database, and nothing else."""
    directory = tmp_path / "app"
    directory.mkdir()
    database = directory / "chinook.db"
    CHINOOK.create(database, journal_mode, rows=0, seed=1)
    return Shop(directory, CHINOOK, database)


def wait_for_every_write(application: Application, file: str, kinds: set[str]) -> None:
    """Until the database has accepted each kind of write since now."""
    since = time.monotonic()

    def seen() -> bool:
        new = [entry for entry in application.accepted(file) if entry.began > since]
        return {write for entry in new for write in entry.writes} >= kinds

    wait_until(seen, "every kind of write")


@MODES
def test_it_moves_while_the_shop_is_open(shop: Shop) -> None:
    before = exact.contents_of(shop.old, CHINOOK.old_tables)
    with live(shop, **WRITER) as application:
        shop.run("init", str(shop.old))
        assert shop.link.resolve() == shop.old
        shop.declare(CHINOOK.schema_module)
        assert shop.run("plan", "--json").json()["runnable"] is True
        shop.run("migrate")
        wait_for_every_write(application, shop.old.name, set(CHINOOK.writes))
        shop.run("drain")
        shop.run("cutover")
        wait_for_every_write(application, shop.new.name, set(CHINOOK.new_writes))
        assert application.stop() == [0, 0]
    check_everything(shop, before, application)
    assert tries_around_fence(application) >= TRIES
    check_views(shop.new)


@pytest.mark.parametrize("journal_mode", ["wal"])
def test_the_plan_tells_what_becomes_of_each_table(shop: Shop) -> None:
    shop.run("init", str(shop.old))
    shop.declare(CHINOOK.schema_module)
    steps = {step["table"]: step for step in shop.run("plan", "--json").json()["steps"]}
    assert set(steps) == set(CHINOOK.new_tables)
    assert {name for name, step in steps.items() if step["keys"] == "mapped"} == {"playlist_track"}
    assert {name for name, step in steps.items() if step["how"] == "empty"} == {"review"}
    assert steps["playlist_track"]["rows"] == 8715


@pytest.mark.parametrize("journal_mode", ["wal"])
def test_init_writes_the_schema_that_we_start_from(shop: Shop) -> None:
    shop.run("init", str(shop.old))
    assert load(shop.directory / "schema.py").hash == load(SCHEMAS / "chinook_v1.py").hash
    assert (shop.directory / "schema.py").read_text().partition("\n")[2] == (
        (SCHEMAS / "chinook_v1.py").read_text().partition("\n")[2]
    )


@pytest.mark.parametrize("journal_mode", ["wal"])
def test_the_next_deploy_does_not_compute_prices_twice(shop: Shop) -> None:
    """Every Was and From stays in the module, and is used up."""
    shop.run("init", str(shop.old))
    shop.declare(CHINOOK.schema_module)
    shop.run("migrate")
    shop.run("drain", "--cutover")
    second = shop.new
    assert "skipped" in shop.run("migrate").out
    shop.declare(CHINOOK.schema_module.replace('comment: str = ""', 'comment: str = ""\n    helpful: int = 0'))
    shop.run("migrate")
    shop.run("drain", "--cutover")
    (third,) = set(shop.directory.glob("chinook-*.sqlite")) - {second, shop.link}
    was, now = (exact.contents_of(path, CHINOOK.new_tables) for path in (second, third))
    assert exact.differences(was, now) == []


@pytest.mark.parametrize("journal_mode", ["wal"])
def test_an_orphan_that_was_there_is_carried_over(shop: Shop) -> None:
    """Writers that never switched foreign keys on have left a line without invoice. It blocks nothing."""
    db = sqlite3.connect(shop.old)
    db.execute("INSERT INTO InvoiceLine(InvoiceId, TrackId, UnitPrice, Quantity) VALUES (0, 1, 0.99, 1)")
    db.commit()
    db.close()
    shop.run("init", str(shop.old))
    shop.declare(CHINOOK.schema_module)
    findings = shop.run("plan", "--json").json()["findings"]
    assert [(finding["check"], finding["severity"]) for finding in findings] == [("orphans", "warn")]
    shop.run("migrate")
    shop.run("drain", "--cutover")
    actual = exact.contents_of(shop.new, CHINOOK.new_tables)
    assert exact.differences(CHINOOK.resolve(CHINOOK.expected(shop.old), actual), actual) == []


def check_views(path: Path) -> None:
    """The new views answer, and with what the tables hold."""
    new = exact.contents_of(path, CHINOOK.new_tables)
    albums = {row[0]: row for row in new["album"]}
    artists = {row[0]: row for row in new["artist"]}
    listing = [
        (row[0], row[1], albums[row[2]][1], artists[albums[row[2]][2]][1], row[6])
        for row in new["track"]
        if row[2] is not None
    ]
    db = exact.read_only(path)
    columns = ["track_id", "track_name", "album_title", "artist_name", "duration_ms"]
    assert sorted(exact.rows(db, "track_listing", columns), key=repr) == sorted(listing, key=repr)
    spent = exact.rows(db, "customer_spending", ["invoices", "cents"])
    db.close()
    assert sum(row[0] for row in spent if isinstance(row[0], int)) == new["invoice"].total()
