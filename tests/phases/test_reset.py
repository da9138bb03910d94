"""``reset``: what it takes away, what it says of it, and when it refuses."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.phases.files import by_shell
from tests.phases.shops import Shop, items, open_shop, told_behind_the_run
from tests.scenarios.harness import wait_until

OWN = {
    "_migration_marker",
    "_migration_log",
    "_migration_capture_0_log_update",
    "_migration_capture_0_log_delete",
    "_migration_capture_1_after_insert",
    "_migration_capture_1_before_update",
    "_migration_capture_1_before_delete",
}
PHASES = {
    "recording": (["migrate"], "recording"),
    "drained": (["migrate", "drain"], "draining"),
    "lapsed": (["migrate", "drain --hold 0.001"], "draining"),
}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "shop")


def brought_to(shop: Shop, phase: str) -> str:
    """Runs the commands; returns the marker's status."""
    commands, status = PHASES[phase]
    for command in commands:
        shop.run(command)
    wait_until(lambda: shop.phase() == phase, phase)
    return status


@pytest.mark.parametrize("phase", PHASES)
def test_it_leaves_the_old_database_as_if_nothing_had_begun(shop: Shop, phase: str) -> None:
    before = shop.objects(), shop.ask(items())
    brought_to(shop, phase)
    shop.run("reset")
    assert (shop.objects(), shop.ask(items())) == before
    assert set(shop.listing()) == {shop.old.name, "schema.py"}
    shop.write("INSERT INTO item(name) VALUES ('goes on')")
    shop.run("migrate")
    shop.run("drain --cutover")
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())


@pytest.mark.parametrize("phase", PHASES)
def test_it_says_what_the_marker_said_and_what_went(shop: Shop, phase: str) -> None:
    status = brought_to(shop, phase)
    own, new = shop.own_objects(), shop.new
    lines = shop.run("reset").stdout.splitlines()
    assert lines[:3] == ["Reset done.", f"  old: {shop.old}", f"  the marker said: {status}"]
    assert {line.removeprefix("  dropped ") for line in lines if line.startswith("  dropped ")} == own
    assert [line for line in lines if line.startswith("  deleted ")] == [f"  deleted {new}"]
    assert len(lines) == 3 + len(own) + 1


@pytest.mark.parametrize("phase", PHASES)
def test_json_says_the_same(shop: Shop, phase: str) -> None:
    status = brought_to(shop, phase)
    own, new = shop.own_objects(), shop.new
    facts = shop.json("reset")
    assert (facts["format"], facts["skipped"], facts["previous"], facts["dry_run"]) == (1, None, status, False)
    assert (facts["old"], facts["deleted"]) == (str(shop.old), [str(new)])
    assert set(facts["dropped"]) == own


def test_what_it_drops_is_all_that_recording_made(shop: Shop) -> None:
    brought_to(shop, "recording")
    assert set(shop.json("reset")["dropped"]) == OWN


def test_the_side_files_of_the_new_database_go_too(shop: Shop) -> None:
    brought_to(shop, "recording")
    reader = sqlite3.connect(shop.new)
    reader.execute("SELECT count(*) FROM item").fetchone()
    gone = shop.json("reset")["deleted"]
    reader.close()
    assert [Path(path).name.partition(".sqlite")[2] for path in gone] == ["", "-wal", "-shm"]
    assert set(shop.listing()) == {shop.old.name, "schema.py"}


# --- --dry-run and --print-sql


@pytest.mark.parametrize("phase", PHASES)
def test_a_dry_run_says_it_all_and_does_nothing(shop: Shop, phase: str) -> None:
    status = brought_to(shop, phase)
    before = shop.everything()
    done = shop.run("reset --dry-run")
    facts = shop.json("reset", "--dry-run")
    assert shop.everything() == before
    lines = done.stdout.splitlines()
    assert lines[:3] == ["Reset would do this:", f"  old: {shop.old}", f"  the marker said: {status}"]
    assert [line[len("  run ") : -1] for line in lines if line.startswith("  run ")] == facts["statements"]
    assert lines[-1] == f"  delete {shop.new}"
    assert (facts["dry_run"], facts["dropped"], facts["deleted"]) == (True, [], [str(shop.new)])
    shop.run("reset")


