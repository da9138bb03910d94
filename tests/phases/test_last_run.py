"""The last run of a directory: whether anything was left undone, for whoever only looks."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hotmig.errors import HotmigError
from hotmig.ledger.store import LEDGER_FILE
from hotmig.phases.last_run import LastRun, last_run, unsettled
from hotmig.phases.running import running
from tests.phases.processes import patched
from tests.phases.shops import Shop, open_shop
from tests.scenarios.test_hostile_states import KILLED_BEFORE_THE_FILE


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "shop")


def known(shop: Shop) -> LastRun:
    last = last_run(shop.directory)
    assert last is not None
    return last


def test_before_the_first_run_there_is_none(shop: Shop) -> None:
    assert last_run(shop.directory) is None
    assert unsettled(shop.directory) is None
    assert not shop.own.exists()


def test_it_is_the_newest_one(shop: Shop) -> None:
    shop.run("migrate")
    shop.run("drain")
    last, (newest, *_) = known(shop), shop.runs()
    assert (last.run_id, last.command, last.state) == (newest["run_id"], "drain", "completed")
    assert (last.started_utc, last.finished_utc, last.error) == (newest["started_utc"], newest["finished_utc"], None)
    assert unsettled(shop.directory) is None


def test_one_that_failed_is_unsettled_until_a_later_one_completes(shop: Shop) -> None:
    shop.run("cutover", code=3)
    failed = unsettled(shop.directory)
    assert failed == known(shop)
    assert failed is not None
    assert (failed.command, failed.state) == ("cutover", "failed")
    assert failed.error is not None
    assert "no _migration_marker" in failed.error
    shop.run("migrate")
    assert unsettled(shop.directory) is None


def test_one_that_died_is_unsettled(shop: Shop) -> None:
    assert patched(shop, KILLED_BEFORE_THE_FILE, "migrate").wait() == 9
    died = unsettled(shop.directory)
    assert died is not None
    assert (died.command, died.state, died.finished_utc) == ("migrate", "partially_committed", None)
    shop.run("reset")
    assert unsettled(shop.directory) is None


def test_what_was_refused_since_does_not_hide_what_was_left_half_done(shop: Shop) -> None:
    assert patched(shop, KILLED_BEFORE_THE_FILE, "migrate").wait() == 9
    shop.run("cutover", code=3)
    died = unsettled(shop.directory)
    assert died is not None
    assert (died.command, died.state) == ("migrate", "partially_committed")
    assert any(
        told.startswith(f"`hotmig migrate` (run {died.run_id}) did not come")
        for told in shop.json("status")["attention"]
    )
    shop.run("migrate")
    assert unsettled(shop.directory) is None


def test_one_at_work_is_not_unsettled(tmp_path: Path) -> None:
    with running(tmp_path, "migrate"):
        last = last_run(tmp_path)
        assert last is not None
        assert last.state == "running"
        assert unsettled(tmp_path) is None


def test_a_ledger_that_cannot_be_read_is_an_error_to_who_asks_for_it_alone(shop: Shop) -> None:
    shop.own.mkdir()
    (shop.own / LEDGER_FILE).write_bytes(b"no database " * 500)
    with pytest.raises(HotmigError, match="can't be used"):
        last_run(shop.directory)
    assert unsettled(shop.directory) is None


def edited(shop: Shop, column: str, value: object) -> None:
    db = sqlite3.connect(shop.own / LEDGER_FILE, isolation_level=None)
    db.execute(f"UPDATE run SET {column} = ?", (value,))
    db.close()


def test_a_process_number_that_is_none_is_that_of_a_dead_process(shop: Shop) -> None:
    shop.run("migrate")
    edited(shop, "state", "running")
    edited(shop, "pid", "abc")
    assert known(shop).state == "partially_committed"
    assert shop.json("runs list")[0]["state"] == "partially_committed"


@pytest.mark.parametrize("arguments", ["--schema 'x ", b"--schema \xff", "--schema /" + "x" * 5000])
def test_arguments_that_hotmig_did_not_write_name_no_schema_module(shop: Shop, arguments: object) -> None:
    shop.run("migrate")
    edited(shop, "arguments", arguments)
    (shop.directory / "schema.py").rename(shop.directory / "elsewhere.py")
    assert "there is no schema module" in shop.run("plan", code=1).stderr
    assert shop.phase() == "recording"
