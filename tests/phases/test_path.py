"""Which file an application opens."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

import hotmig
from hotmig.errors import GaveUp, HotmigError, Refused, SchemaError
from hotmig.phases.path import path
from tests.phases.files import NEW, OLD, cleaned_database, database, new_database, old_database, ready_database


def test_the_ready_database_of_the_module_is_the_one(shop: Path, target: Path) -> None:
    old_database(shop / OLD, "retired", target=target.name)
    ready_database(target, parent=OLD)
    assert path(shop) == target


def test_applications_ask_by_one_name(shop: Path, target: Path) -> None:
    ready_database(target)
    assert hotmig.path(str(shop)) == hotmig.path(shop, schema=shop / "schema.py") == target


def test_an_adopted_database_is_ready(shop: Path, target: Path) -> None:
    database(shop / "app.db").close()
    target.symlink_to(shop / "app.db")
    assert path(shop) == target


def test_a_database_stays_the_one_while_a_migration_leads_away_from_it(shop: Path, target: Path) -> None:
    old_database(target, "recording", target=NEW)
    new_database(shop / NEW, parent=target.name)
    assert path(shop) == target


@pytest.mark.parametrize("state", ["absent", "migrating"])
def test_what_is_not_ready_is_an_error(shop: Path, target: Path, state: str) -> None:
    old_database(shop / OLD, "recording", target=target.name)
    if state == "migrating":
        new_database(target)
    with pytest.raises(HotmigError, match=target.name) as error:
        path(shop)
    assert "hotmig path --wait" in (error.value.hint or "")


def test_waiting_gives_up_in_time(shop: Path, target: Path) -> None:
    new_database(target)
    with pytest.raises(GaveUp, match=r"gave up after 0\.1 s: .* is being built"):
        path(shop, wait=0.1)


def test_waiting_ends_when_the_database_becomes_ready(shop: Path, target: Path) -> None:
    new_database(target)

    def cut_over() -> None:
        db = sqlite3.connect(target, isolation_level=None)
        db.execute("UPDATE _migration_status SET status = 'ready'")
        db.close()

    timer = threading.Timer(0.2, cut_over)
    timer.start()
    assert path(shop, wait=60) == target
    timer.join()


@pytest.mark.parametrize("state", ["retired", "cleaned", "ancestor"])
def test_a_database_that_was_replaced_is_refused_without_waiting(shop: Path, target: Path, state: str) -> None:
    if state == "cleaned":
        cleaned_database(target)
    else:
        old_database(target, "retired" if state == "retired" else None)
    ready_database(shop / NEW, parent=target.name)
    with pytest.raises(Refused, match="not in service"):
        path(shop, wait=600)


def test_a_module_that_is_wrong_is_an_error(shop: Path) -> None:
    (shop / "schema.py").write_text("class (")
    with pytest.raises(SchemaError, match=r"schema\.py:1: syntax error"):
        path(shop, wait=600)
