"""What somebody else does to the files of a migration is found before it can do harm, and told for what it is."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import hotmig.phases.pause
from hotmig.transfer.guard import NOT_READY
from tests.phases.shops import Shop, failure_in, items, open_shop

GUARDED = "_migration_guard_%"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    return shop


def check_handed_over(shop: Shop) -> None:
    assert shop.phase() == "retired"
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())


def drop_guard(shop: Shop) -> None:
    names = shop.ask("SELECT name FROM sqlite_schema WHERE name GLOB '_migration_guard_*'", shop.new)
    shop.write(*(f"DROP TRIGGER {name}" for (name,) in names), file=shop.new)


def guards(shop: Shop) -> int:
    return int(shop.ask(f"SELECT count(*) FROM sqlite_schema WHERE name LIKE '{GUARDED}'", shop.new)[0][0])


# --- the new database, before it is ready


def test_a_write_before_the_proof_is_found_by_it(shop: Shop) -> None:
    shop.write("UPDATE item SET title = 'not from here' WHERE id = 7", file=shop.new)
    failure = failure_in(shop.run("drain", code=3).stderr)
    assert failure.error.startswith('Error: the proof failed: table "item" has 1 row not as the old database says: ')
    assert "somebody wrote to the new database" in failure.hint
    shop.run("reset")
    shop.run("migrate")
    shop.run("drain --cutover")
    check_handed_over(shop)


@pytest.mark.parametrize("command", ["drain", "drain --cutover"])
def test_a_write_behind_the_proof_is_found_before_the_hand_over(
    command: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_fence = hotmig.phases.pause._under_fence

    def late(*arguments: Any, **named: Any) -> Any:
        shop.write("DELETE FROM item WHERE id = 7", file=shop.new)
        return under_fence(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(hotmig.phases.pause, "_under_fence", late)
        failure = failure_in(shop.run(command, code=3).stderr)
    assert failure.error.startswith("Error: somebody wrote to the new database while it was proved")
    assert shop.fence() == ("recording", None)
    failure = failure_in(shop.run("drain", code=3).stderr)
    assert failure.error.startswith("Error: the proof failed: ")


def test_a_write_between_the_two_commits_of_the_pause_is_found(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_over = hotmig.phases.pause.hand_over

    def late(*arguments: Any) -> Any:
        with pytest.raises(sqlite3.IntegrityError, match=NOT_READY):
            shop.write("DELETE FROM item WHERE id = 7", file=shop.new)
        drop_guard(shop)  # somebody wants it so
        shop.write("DELETE FROM item WHERE id = 7", file=shop.new)
        return hand_over(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(hotmig.phases.pause, "hand_over", late)
        failure = failure_in(shop.run("drain --cutover", code=3).stderr)
    assert failure.error.startswith("Error: somebody wrote to the new database while it was proved")
    assert shop.fence() == ("recording", None)


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO item(title) VALUES ('early')", "UPDATE item SET title = 'early'", "DELETE FROM item WHERE id = 7"],
)
def test_a_drained_database_refuses_everybody_until_it_is_ready(statement: str, shop: Shop) -> None:
    shop.run("drain")
    with pytest.raises(sqlite3.IntegrityError, match=NOT_READY):
        shop.write(statement, file=shop.new)
    shop.run("cutover")
    check_handed_over(shop)
    assert guards(shop) == 0
    shop.write(statement, file=shop.new)


def test_the_guard_is_in_nobodys_way(shop: Shop) -> None:
    """A second drain replays what a lapsed fence let through; it does not stand in the way of the replay."""
    shop.lapse()
    assert guards(shop) == 3
    shop.write("DELETE FROM item WHERE id = 7", "INSERT INTO item(name) VALUES ('late')")
    shop.run("drain")
    assert guards(shop) == 3
    shop.run("drain --cutover")
    check_handed_over(shop)
    assert guards(shop) == 0


# --- the log


def without_its_guard(shop: Shop, *statements: str) -> None:
    """Log rows can be deleted by who takes the triggers away, and puts them back: schema_version included."""
    (before,) = shop.ask("PRAGMA schema_version")
    kept = shop.ask("SELECT sql FROM sqlite_schema WHERE name LIKE '_migration_capture_0_%'")
    names = shop.ask("SELECT name FROM sqlite_schema WHERE name LIKE '_migration_capture_0_%'")
    shop.write(*(f"DROP TRIGGER {name}" for (name,) in names), *statements, *(sql for (sql,) in kept))
    shop.write(f"PRAGMA schema_version = {before[0]}")


def test_a_hole_in_the_log_is_told(shop: Shop) -> None:
    shop.write(*(f"UPDATE item SET name = 'new' WHERE id = {number}" for number in range(1, 6)))
    without_its_guard(shop, "DELETE FROM _migration_log WHERE id IN (2, 3)")
    failure = failure_in(shop.run("drain", code=3).stderr)
    assert failure.error == "Error: 2 rows of the log were deleted: not every write is known"
    assert failure.hint == "Hint: run `hotmig reset`, then `hotmig migrate`"


def test_a_log_whose_end_was_deleted_is_found_by_the_proof(shop: Shop) -> None:
    shop.write("UPDATE item SET name = 'new' WHERE id = 7")
    without_its_guard(shop, "DELETE FROM _migration_log")
    assert failure_in(shop.run("drain", code=3).stderr).error.startswith("Error: the proof failed: ")


def test_a_row_of_the_log_that_nobody_wrote_leads_to_a_reset(shop: Shop) -> None:
    """No drain gets past it, and what is logged behind the last number that there is gets one by chance."""
    shop.write("INSERT INTO _migration_log VALUES (9223372036854775807, 'delete', 'item', 7)")
    assert failure_in(shop.run("drain", code=3).stderr).hint == "Hint: run `hotmig reset`, then `hotmig migrate`"
    told = shop.json("status")
    assert told["next"] == "hotmig reset"
    assert told["attention"][0] == (
        f"the log of {shop.old.name} ends at row 9,223,372,036,854,775,807, and the file can't hold as many: a row was"
        " inserted by hand, or rows were deleted"
    )
    shop.run("reset")
    shop.run("migrate")
    shop.run("drain --cutover")
    check_handed_over(shop)


WITHOUT_THEIR = "shop-0000000000000000.sqlite has triggers of hotmig without their"
LOG_GONE = "the log of shop-0000000000000000.sqlite is gone: every write to the old database fails"
LOST = {  # what was done by hand, behind which command: what status says of it
    ("migrate", "DELETE FROM _migration_marker"): f"{WITHOUT_THEIR} marker: writes go on, and nobody will replay them",
    ("migrate", "DROP TABLE _migration_marker"): f"{WITHOUT_THEIR} marker: writes go on, and nobody will replay them",
    ("drain", "DELETE FROM _migration_marker"): f"{WITHOUT_THEIR} marker: writes go on, and nobody will replay them",
    ("drain", "DROP TABLE _migration_marker"): f"{WITHOUT_THEIR} marker: every write to it fails",
    ("migrate", "DROP TABLE _migration_log"): LOG_GONE,
    ("drain", "DROP TABLE _migration_log"): LOG_GONE,
}


@pytest.mark.parametrize(("command", "statement"), LOST)
def test_what_becomes_of_writes_without_marker_or_log_is_told_as_it_is(
    command: str, statement: str, shop: Shop
) -> None:
    if command == "drain":
        shop.lapse()  # its fence asks for the marker all the same
    shop.write(statement)
    told = shop.json("status")
    assert LOST[command, statement] in told["attention"]
    assert told["next"] == "hotmig reset"
    if "fails" in LOST[command, statement]:
        with pytest.raises(sqlite3.OperationalError, match=r"no such table: main\._migration_"):
            shop.write("DELETE FROM item WHERE id = 7")
    else:
        shop.write("DELETE FROM item WHERE id = 7")
        assert shop.ask("SELECT operation, key_1 FROM _migration_log") == [("delete", 7)]
    shop.run("reset")
    shop.write("DELETE FROM item WHERE id = 8")
    shop.run("migrate")
    shop.run("drain --cutover")
    check_handed_over(shop)


def blocking(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in told["findings"] if each["severity"] == "block"]


def test_a_plan_tells_what_is_left_of_a_migration_that_lost_its_marker(shop: Shop) -> None:
    shop.new.unlink()
    shop.write("DELETE FROM _migration_marker")
    told = shop.json("plan", code=1)
    assert {"name": "log", "value": "left without its marker", "ok": False} in told["prerequisites"]
    (finding,) = blocking(told)
    assert (finding["check"], finding["severity"]) == ("under-way", "block")
    assert finding["message"] == (
        "the old database holds what is left of a migration, without its marker: run `hotmig reset`, then"
        " `hotmig migrate`"
    )
    shop.run("migrate", code=1)
    shop.run("reset")
    assert shop.json("plan")["runnable"]


def test_a_plan_tells_that_the_log_is_gone(shop: Shop) -> None:
    shop.write("DROP TABLE _migration_log")
    told = shop.json("plan", code=1)
    assert {"name": "log", "value": "gone", "ok": False} in told["prerequisites"]
    assert [finding["message"] for finding in blocking(told)] == [
        "the log of the migration under way is gone: every write to the old database fails: run `hotmig reset`, then"
        " `hotmig migrate`"
    ]


def test_a_plan_tells_of_a_log_that_can_t_be(shop: Shop) -> None:
    shop.write("INSERT INTO _migration_log VALUES (9223372036854775807, 'delete', 'item', 7)")
    (finding,) = blocking(shop.json("plan", code=1))
    assert "a row was inserted by hand, or rows were deleted: run `hotmig reset`" in finding["message"]


# --- files that were put back


def put_back(backup: Path, target: Path) -> None:
    for suffix in ("-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(backup, target)


def test_an_old_database_from_a_backup_taken_in_mid_migration_is_found(shop: Shop) -> None:
    backup = shop.directory / "backup"
    shop.write("UPDATE item SET name = 'first' WHERE id = 1")
    shutil.copyfile(shop.old, backup)
    shop.write(*(f"UPDATE item SET name = 'gone' WHERE id = {number}" for number in range(2, 9)))
    shop.lapse()
    put_back(backup, shop.old)
    failure = failure_in(shop.run("drain", code=3).stderr)
    assert "put back from a backup" in failure.error
    told = shop.json("status")
    assert told["next"] == "hotmig reset"
    assert any("put back from a backup" in sentence for sentence in told["attention"])
    # And once the log has grown past what was replayed of the other one:
    shop.write(*(f"UPDATE item SET name = 'new' WHERE id = {number}" for number in range(20, 40)))
    failure = failure_in(shop.run("drain", code=3).stderr)
    assert failure.error.startswith("Error: the proof failed: ")
    shop.run("reset")
    shop.run("migrate")
    shop.run("drain --cutover")
    check_handed_over(shop)


def test_a_new_database_of_another_migration_is_not_gone_on_with(shop: Shop) -> None:
    """Two migrations with one plan: the second marker knows nothing of what the first new database copied."""
    first = shop.directory / "first"
    shutil.copyfile(shop.new, first)
    shop.run("reset")
    shop.write("DELETE FROM item WHERE id = 7")
    shop.run("migrate")
    put_back(first, shop.new)
    for command in ("migrate", "drain", "drain --cutover", "cutover"):
        failure = failure_in(shop.run(command, code=3).stderr)
        assert failure.error.startswith(f"Error: {shop.new.name} was begun by another migration")
        assert failure.hint == "Hint: run `hotmig reset`, then `hotmig migrate`"
    shop.run("reset")
    shop.run("migrate")
    shop.run("drain --cutover")
    check_handed_over(shop)


# --- a cutover that died between its two commits


@pytest.mark.parametrize("command", ["drain --cutover", "migrate --offline"])
def test_what_cuts_over_itself_finishes(command: str, shop: Shop) -> None:
    shop.run("drain")
    shop.write("UPDATE _migration_marker SET status = 'retired'")
    assert "cut over" in shop.run(command).stdout.lower()
    check_handed_over(shop)


# --- an archive


@pytest.mark.parametrize("statement", ["DROP TABLE _migration_marker", "DELETE FROM _migration_marker"])
def test_an_archive_that_lost_its_marker_is_no_migration_to_be_reset(statement: str, shop: Shop) -> None:
    """What is left of its triggers is in nobody's way: reset would look at the database in service."""
    shop.run("drain --cutover")
    shop.write(statement)
    found = shop.json("status")
    assert (found["phase"], found["next"]) == ("ready", None)
