"""``drain``: its budget, its fence that lapses by itself, and what it refuses."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hotmig.phases.drain
import hotmig.phases.pause
from tests.phases.shops import ITEMS, MODULE, ROWS, Shop, failure_in, items, open_shop
from tests.scenarios.harness import wait_until

# The index reaches the rowid through an expression: what a REPLACE evicts is not known, the whole table is logged.
WHOLE_ROWS = 20_000
WHOLE = ITEMS.replace(f"i < {ROWS}", f"i < {WHOLE_ROWS}") + "CREATE UNIQUE INDEX ux ON item(name, abs(id));"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    return shop


def at_the_last_moment(monkeypatch: pytest.MonkeyPatch, write: Callable[[], None]) -> None:
    """The application writes right before the fence is to go up."""
    under_fence = hotmig.phases.pause._under_fence

    def late(*arguments: Any, **named: Any) -> Any:
        write()
        return under_fence(*arguments, **named)

    monkeypatch.setattr(hotmig.phases.pause, "_under_fence", late)


def check_handed_over(shop: Shop) -> None:
    assert shop.phase() == "retired"
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())


def guards(shop: Shop) -> list[str]:
    sql = "SELECT name FROM sqlite_schema WHERE name GLOB '_migration_guard_*'"
    return [name for (name,) in shop.ask(sql, shop.new)]


# --- --max-pause


def test_a_pause_that_would_be_too_long_is_never_begun(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        at_the_last_moment(patch, lambda: shop.write(f"UPDATE item SET name = name || '!' WHERE id <= {ROWS}"))
        done = shop.run("drain --max-pause 0.0001", code=4)
    failure = failure_in(done.stderr)
    assert failure.left == "recording"
    assert re.fullmatch(
        f"Error: {ROWS} writes still to be replayed, at 50,000 a second, while the application writes"
        r" [\d,]+ a second: --max-pause is 0.0001 s",
        failure.error,
    )
    assert "`hotmig drain` again" in failure.hint
    assert shop.fence() == ("recording", None)
    assert not any("fence" in name for name in shop.own_objects())
    shop.write("INSERT INTO item(name) VALUES ('taken at once')")
    assert shop.json("status")["pending"] == ROWS + 1
    shop.run("drain --cutover")
    check_handed_over(shop)


def test_a_pause_that_gets_too_long_is_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = open_shop(tmp_path / "shop", script=WHOLE)
    shop.run("migrate")
    with monkeypatch.context() as patch:
        # One log row, which says that the whole table is to be compared: predicted to be quick, and it is not.
        at_the_last_moment(patch, lambda: shop.write("INSERT INTO item(name) VALUES ('late')"))
        done = shop.run("drain --max-pause 0.001", code=4)
    failure = failure_in(done.stderr)
    assert failure.left == "recording"
    assert (
        failure.error
        == "Error: the rest of the writes could not be replayed within --max-pause; the fence is down again"
    )
    assert "`hotmig drain` again" in failure.hint
    assert shop.fence() == ("recording", None)
    assert not any("fence" in name for name in shop.own_objects())
    logged = shop.json("status")["old"]["log_entries"]
    shop.write("INSERT INTO item(name) VALUES ('taken at once')")
    assert shop.json("status")["old"]["log_entries"] > logged
    shop.run("drain --cutover")
    check_handed_over(shop)


# --- --hold


def test_behind_the_fence_writes_are_refused_and_the_message_names_the_file(shop: Shop) -> None:
    done = shop.run("drain --hold 600")
    assert "writes are paused for 10 min 0 s at most: cut over before that" in done.stdout
    message = f"hotmig: writes are paused for a migration to {shop.new.name}"
    for statement in ("INSERT INTO item(name) VALUES ('x')", "UPDATE item SET name = 'x'", "DELETE FROM item"):
        with pytest.raises(sqlite3.IntegrityError, match=message):
            shop.write(statement)
    status, since = shop.fence()
    assert status == "draining"
    assert since is not None
    assert shop.phase() == "drained"


def is_accepted(shop: Shop, statement: str) -> bool:
    try:
        shop.write(statement)
    except sqlite3.IntegrityError:
        return False
    return True


def test_a_fence_that_nobody_cuts_over_behind_lapses_and_writes_are_recorded(shop: Shop) -> None:
    shop.run("drain --hold 0.2")
    wait_until(lambda: is_accepted(shop, "INSERT INTO item(name) VALUES ('after the lapse')"), "the fence to lapse")
    assert shop.phase() == "lapsed"
    assert shop.json("status")["pending"] == 1
    shop.run("drain")
    assert shop.phase() == "drained"
    shop.run("cutover")
    check_handed_over(shop)


def test_told_to_stop_while_the_files_are_closed_behind_it_it_takes_the_fence_down(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(hotmig.phases.drain, "fence_state", stopped)
        shop.run("drain", code=130)
    assert shop.fence() == ("recording", None)
    assert shop.steps()[-1] == ("lower the fence", shop.old.name, "done")
    shop.run("drain --cutover")
    check_handed_over(shop)


def test_a_lapsed_fence_that_nothing_was_written_behind_can_still_be_cut_over(shop: Shop) -> None:
    shop.lapse()
    wait_until(lambda: shop.phase() == "lapsed", "the fence to lapse")
    shop.run("cutover")
    check_handed_over(shop)


def test_a_second_drain_behind_the_fence_has_nothing_to_do(shop: Shop) -> None:
    shop.run("drain")
    before = shop.fence()
    done = shop.run("drain")
    assert done.stdout == "Drain skipped.\n  everything is drained and the fence is up; `hotmig cutover` is next\n"
    assert shop.fence() == before


# --- --cutover


def test_with_cutover_it_hands_over_behind_the_fence_that_stands(shop: Shop) -> None:
    """To drain anew would let writes in for a moment, and the pause would be told from then on."""
    shop.run("drain")
    _, since = shop.fence()
    time.sleep(0.3)
    told = shop.run("drain --cutover").stdout.splitlines()
    assert told[0] == "Everything was drained already."
    (pause,) = (line.split()[-2] for line in told if "writes were paused" in line)
    assert float(pause) > 300
    assert shop.fence() == ("retired", since)
    check_handed_over(shop)


def test_it_drains_anew_where_something_was_written_behind_a_fence_that_lapsed(shop: Shop) -> None:
    shop.lapse()
    shop.write("INSERT INTO item(name) VALUES ('late')")
    done = shop.json("drain --cutover")
    assert done["rounds"] > 0
    check_handed_over(shop)


def test_drain_with_cutover_does_both_and_says_the_pause(shop: Shop) -> None:
    shop.write("UPDATE item SET name = 'new' WHERE id = 1", "DELETE FROM item WHERE id = 2")
    done = shop.run("drain --cutover")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Drained: ")
    assert lines[-2] == "Cut over: the new database is ready."
    assert lines[-1].startswith("  writes were paused for ")
    check_handed_over(shop)


def test_drain_with_cutover_behind_a_fence_hands_over(shop: Shop) -> None:
    shop.run("drain")
    shop.run("drain --cutover")
    check_handed_over(shop)


# --- refused: the old database changed


def refused(shop: Shop, command: str) -> tuple[str, str]:
    """A refusal, exit 3, that changes no database; its message and its hint."""
    before = {name: told for name, told in shop.listing().items() if name.endswith(".sqlite")}
    done = shop.run(command, code=3)
    assert {name: told for name, told in shop.listing().items() if name.endswith(".sqlite")} == before
    assert done.stdout == ""
    failure = failure_in(done.stderr)
    assert failure.left in (None, shop.phase())
    return failure.error, failure.hint


@pytest.mark.parametrize(
    ("ddl", "said"),
    [
        ("ALTER TABLE item ADD COLUMN price", "price"),
        ("CREATE TABLE surprise(id INTEGER PRIMARY KEY)", "surprise"),
        ("CREATE UNIQUE INDEX ux ON item(name)", "ux"),
        ("DROP TRIGGER _migration_capture_1_after_insert", "_migration_capture_1_after_insert dropped"),
    ],
)
def test_a_changed_schema_of_the_old_database_is_refused(shop: Shop, ddl: str, said: str) -> None:
    shop.write(ddl)
    error, hint = refused(shop, "drain")
    assert error.startswith("Error: the old database was changed while it was recorded: ")
    assert said in error
    assert hint == "Hint: run `hotmig reset`, then `hotmig migrate`"
    assert shop.fence() == ("recording", None)
    shop.write("INSERT INTO item(name) VALUES ('the application writes on')")


def test_a_schema_that_changes_behind_the_fence_is_refused_by_a_second_drain(shop: Shop) -> None:
    shop.run("drain")
    shop.write("ALTER TABLE item ADD COLUMN price")
    failure = failure_in(shop.run("drain", code=3).stderr)
    assert "column price appeared" in failure.error
    assert shop.fence() == ("recording", None), "nothing is handed over any more: the application writes on"


def test_a_fence_that_somebody_took_down_asks_for_a_proof(shop: Shop) -> None:
    shop.run("drain")
    shop.write("DROP TRIGGER _migration_fence_1_insert", "INSERT INTO item(name) VALUES ('recorded all the same')")
    shop.run("cutover", code=3)
    shop.run("drain --cutover")
    check_handed_over(shop)


def test_the_way_on_after_a_changed_schema_is_the_one_that_the_hint_names(shop: Shop) -> None:
    shop.write("CREATE INDEX ix ON item(name)")
    refused(shop, "drain")
    shop.run("reset")
    shop.run("migrate")
    shop.run("drain --cutover")
    check_handed_over(shop)


def test_without_the_marker_drain_says_that_nothing_is_recorded(shop: Shop) -> None:
    shop.write("DROP TABLE _migration_marker")
    error, hint = refused(shop, "drain")
    assert error == f"Error: {shop.old.name} has no _migration_marker: no migration is recording there"
    assert "`hotmig migrate`" in hint
    assert "`hotmig reset`" in hint


def test_a_trigger_that_the_application_makes_again_at_each_start_stands_behind_ours(tmp_path: Path) -> None:
    """Of one event the newest fires first. What it kept ours from seeing before that, the proof finds."""
    trigger = "CREATE TRIGGER told AFTER INSERT ON item BEGIN INSERT INTO audit VALUES ('again'); END"
    script = f"{ITEMS} CREATE TABLE audit(word TEXT PRIMARY KEY NOT NULL); {trigger};"
    module = MODULE + "\n@table\nclass Audit:\n    word: Annotated[str, Key]\n"
    shop = open_shop(tmp_path / "shop", script=script, module=module)
    shop.run("migrate")
    shop.write("DROP TRIGGER told", trigger)
    shop.lapse()
    order = shop.ask("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name NOT LIKE '%fence%' ORDER BY rowid")
    assert order[0] == ("told",)
    shop.write("INSERT INTO audit VALUES ('again')")
    with pytest.raises(sqlite3.IntegrityError):
        shop.write("INSERT OR FAIL INTO item(name) VALUES ('kept')")
    shop.run("drain --cutover")
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())


@pytest.mark.parametrize("statement", ["ANALYZE", "PRAGMA optimize"])
def test_statistics_are_no_change_of_the_schema(shop: Shop, statement: str) -> None:
    shop.write(statement)
    shop.run("drain --cutover")
    check_handed_over(shop)


# --- a VACUUM

BY_ROWID = (
    "CREATE TABLE item(name TEXT); INSERT INTO item(rowid, name) VALUES (5, 'five'), (9, 'nine'), (70, 'seventy');"
)
KEYLESS = """from typing import Annotated

