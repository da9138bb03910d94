"""``cleanup-old``: what it takes out of the archive, what it leaves there, and when it refuses."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.phases.files import by_shell
from tests.phases.shops import MODULE, Shop, items, open_shop, told_behind_the_run
from tests.scenarios.harness import wait_until

FENCE = {"_migration_fence_1_insert", "_migration_fence_1_update", "_migration_fence_1_delete"}
LEFT = {"_migration_retired", *FENCE}
MODES = ["", "--dry-run", "--print-sql", "--delete", "--unfence"]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    shop.run("drain --cutover")
    return shop


def unstamped(shop: Shop) -> list[object]:
    """The archive's objects, and what was left in it, without the time of the cleanup."""
    left = shop.ask("SELECT id, successor FROM _migration_retired") if "_migration_retired" in names(shop) else []
    return [shop.objects(), left, shop.ask(items())]


def names(shop: Shop) -> set[str]:
    return shop.own_objects()


def check_fenced(shop: Shop) -> None:
    for statement in ("INSERT INTO item(name) VALUES ('x')", "UPDATE item SET name = 'x'", "DELETE FROM item"):
        with pytest.raises(sqlite3.IntegrityError, match=f"hotmig: this database was replaced by {shop.new.name}"):
            shop.write(statement)


# --- what it does, and what it says


def test_it_leaves_a_fence_that_stands_by_itself(shop: Shop) -> None:
    rows = shop.ask(items())
    shop.run("cleanup-old")
    assert names(shop) == LEFT
    assert shop.ask("SELECT successor FROM _migration_retired") == [(shop.new.name,)]
    assert shop.ask(items()) == rows
    check_fenced(shop)


def test_it_says_what_the_marker_said_and_what_went(shop: Shop) -> None:
    gone = names(shop) - FENCE
    lines = shop.run("cleanup-old").stdout.splitlines()
    assert lines[:3] == ["Cleanup done.", f"  old: {shop.old}", "  the marker said: retired"]
    assert {"_migration_marker", "_migration_log"} < gone
    assert {line.removeprefix("  dropped ") for line in lines[3:]} == gone


def test_json_says_the_same(shop: Shop) -> None:
    gone = names(shop) - FENCE
    facts = shop.json("cleanup-old")
    assert (facts["format"], facts["skipped"], facts["previous"], facts["dry_run"]) == (1, None, "retired", False)
    assert (facts["old"], facts["successor"], facts["deleted"]) == (str(shop.old), shop.new.name, [])
    assert set(facts["dropped"]) == gone


def test_a_second_time_there_is_nothing_to_clean(shop: Shop) -> None:
    shop.run("cleanup-old")
    before = shop.listing()
    assert shop.run("cleanup-old").stdout == "Cleanup skipped.\n  the retired database is cleaned already\n"
    assert shop.listing() == before


@pytest.mark.parametrize("cleaned", [False, True], ids=["retired", "cleaned before"])
def test_unfence_leaves_nothing_and_lets_writes_in(shop: Shop, cleaned: bool) -> None:
    if cleaned:
        shop.run("cleanup-old")
    own = names(shop)
    facts = shop.json("cleanup-old", "--unfence")
    assert set(facts["dropped"]) == own
    assert facts["previous"] == (None if cleaned else "retired")
    assert names(shop) == set()
    shop.write("DELETE FROM item")


@pytest.mark.parametrize("cleaned", [False, True], ids=["retired", "cleaned before"])
def test_delete_takes_the_file_and_names_it(shop: Shop, cleaned: bool) -> None:
    if cleaned:
        shop.run("cleanup-old")
    new = shop.new
    lines = shop.run("cleanup-old --delete").stdout.splitlines()
    assert lines[0] == "Cleanup done."
    assert lines[-1] == f"  deleted {shop.old}"
    assert set(shop.listing()) == {new.name, "schema.py"}
    assert shop.phase() == "ready"
    assert shop.run("cleanup-old --delete").stdout == "Cleanup skipped.\n  no retired database is left here\n"


