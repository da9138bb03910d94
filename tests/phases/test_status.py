"""What status says in every state that a migration can be in."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from pathlib import Path

import pytest

from hotmig.errors import HotmigError, Refused
from hotmig.phases.status import status
from tests.phases.files import (
    NEW,
    NEW_HASH,
    OLD,
    STARTED,
    THIRD,
    cleaned_database,
    database,
    new_database,
    old_database,
    ready_database,
)

MODULE = """from typing import Annotated

from hotmig.schema import Key, auto, table

database = "shop"

@table
class Item:  # as files.py makes it
    id: Annotated[int, Key] = auto()
    name: str | None = None
"""
UP, LAPSED = (-10.0, 50.0), (-100.0, -40.0)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    directory = tmp_path / "shop"
    directory.mkdir()
    return directory


def test_without_any_file_there_is_nothing_but_the_hint_to_begin(shop: Path) -> None:
    found = status(shop)
    assert (found.phase, found.old.path, found.new.path) == ("none", None, None)
    assert (found.next, found.needs_attention) == ("hotmig init APP.DB", False)


def test_an_old_database_alone_has_no_migration(shop: Path) -> None:
    old = old_database(shop / OLD)
    found = status(shop)
    assert (found.phase, found.old.path, found.old.status) == ("none", old, None)
    assert (found.old.log_entries, found.pending, found.id_mappings) == (None, None, None)
    assert (found.next, found.needs_attention) == ("hotmig plan", False)


def test_a_module_that_asks_for_another_schema_makes_the_live_database_the_old_one(shop: Path) -> None:
    (shop / "schema.py").write_text(MODULE + "    rank: int = 0\n")
    live = ready_database(shop / OLD, parent=None)
    found = status(shop)
    assert (found.phase, found.old.path, found.next) == ("none", live, "hotmig plan")
    assert found.new.path not in (None, live)
    assert found.new.size is None


def test_a_database_with_the_schema_of_the_module_is_ready(shop: Path) -> None:
    (shop / "schema.py").write_text(MODULE)
    old_database(shop / OLD)
    wanted = status(shop).new.path
    assert wanted is not None
    (shop / OLD).unlink()
    ready_database(wanted, parent=None)
    found = status(shop)
    assert (found.phase, found.new.path, found.old.path, found.next) == ("ready", wanted, None, None)


def test_copying_lasts_until_every_table_is_copied(shop: Path) -> None:
    old_database(shop / OLD, "recording", log=7)
    new_database(shop / NEW, copies={"item": "copied", "sale": "indexing"}, replayed=3, mappings=5)
    found = status(shop)
    assert (found.phase, found.next) == ("copying", "hotmig migrate")
    assert (found.old.log_entries, found.pending, found.id_mappings) == (7, 4, 5)
    assert (found.new.tables, found.new.tables_copied, found.new.rows_copied) == (2, 1, 20)


@pytest.mark.parametrize("copies", [{}, {"item": "waiting"}])
def test_a_copy_that_has_not_begun_is_copying(shop: Path, copies: dict[str, str]) -> None:
    old_database(shop / OLD, "recording")
    new_database(shop / NEW, copies=copies)
    assert status(shop).phase == "copying"


def test_recording_is_what_follows_the_copy(shop: Path) -> None:
    old = old_database(shop / OLD, "recording", log=7)
    new = new_database(shop / NEW, replayed=7)
    found = status(shop)
    assert (found.phase, found.next, found.needs_attention) == ("recording", "hotmig drain", False)
    assert (found.old.path, found.old.status) == (old, "recording")
    assert (found.new.path, found.new.status) == (new, "migrating")
    assert (found.new.schema_hash, found.new.schema_commit, found.pending) == (NEW_HASH, "abc1234+", 0)
    assert (found.fenced_for, found.fence_left) == (None, None)


def test_the_age_is_counted_from_the_marker(shop: Path) -> None:
    old_database(shop / OLD, "recording")
    found = status(shop)
    assert found.started_utc == STARTED
    assert found.age is not None
    began = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=found.age)
    assert f"{began:%Y-%m-%d %H:%M}" == "2026-01-02 03:04"


def test_draining_tells_how_long_writes_are_refused_and_when_the_fence_lapses(shop: Path) -> None:
    old_database(shop / OLD, "draining", log=7, fence=UP)
    new_database(shop / NEW, replayed=3)
    found = status(shop)
    assert (found.phase, found.pending, found.needs_attention) == ("draining", 4, True)
    assert found.fenced_for is not None
    assert found.fence_left is not None
    assert found.fenced_for >= 10
    assert 0 < found.fence_left <= 50


def test_drained_waits_for_the_cutover(shop: Path) -> None:
    old = old_database(shop / OLD, "draining", log=7, fence=UP)
    new_database(shop / NEW, replayed=7, drained_behind=old)
    found = status(shop)
    assert (found.phase, found.next, found.needs_attention) == ("drained", "hotmig cutover", True)


def test_a_drain_behind_another_fence_is_done_again(shop: Path) -> None:
    """One of the two files was put back from a backup."""
    old_database(shop / OLD, "draining", log=7, fence=UP)
    new_database(shop / NEW, replayed=7, drained=True)
    assert status(shop).next == "hotmig drain"


@pytest.mark.parametrize("fence", [LAPSED, (40.0, 100.0)], ids=["in the past", "in the future: the clock was set back"])
def test_a_fence_is_up_between_its_two_times_only(shop: Path, fence: tuple[float, float]) -> None:
    old_database(shop / OLD, "draining", log=7, fence=fence)
    new_database(shop / NEW, replayed=7, drained=True)
    found = status(shop)
    assert (found.phase, found.next, found.needs_attention) == ("lapsed", "hotmig drain", True)
    assert found.fenced_for is None


def test_retired_but_not_ready_is_half_cut(shop: Path) -> None:
    old_database(shop / OLD, "retired", log=7, fence=LAPSED)
    new_database(shop / NEW, replayed=7, drained=True)
    found = status(shop)
    assert (found.phase, found.next, found.needs_attention) == ("half-cut", "hotmig cutover", True)


def test_after_the_cutover_the_old_database_waits_to_be_cleaned(shop: Path) -> None:
    old = old_database(shop / OLD, "retired", log=7, fence=LAPSED)
    new = ready_database(shop / NEW)
    found = status(shop)
    assert (found.phase, found.next, found.needs_attention) == ("retired", "hotmig cleanup-old", False)
    assert (found.old.path, found.old.status, found.new.path, found.new.status) == (old, "retired", new, "ready")
    assert (found.pending, found.id_mappings, found.new.progress) == (None, None, None)


def test_after_cleanup_the_archive_is_still_told(shop: Path) -> None:
    old = cleaned_database(shop / OLD)
    ready_database(shop / NEW)
    found = status(shop)
    assert (found.phase, found.old.path, found.old.status, found.next) == ("ready", old, "retired", None)


def test_the_new_database_alone_is_ready_and_the_old_figures_are_unknown(shop: Path) -> None:
    new = ready_database(shop / NEW)
    found = status(shop)
    assert (found.phase, found.new.path, found.old.path, found.old.log_entries) == ("ready", new, None, None)


def test_an_unfinished_database_alone_needs_someone(shop: Path) -> None:
    new_database(shop / NEW)
    found = status(shop)
    assert (found.phase, found.old.path, found.next, found.needs_attention) == ("recording", None, None, True)


def test_an_unfinished_database_without_marker_is_left_over(shop: Path) -> None:
    old_database(shop / OLD)
    new = new_database(shop / NEW)
    found = status(shop)
    assert (found.phase, found.next) == ("none", "hotmig reset")
    assert any(new.name in sentence for sentence in found.attention)


def test_a_new_database_that_went_missing_is_told(shop: Path) -> None:
    old_database(shop / OLD, "recording", log=2)
    found = status(shop)
    assert (found.phase, found.new.path, found.new.size, found.pending) == ("copying", shop / NEW, None, 2)
    assert any(NEW in sentence for sentence in found.attention)


def test_an_archive_whose_successor_is_elsewhere_is_told(shop: Path) -> None:
    cleaned_database(shop / OLD)
    found = status(shop)
    assert (found.phase, found.next, found.needs_attention) == ("retired", None, True)


def test_a_restored_ancestor_that_is_recording_does_not_hide_the_database_in_service(shop: Path) -> None:
    old_database(shop / OLD, "recording", log=2)
    new = ready_database(shop / NEW)
    found = status(shop)
    assert (found.phase, found.new.path, found.needs_attention) == ("ready", new, True)


@pytest.mark.parametrize("text", ["class (", "raise RuntimeError('no')", "import nothing_of_that_name"])
@pytest.mark.parametrize("state", ["none", "recording", "ready"])
def test_a_broken_module_is_no_hindrance(shop: Path, state: str, text: str) -> None:
    (shop / "schema.py").write_text(f'database = "shop"\n{text}\n')
    if state == "ready":
        ready_database(shop / NEW)
    else:
        old_database(shop / OLD, None if state == "none" else state)
    if state == "recording":
        new_database(shop / NEW)
    found = status(shop)
    assert found.phase == state
    assert state == "recording" or "schema.py" in (found.schema_problem or "")


def test_an_absent_module_is_told(shop: Path) -> None:
    old_database(shop / OLD, "recording")
    assert "there is no" in (status(shop).schema_problem or "")


def test_the_name_comes_from_the_module_the_directory_or_the_only_name_there_is(tmp_path: Path) -> None:
    release = tmp_path / "release-42"
    release.mkdir()
    old_database(release / OLD)
    assert status(release).name == "shop"
    (release / "schema.py").write_text('database = "store"\n')
    assert status(release).name == "store"


def test_more_than_one_live_database_is_refused_by_name(shop: Path) -> None:
    old_database(shop / OLD)
    ready_database(shop / THIRD, parent=None)
    with pytest.raises(Refused, match=f"{OLD}.*{THIRD}"):
        status(shop)


def test_a_migration_that_is_under_way_is_told_although_another_file_could_be_live(shop: Path) -> None:
    old_database(shop / OLD, "recording")
    new_database(shop / NEW)
    old_database(shop / THIRD)
    found = status(shop)
    assert found.phase == "recording"
    assert any(THIRD in sentence for sentence in found.attention)


def test_files_that_cannot_be_read_are_told(shop: Path) -> None:
    old_database(shop / OLD)
    (shop / NEW).touch()
    (shop / THIRD).write_bytes(b"no database" * 1000)
    found = status(shop)
    assert found.phase == "none"
    assert [sentence.partition(":")[0] for sentence in found.attention] == [NEW, THIRD]


def test_the_empty_file_of_a_migrate_that_was_killed_at_once_is_part_of_the_copy(shop: Path) -> None:
    old_database(shop / OLD, "recording")
    (shop / NEW).touch()
    found = status(shop)
    assert (found.phase, found.attention, found.next) == ("copying", (), "hotmig migrate")


@pytest.mark.parametrize(("status_of_old", "phase"), [("recording", "copying"), ("draining", "draining")])
def test_a_new_file_that_is_no_database_any_more_is_built_again(shop: Path, status_of_old: str, phase: str) -> None:
    old_database(shop / OLD, status_of_old, fence=UP if status_of_old == "draining" else None)
    (shop / NEW).write_bytes(b"no database" * 1000)
    found = status(shop)
    assert (found.phase, found.next) == (phase, "hotmig migrate")
    assert [sentence for sentence in found.attention if sentence.startswith(f"{NEW} is no database any more")]
    assert found.new.problem == "it cannot be read: file is not a database"
    assert found.new.schema_hash == NEW_HASH


@pytest.mark.parametrize("content", [b"", b"no database" * 1000], ids=["empty", "garbage"])
def test_a_lost_successor_is_not_taken_for_a_cutover_cut_in_two(shop: Path, content: bytes) -> None:
    # It may have been in service for months: running cutover again, or freeing the old file, is not the way.
    old_database(shop / OLD, "retired", log=7, fence=LAPSED)
    (shop / NEW).write_bytes(content)
    found = status(shop)
    assert (found.phase, found.next, found.pending, found.needs_attention) == ("retired", None, None, True)
    assert any(NEW in sentence and "backup" in sentence for sentence in found.attention)


def test_ddl_in_the_old_database_while_recording_needs_someone(shop: Path) -> None:
    old = old_database(shop / OLD, "recording")
    new_database(shop / NEW)
    assert not status(shop).needs_attention
    db = sqlite3.connect(old)
    db.execute("CREATE TABLE surprise(a)")
    db.close()
    assert status(shop).needs_attention


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HotmigError, match="absent"):
        status(tmp_path / "absent")


@pytest.mark.parametrize("wal", [False, True], ids=["rollback journal", "wal"])
def test_reading_leaves_nothing_behind(shop: Path, wal: bool) -> None:
    old_database(shop / OLD, "recording", wal=wal)
    new_database(shop / NEW)
    before = {name: os.stat(shop / name).st_mtime_ns for name in os.listdir(shop)}
    status(shop)
    assert {name: os.stat(shop / name).st_mtime_ns for name in os.listdir(shop)} == before


@pytest.mark.parametrize("wal", [False, True], ids=["rollback journal", "wal"])
def test_it_answers_in_the_middle_of_a_writers_transaction(shop: Path, wal: bool) -> None:
    old = old_database(shop / OLD, "recording", log=3, wal=wal)
    new_database(shop / NEW)
    writer = sqlite3.connect(old, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO item VALUES (1, 'a')")
    assert status(shop).old.log_entries == 3
    writer.execute("COMMIT")
    writer.close()


def test_the_log_is_counted_by_its_last_id(shop: Path) -> None:
    old = old_database(shop / OLD, "recording", log=3)
    db = sqlite3.connect(old, isolation_level=None)
    db.execute("INSERT INTO _migration_log VALUES (1000, 'insert', 'item', 1)")
    db.close()
    found = status(shop)
    assert (found.old.log_entries, found.next) == (1000, "hotmig migrate")


def test_a_last_id_that_the_file_has_no_room_for_is_no_count(shop: Path) -> None:
    old = old_database(shop / OLD, "recording", log=3)
    new_database(shop / NEW)
    size = old.stat().st_size
    db = sqlite3.connect(old, isolation_level=None)
    db.execute("INSERT INTO _migration_log VALUES (?, 'insert', 'item', 1)", (size,))
    assert (status(shop).next, status(shop).attention) == ("hotmig drain", ())
    db.execute("UPDATE _migration_log SET id = ? WHERE id = ?", (size + 1, size))
    db.close()
    assert status(shop).next == "hotmig reset"
    assert any(f"ends at row {size + 1:,}" in sentence for sentence in status(shop).attention)


def test_sizes_are_those_of_the_file_behind_a_link_with_its_wal(shop: Path, tmp_path: Path) -> None:
    db = database(tmp_path / "app.db", wal=True)
    (shop / OLD).symlink_to(tmp_path / "app.db")
    files = (tmp_path / "app.db", tmp_path / "app.db-wal")
    found = status(shop)
    assert found.old.path == shop / OLD
    assert found.old.size == sum(path.stat().st_size for path in files)
    assert found.old.wal_size == files[1].stat().st_size
    db.close()