from hotmig.schema import Was, table

database = "shop"

@table
class Item:
    title: Annotated[str | None, Was("name")] = None
"""


def by_rowid(directory: Path) -> Shop:
    shop = open_shop(directory, script=BY_ROWID, module=KEYLESS)
    shop.run("migrate")
    return shop


def test_a_vacuum_renumbers_rows_that_are_known_by_their_rowid_alone(tmp_path: Path) -> None:
    shop = by_rowid(tmp_path / "shop")
    shop.write("VACUUM")
    error, hint = refused(shop, "drain")
    assert "table item has no key but the rowid, and a VACUUM may have renumbered its rows" in error
    assert hint == "Hint: run `hotmig reset`, then `hotmig migrate`"
    assert shop.fence() == ("recording", None)
    shop.run("reset")
    shop.run("migrate")
    shop.run("drain --cutover")
    assert shop.ask("SELECT title FROM item ORDER BY 1", shop.new) == [("five",), ("nine",), ("seventy",)]


def test_a_vacuum_behind_the_fence_is_refused_by_cutover(tmp_path: Path) -> None:
    shop = by_rowid(tmp_path / "shop")
    shop.run("drain")
    shop.write("VACUUM")
    assert "a VACUUM may have renumbered its rows" in refused(shop, "cutover")[0]


def test_without_a_vacuum_a_table_without_a_key_is_drained(tmp_path: Path) -> None:
    shop = by_rowid(tmp_path / "shop")
    shop.write("DELETE FROM item WHERE name = 'five'", "UPDATE item SET name = 'NINE' WHERE name = 'nine'")
    shop.run("drain --cutover")
    assert shop.ask("SELECT rowid, title FROM item ORDER BY 1", shop.new) == [(9, "NINE"), (70, "seventy")]


def test_a_vacuum_harms_no_table_that_has_a_key(shop: Shop) -> None:
    shop.write("DELETE FROM item WHERE id < 10", "VACUUM")
    shop.run("drain --cutover")
    check_handed_over(shop)


# --- the proof


@pytest.mark.parametrize(
    ("unseen", "what"),
    [
        ("UPDATE item SET title = 'other' WHERE id = 7", "1 row not as the old database says: 7"),
        ("DELETE FROM item WHERE id = 8", "1 row not as the old database says: 8"),
        ("INSERT INTO item VALUES (9000, 'nobody wrote this')", "rows that the old database does not have: 9000"),
        ("UPDATE item SET title = CAST(title AS BLOB) WHERE id = 9", "1 row not as the old database says: 9"),
    ],
)
@pytest.mark.parametrize("options", ["", "--cutover"])
def test_a_write_that_no_trigger_saw_is_refused_before_the_fence(
    shop: Shop, unseen: str, what: str, options: str
) -> None:
    # That the new row is not the old one's is all that can be seen of it.
    shop.write(unseen, file=shop.new)
    done = shop.run(f"drain {options}", code=3)
    failure = failure_in(done.stderr)
    assert failure.left == "recording"
    assert failure.error == f'Error: the proof failed: table "item" has {what}'
    assert "`hotmig reset`" in failure.hint
    assert shop.fence() == ("recording", None)
    assert not any("fence" in name for name in shop.own_objects())
    shop.write("INSERT INTO item(name) VALUES ('the application writes on')")
    assert shop.json("status")["pending"] == 1


def test_after_a_failed_proof_the_fence_has_never_been_up(shop: Shop) -> None:
    shop.write("UPDATE item SET title = 'other' WHERE id = 7", file=shop.new)
    before = shop.ask("PRAGMA schema_version")
    shop.run("drain", code=3)
    # A fence that had been up and came down again would have moved it.
    assert shop.ask("PRAGMA schema_version") == before


def test_a_second_drain_does_not_keep_the_fence_of_the_first_one_up(shop: Shop) -> None:
    """Its proof can take long, and nothing is handed over behind a drain that is done again."""
    shop.run("drain --hold 3600")
    shop.write("ANALYZE")
    drop = [f"DROP TRIGGER {name}" for name in guards(shop)]
    shop.write(*drop, "UPDATE item SET title = 'other' WHERE id = 7", file=shop.new)
    assert failure_in(shop.run("drain", code=3).stderr).left == "recording"
    assert shop.fence() == ("recording", None)
    shop.write("INSERT INTO item(name) VALUES ('the application writes on')")


def test_a_file_that_was_moved_away_meanwhile_is_not_fenced(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 0 would say that no write gets in, where the application opens the file that lies there now."""
    backup = tmp_path / "backup.sqlite"
    source = sqlite3.connect(shop.old)
    source.execute("VACUUM INTO ?", (str(backup),))
    source.close()

    def move() -> None:
        for suffix in ("", "-wal", "-shm"):
            if Path(f"{shop.old}{suffix}").exists():
                Path(f"{shop.old}{suffix}").rename(tmp_path / f"moved.sqlite{suffix}")
        backup.rename(shop.old)

    with monkeypatch.context() as patch:
        at_the_last_moment(patch, move)
        failure = failure_in(shop.run("drain", code=3).stderr)
    assert failure.error == f"Error: {shop.old} leads to another file than before: it was replaced meanwhile"
    assert shop.fence() == ("recording", None)


@pytest.mark.parametrize("side", ["old", "new"])
def test_a_file_that_was_moved_away_meanwhile_is_not_handed_over(
    shop: Shop, side: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open connection goes on in the file that it opened, and nobody else finds that any more."""
    path = getattr(shop, side)
    source, backup = sqlite3.connect(path), sqlite3.connect(tmp_path / "backup.sqlite")
    source.backup(backup)
    source.close()
    backup.close()

    def move() -> None:
        for suffix in ("", "-wal", "-shm"):
            if Path(f"{path}{suffix}").exists():
                Path(f"{path}{suffix}").rename(tmp_path / f"moved.sqlite{suffix}")
        (tmp_path / "backup.sqlite").rename(path)

    with monkeypatch.context() as patch:
        at_the_last_moment(patch, move)
        failure = failure_in(shop.run("drain --cutover", code=3).stderr)
    assert failure.error == f"Error: {path} leads to another file than before: it was replaced meanwhile"
    assert shop.fence() == ("recording", None)
    shop.run("drain --cutover")
    check_handed_over(shop)