def test_delete_takes_the_side_files_too(shop: Shop) -> None:
    reader = sqlite3.connect(shop.old)
    reader.execute("SELECT count(*) FROM item").fetchone()
    gone = shop.json("cleanup-old", "--delete")["deleted"]
    reader.close()
    assert [Path(path).name.partition(".sqlite")[2] for path in gone] == ["", "-wal", "-shm"]
    assert set(shop.listing()) == {shop.new.name, "schema.py"}


# --- --dry-run and --print-sql


@pytest.mark.parametrize("options", ["", "--unfence", "--delete"])
def test_a_dry_run_says_it_all_and_does_nothing(shop: Shop, options: str) -> None:
    before = shop.everything()
    done = shop.run(f"cleanup-old --dry-run {options}")
    facts = shop.json(f"cleanup-old --dry-run {options}")
    assert shop.everything() == before
    lines = done.stdout.splitlines()
    assert lines[:3] == ["Cleanup would do this:", f"  old: {shop.old}", "  the marker said: retired"]
    assert [line[len("  run ") : -1] for line in lines if line.startswith("  run ")] == facts["statements"]
    deleted = [str(shop.old)] if options == "--delete" else []
    assert [line.removeprefix("  delete ") for line in lines if line.startswith("  delete ")] == deleted
    assert (facts["dry_run"], facts["dropped"], facts["deleted"]) == (True, [], deleted)


@pytest.mark.parametrize("options", ["", "--unfence"])
def test_the_printed_sql_does_what_the_command_does(tmp_path: Path, options: str) -> None:
    left = []
    for way in ("command", "sql"):
        shop = open_shop(tmp_path / way)
        shop.run("migrate")
        shop.run("drain --cutover")
        if way == "command":
            shop.run(f"cleanup-old {options}")
        else:
            before = shop.everything()
            printed = shop.run(f"cleanup-old --print-sql {options}").stdout
            assert shop.everything() == before
            assert by_shell(shop.old, printed) == []
        left.append(unstamped(shop))
    assert left[0] == left[1]


def test_the_printed_sql_of_delete_names_the_files_to_delete_afterwards(shop: Shop) -> None:
    reader = sqlite3.connect(shop.old)
    reader.execute("SELECT count(*) FROM item").fetchone()
    printed = shop.run("cleanup-old --delete --print-sql").stdout
    reader.close()
    lines = printed.splitlines()
    expected = [f"{shop.old}{suffix}" for suffix in ("", "-wal", "-shm")]
    assert lines[lines.index("COMMIT;") + 1 :] == [f"-- then delete {path}" for path in expected]
    for file in by_shell(shop.old, printed):
        file.unlink(missing_ok=True)
    assert set(shop.listing()) == {shop.new.name, "schema.py"}
    assert shop.phase() == "ready"