@pytest.mark.parametrize("phase", PHASES)
def test_the_printed_sql_does_what_the_command_does(shop: Shop, phase: str) -> None:
    before = shop.objects(), shop.ask(items())
    brought_to(shop, phase)
    listing = shop.everything()
    printed = shop.run("reset --print-sql").stdout
    assert shop.everything() == listing
    for file in by_shell(shop.old, printed):
        file.unlink()
    assert (shop.objects(), shop.ask(items())) == before
    assert set(shop.listing()) == {shop.old.name, "schema.py"}
    assert shop.run("reset").stdout == "Reset skipped.\n  no migration is under way\n"


def test_the_printed_sql_names_the_files_to_delete_afterwards(shop: Shop) -> None:
    brought_to(shop, "recording")
    reader = sqlite3.connect(shop.new)
    reader.execute("SELECT count(*) FROM item").fetchone()
    lines = shop.run("reset --print-sql").stdout.splitlines()
    reader.close()
    assert lines[lines.index("COMMIT;") + 1 :] == [
        f"-- then delete {shop.new}{suffix}" for suffix in ("", "-wal", "-shm")
    ]


def test_a_file_name_of_several_lines_stays_in_its_comment(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "two\nDROP TABLE item;")
    shop.run("migrate")
    printed = shop.run("reset --print-sql").stdout
    assert printed.splitlines()[-1].startswith("-- then delete ")
    by_shell(shop.old, printed)
    assert shop.own_objects() == set()
    assert len(shop.ask(items())) > 0


def test_print_sql_as_json_has_statements_and_files(shop: Shop) -> None:
    brought_to(shop, "recording")
    before = shop.everything()
    facts = shop.json("reset", "--print-sql")
    assert shop.everything() == before
    assert facts["statements"]
    assert facts["deleted"] == [str(shop.new)]


# --- nothing to do, and refusals


def test_without_a_migration_it_says_so(shop: Shop) -> None:
    before = shop.listing()
    assert shop.run("reset").stdout == "Reset skipped.\n  no migration is under way\n"
    assert shop.listing() == before


def test_a_marker_that_was_dropped_by_hand_is_told_as_none(shop: Shop) -> None:
    brought_to(shop, "recording")
    shop.write("DROP TABLE _migration_marker")
    lines = shop.run("reset").stdout.splitlines()
    assert lines[2] == "  the marker said: nothing, there was none"
    assert shop.own_objects() == set()
    assert set(shop.listing()) == {shop.old.name, "schema.py"}


@pytest.mark.parametrize("options", ["", "--dry-run", "--print-sql"])
def test_between_the_two_commits_of_a_cutover_it_refuses(shop: Shop, options: str) -> None:
    brought_to(shop, "drained")
    shop.write("UPDATE _migration_marker SET status = 'retired'")
    before = shop.listing()
    done = shop.run(f"reset {options}", code=3)
    assert shop.listing() == before
    assert (done.stderr if options else told_behind_the_run(done.stderr)).splitlines() == [
        "Error: the old database is retired already, and the new one is not ready: a cutover was cut in two",
        "Hint: run `hotmig cutover` to finish it",
    ]


@pytest.mark.parametrize("options", ["", "--dry-run", "--print-sql"])
def test_a_ready_database_that_is_not_known_to_follow_the_old_one_is_refused(shop: Shop, options: str) -> None:
    brought_to(shop, "recording")
    shop.write("UPDATE _migration_status SET status = 'ready'", file=shop.new)
    shop.write("UPDATE _schema_identity SET parent = NULL", file=shop.new)
    before = shop.everything()
    done = shop.run(f"reset {options}", code=3)
    assert shop.everything() == before
    assert done.stdout == ""
    assert done.stderr.startswith(f"Error: more than one file in {shop.directory} could be the live database: ")


def test_a_ready_database_is_never_deleted_for_an_old_one_from_a_backup(shop: Shop) -> None:
    brought_to(shop, "drained")
    backup = shop.old.read_bytes()
    shop.run("cutover")
    shop.old.write_bytes(backup)  # its marker says again that it is drained
    before = shop.listing()
    assert shop.run("reset").stdout == "Reset skipped.\n  no migration is under way\n"
    assert shop.listing() == before


def test_after_a_cutover_there_is_nothing_to_reset(shop: Shop) -> None:
    brought_to(shop, "drained")
    shop.run("cutover")
    before = shop.objects(), shop.objects(shop.new), shop.ask(items(name="title"), shop.new)
    done = shop.run("reset")
    assert (
        done.stdout == "Reset skipped.\n  no migration is under way; one that was cut over is not undone by a reset\n"
    )
    assert (shop.objects(), shop.objects(shop.new), shop.ask(items(name="title"), shop.new)) == before