def test_of_an_adopted_database_the_link_and_the_file_behind_it_are_named(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    application = tmp_path / "application.db"
    shop.old.rename(application)
    shop.old.symlink_to(application)
    shop.run("migrate")
    shop.run("drain --cutover")
    lines = shop.run("cleanup-old --delete --print-sql").stdout.splitlines()
    assert lines[-2:] == [f"-- then delete {application}", f"-- then delete {shop.old}"]


# --- refusals


@pytest.mark.parametrize("options", MODES)
@pytest.mark.parametrize(
    ("phase", "commands", "said"),
    [
        ("recording", ["migrate"], "(recording)"),
        ("drained", ["migrate", "drain"], "(drained)"),
        ("lapsed", ["migrate", "drain --hold 0.001"], "(lapsed)"),
    ],
)
def test_while_a_migration_is_under_way_it_refuses(
    tmp_path: Path, phase: str, commands: list[str], said: str, options: str
) -> None:
    shop = open_shop(tmp_path / "shop")
    for command in commands:
        shop.run(command)
    wait_until(lambda: shop.phase() == phase, phase)
    before = shop.listing()
    done = shop.run(f"cleanup-old {options}", code=3)
    assert shop.listing() == before
    assert done.stdout == ""
    looks = options in ("--dry-run", "--print-sql")
    error, hint = (done.stderr if looks else told_behind_the_run(done.stderr)).splitlines()
    assert error == f"Error: a migration to {shop.new.name} is under way {said}"
    assert hint == "Hint: `hotmig status` says what is next to finish it; `hotmig reset` undoes it"


@pytest.mark.parametrize("options", MODES)
def test_between_the_two_commits_of_a_cutover_it_refuses(tmp_path: Path, options: str) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    shop.run("drain")
    shop.write("UPDATE _migration_marker SET status = 'retired'")
    assert shop.phase() == "half-cut"
    before = shop.listing()
    done = shop.run(f"cleanup-old {options}", code=3)
    assert shop.listing() == before
    assert "`hotmig cutover` to finish it" in done.stderr


def test_without_its_successor_an_archive_is_neither_cleaned_nor_deleted(shop: Shop) -> None:
    shop.new.unlink()
    before = shop.listing()
    for options in ("", "--delete"):
        done = shop.run(f"cleanup-old {options}", code=1)
        assert told_behind_the_run(done.stderr).startswith("Error: there is no live database\n")
        assert shop.listing() == before
    shop.run("cleanup-old --unfence")
    shop.write("DELETE FROM item")


@pytest.mark.parametrize("since", ["before the migration", "while it was recorded"])
def test_a_backup_that_was_put_back_is_not_deleted_in_silence(tmp_path: Path, since: str) -> None:
    shop = open_shop(tmp_path / "shop")
    if since == "while it was recorded":
        shop.run("migrate")
    backup = sqlite3.connect(tmp_path / "backup.sqlite")
    source = sqlite3.connect(shop.old)
    source.backup(backup)
    source.close()
    backup.close()
    if since == "before the migration":
        shop.run("migrate")
    shop.run("drain --cutover")
    for path in shop.directory.glob(f"{shop.old.name}-*"):
        path.unlink()
    (tmp_path / "backup.sqlite").rename(shop.old)
    shop.write("INSERT INTO item(name) VALUES ('in no other file')")
    before = shop.listing()
    done = shop.run("cleanup-old --delete", code=3)
    assert f"Error: {shop.old} was replaced, but " in done.stderr
    assert "`hotmig cleanup-old --delete --unfence` deletes it all the same" in done.stderr
    assert shop.listing() == before
    if since == "while it was recorded":
        assert "it was put back from a backup" in shop.run("cleanup-old", code=3).stderr
    else:
        told = "  the retired database is cleaned already, and accepts writes\n"
        assert shop.run("cleanup-old").stdout == f"Cleanup skipped.\n{told}"
    shop.run("cleanup-old --delete --unfence")
    assert not shop.old.exists()


def test_one_that_was_opened_is_deleted_only_when_that_is_said(shop: Shop) -> None:
    shop.run("cleanup-old --unfence")
    assert "`cleanup-old --unfence` opened it" in shop.run("cleanup-old --delete", code=3).stderr
    assert shop.run("cleanup-old --delete --unfence --dry-run").stdout.count(str(shop.old)) > 0
    shop.run("cleanup-old --delete --unfence")
    assert shop.phase() == "ready"


@pytest.mark.parametrize("options", ["--delete", "--delete --unfence"])
def test_nothing_is_deleted_while_what_replaced_it_is_not_here(shop: Shop, options: str) -> None:
    """Not mounted, or moved away: the archive may be the only file there is."""
    shop.new.rename(shop.directory.parent / "moved away")
    assert "Error: there is no live database" in shop.run(f"cleanup-old {options}", code=1).stderr
    assert shop.old.exists()
    shop.run("cleanup-old --unfence")
    shop.write("DELETE FROM item WHERE id = 1")


@pytest.mark.parametrize("options", ["--delete", "--delete --unfence"])
def test_nothing_is_deleted_in_the_middle_of_a_cutover(tmp_path: Path, options: str) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    shop.run("drain")
    shop.write("UPDATE _migration_marker SET status = 'retired'")
    shop.new.rename(tmp_path / "moved away")
    assert "Error: there is no live database" in shop.run(f"cleanup-old {options}", code=1).stderr
    assert shop.old.exists()


LOST_ITS_FENCE = "was replaced, but lost its fence: it accepts writes into item"


@pytest.mark.parametrize("cleaned", [False, True])
@pytest.mark.parametrize("dropped", [1, 3])
def test_an_archive_whose_fence_was_dropped_is_told_and_kept(shop: Shop, cleaned: bool, dropped: int) -> None:
    if cleaned:
        shop.run("cleanup-old")
    shop.write(*(f"DROP TRIGGER {name}" for name in sorted(FENCE)[-dropped:]))
    shop.write("UPDATE item SET name = 'in no other file' WHERE id = 1")
    told = shop.json("status", "--check", code=1)
    assert told["attention"] == [f"{shop.old.name} {LOST_ITS_FENCE}"]
    for options in ("", "--delete"):
        assert f"Error: {shop.old} {LOST_ITS_FENCE}\n" in shop.run(f"cleanup-old {options}", code=3).stderr
    assert shop.ask("SELECT name FROM item WHERE id = 1") == [("in no other file",)]
    shop.run("cleanup-old --unfence")
    assert names(shop) == set()
    assert shop.json("status", "--check")["attention"] == []


def test_an_archive_that_lost_its_marker_is_told_and_can_be_opened(shop: Shop) -> None:
    shop.write("DROP TABLE _migration_marker")
    (told,) = shop.json("status", "--check", code=1)["attention"]
    assert told.startswith(f"{shop.old.name} was replaced, and has triggers of hotmig without their marker, on which")
    assert "The database is in service, no migration is under way." in shop.run("status").stdout
    assert "has triggers of hotmig without their marker" in shop.run("cleanup-old", code=3).stderr
    shop.run("cleanup-old --unfence")
    assert names(shop) == set()
    shop.write("DELETE FROM item WHERE id = 1")


def test_an_archive_from_a_backup_of_a_drain_is_told_and_can_be_opened(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop", wal=False)
    shop.run("migrate")
    shop.run("drain")
    backup = shop.old.read_bytes()
    shop.run("cutover")
    shop.old.write_bytes(backup)
    told = f"{shop.old.name} was replaced, but put back from a backup: it accepts writes once its fence lapses"
    assert told in shop.json("status")["attention"]
    assert "is being recorded for a migration" in shop.run("cleanup-old", code=3).stderr
    shop.run("cleanup-old --unfence")
    assert names(shop) == set()
    shop.write("DELETE FROM item WHERE id = 1")
    assert "cleaned already, and accepts writes" in shop.run("cleanup-old --unfence").stdout


def test_what_an_earlier_migration_replaced_is_named_where_nobody_asks_for_it_any_more(shop: Shop) -> None:
    first, second = shop.old, shop.new
    (shop.directory / "schema.py").write_text(MODULE + "    more: int = 0\n")
    shop.run("migrate")
    shop.run("drain --cutover")
    assert f"  deleted {second}" in shop.run("cleanup-old --delete").stdout
    assert shop.run("cleanup-old").stdout == (
        f"Cleanup skipped.\n  what the live database replaced is not here; still here, and left alone: {first.name}\n"
    )


@pytest.mark.parametrize("options", ["", "--unfence", "--delete"])
def test_where_only_archives_are_left_none_of_them_is_touched(shop: Shop, options: str) -> None:
    second = shop.new
    (shop.directory / "schema.py").write_text(MODULE + "    more: int = 0\n")
    shop.run("migrate")
    shop.run("drain --cutover")
    (newest,) = {path for path in shop.directory.glob("shop-*.sqlite") if path not in (shop.old, second)}
    newest.unlink()
    before = shop.listing()
    refused = shop.run(f"cleanup-old {options}", code=1)
    assert f"there is no live database, only what was replaced: {shop.old.name}, {second.name}" in refused.stderr
    assert shop.listing() == before


def test_without_a_retired_database_it_says_so(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    before = shop.listing()
    assert shop.run("cleanup-old").stdout == "Cleanup skipped.\n  no retired database is left here\n"
    assert shop.listing() == before
