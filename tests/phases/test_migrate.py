"""``migrate``: what it leaves alone, and what its options do."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

import hotmig.phases.drain
from hotmig.catalog.model import Table
from hotmig.planning.model import TableStep
from hotmig.transfer import as_is, pages
from hotmig.transfer.proof import prove
from tests.phases.files import by_shell
from tests.phases.processes import patched
from tests.phases.shops import ITEMS, MODULE, ROWS, Shop, failure_in, items, open_shop, told_behind_the_run
from tests.scenarios.test_hostile_states import KILLED_BEFORE_THE_COPY

MISTAKES = {
    "syntax": "class (\n",
    "no module": None,
    "raises": MODULE + "\nraise ValueError('no')\n",
    "type": MODULE.replace("title: Annotated[str | None", "title: Annotated[complex | None"),
    "unknown column": MODULE.replace("@table", '@table(indexes=["nothing"])'),
    "table twice": MODULE + "\n@table('item')\nclass Again:\n    id: Annotated[int, Key] = auto()\n",
}
DROPS_A_COLUMN = MODULE.replace('    title: Annotated[str | None, Was("name")] = None\n', "")
NEW_CHECK = MODULE.replace("@table", "@table(checks=['length(title) < 7'])")
BLOCKS = {"drops a column": DROPS_A_COLUMN, "breaks a new CHECK": NEW_CHECK}
LARGE = """CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO item WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    SELECT i, 'item ' || i FROM n;"""
KILLED_BEFORE_THE_INDEXES = "import hotmig.transfer.copy as c\nc._finish_table = lambda *rest: os._exit(9)"
OPTIONS = ["", "--wal", "--offline", "--offline --wal"]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "shop")


# --- blocked


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("wal", [True, False], ids=["wal", "rollback journal"])
@pytest.mark.parametrize("reason", BLOCKS)
def test_a_blocked_migrate_changes_nothing_at_all(tmp_path: Path, reason: str, wal: bool, options: str) -> None:
    shop = open_shop(tmp_path / "shop", module=BLOCKS[reason], wal=wal)
    before = shop.listing()
    done = shop.run(f"migrate {options}", code=1)
    assert shop.listing() == before
    assert done.stdout == ""
    assert told_behind_the_run(done.stderr).startswith("Error: migrate is blocked: ")
    assert "\nHint: `hotmig plan` " in done.stderr


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_module_changes_nothing_at_all(tmp_path: Path, mistake: str, options: str) -> None:
    shop = open_shop(tmp_path / "shop")
    module = MISTAKES[mistake]
    if module is None:
        (shop.directory / "schema.py").unlink()
    else:
        (shop.directory / "schema.py").write_text(module)
    before = shop.everything()
    done = shop.run(f"migrate {options}", code=1)
    assert shop.everything() == before
    assert not shop.own.exists()
    assert "schema.py" in done.stderr.splitlines()[0]


def test_a_blocked_migrate_leaves_the_files_of_an_application_at_work_alone(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop", module=DROPS_A_COLUMN)
    application = sqlite3.connect(shop.old)
    application.execute("INSERT INTO item(name) VALUES ('in the -wal')")
    application.commit()
    before = shop.listing()
    shop.run("migrate", code=1)
    after = shop.listing()
    application.close()
    index = f"{shop.old.name}-shm"  # in it readers say up to where they read
    assert {**after, index: before[index]} == before


# --- --wal


def test_wal_switches_the_old_database_first_and_says_so(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop", wal=False)
    done = shop.run("migrate --wal")
    assert told_behind_the_run(done.stderr) == "Note: journal mode was delete, is WAL now\n"
    assert shop.ask("PRAGMA journal_mode") == shop.ask("PRAGMA journal_mode", shop.new) == [("wal",)]
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())
    shop.run("drain --cutover")
    assert shop.ask("PRAGMA journal_mode", shop.new) == [("wal",)]


def test_without_wal_both_databases_have_the_old_journal_mode(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop", wal=False)
    shop.run("migrate")
    assert shop.ask("PRAGMA journal_mode") == shop.ask("PRAGMA journal_mode", shop.new) == [("delete",)]


def test_wal_on_a_wal_database_changes_no_mode(shop: Shop) -> None:
    assert told_behind_the_run(shop.run("migrate --wal").stderr) == "Note: journal mode was wal, is WAL now\n"
    assert shop.ask("PRAGMA journal_mode", shop.new) == [("wal",)]


def test_quiet_keeps_the_note_of_the_switch_to_itself(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop", wal=False)
    assert shop.run("migrate --wal --quiet").stderr == ""
    assert shop.ask("PRAGMA journal_mode") == [("wal",)]


# --- --long-reads

SLOW_ROWS = 4_000
SLOW_SCRIPT = ITEMS.replace(f"i < {ROWS}", f"i < {SLOW_ROWS}")
# Dear to compute: with all rows it takes many times the 0.1 s for which a reader may keep writers waiting.
DEAR = "length(hex(zeroblob(100000 + id % 2))) > 0"


def dear_shop(directory: Path, check: str, *, wal: bool = False) -> Shop:
    module = MODULE.replace("@table", f"@table(checks=[{check!r}])")
    return open_shop(directory, script=SLOW_SCRIPT, module=module, wal=wal)


def unanswered(shop: Shop, *options: str) -> list[str]:
    found = shop.json("plan", *options)["findings"]
    return [finding["severity"] for finding in found if finding["check"] == "unanswered"]


def test_long_reads_ask_to_the_end_what_the_writers_would_wait_for(tmp_path: Path) -> None:
    shop = dear_shop(tmp_path / "shop", DEAR)
    assert unanswered(shop) == ["warn"]
    assert unanswered(shop, "--long-reads") == []
    shop.run("migrate --long-reads")
    assert len(shop.ask(items(name="title"), shop.new)) == SLOW_ROWS


def test_in_wal_mode_every_question_is_asked_to_the_end(tmp_path: Path) -> None:
    assert unanswered(dear_shop(tmp_path / "shop", DEAR, wal=True)) == []


def test_long_reads_find_before_anything_is_done_what_else_the_copy_stops_at(tmp_path: Path) -> None:
    shop = dear_shop(tmp_path / "shop", f"{DEAR} AND id <> {SLOW_ROWS}")
    before = shop.listing()
    assert "1 row breaks the new CHECK" in shop.run("migrate --long-reads", code=1).stderr
    assert shop.listing() == before
    failed = shop.run("migrate", code=3)
    assert told_behind_the_run(failed.stderr).startswith("Recovery snapshot:\nshop: copying\n")
    assert shop.fence() == ("recording", None)


# --- --offline


def test_offline_does_it_all_under_one_fence(shop: Shop) -> None:
    before = shop.ask(items())
    done = shop.run("migrate --offline")
    assert f"Copied {ROWS} rows in " in done.stdout
    assert "Cut over: the new database is ready.\n  writes were paused for " in done.stdout
    assert shop.phase() == "retired"
    assert shop.ask(items(name="title"), shop.new) == before
    with pytest.raises(sqlite3.IntegrityError, match=f"hotmig: this database was replaced by {shop.new.name}"):
        shop.write("DELETE FROM item")
    shop.write("DELETE FROM item", file=shop.new)


def test_offline_as_json_has_the_drain_and_the_pause(shop: Shop) -> None:
    facts = shop.json("migrate", "--offline")
    assert facts["rows"] == {"item": ROWS}
    assert facts["offline"]["pause"] > 0
    assert facts["offline"]["proved"]["rows"] == ROWS


def test_an_offline_migrate_keeps_its_fence_up_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = open_shop(tmp_path / "shop")
    proved = []

    def proving(*arguments: Any) -> Any:
        with pytest.raises(sqlite3.IntegrityError, match="writes are paused"):
            shop.write("DELETE FROM item")
        proved.append(shop.fence()[0])
        return prove(*arguments)

    monkeypatch.setattr(hotmig.phases.drain, "prove", proving)
    shop.run("migrate --offline")
    assert (proved, shop.phase()) == (["draining"], "retired")
    assert [action for action, *_ in shop.steps()].count("raise the fence") == 2, "it is taken over, not raised anew"
    assert not any(action == "lower the fence" for action, *_ in shop.steps())


def test_an_offline_migrate_that_fails_takes_its_fence_down(tmp_path: Path) -> None:
    shop = dear_shop(tmp_path / "shop", f"{DEAR} AND id <> {SLOW_ROWS}")
    failed = shop.run("migrate --offline", code=3)
    assert told_behind_the_run(failed.stderr).startswith("Recovery snapshot:\nshop: copying\n")
    assert shop.fence() == ("recording", None)
    shop.write(f"DELETE FROM item WHERE id = {SLOW_ROWS}")
    assert shop.ask("SELECT operation, table_name, key_1 FROM _migration_log") == [("delete", "item", SLOW_ROWS)]
    shop.run("migrate --offline")
    assert shop.phase() == "retired"
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())


# --- again


def test_a_second_migrate_has_nothing_to_copy_and_says_what_is_next(shop: Shop) -> None:
    shop.run("migrate")
    before = shop.listing()
    done = shop.run("migrate")
    assert done.stdout == "Migrate skipped.\n  everything is copied already; `hotmig drain` is next\n"
    assert {name: told for name, told in shop.listing().items() if name.endswith(".sqlite")} == {
        name: told for name, told in before.items() if name.endswith(".sqlite")
    }


def test_ddl_since_a_killed_migrate_is_told_with_the_two_ways_out(tmp_path: Path) -> None:
    """Before anything is planned: the plan would propose to give up what was added, and that would be refused then."""
    shop = open_shop(tmp_path / "shop")
    assert patched(shop, KILLED_BEFORE_THE_COPY, "migrate").wait() == 9
    shop.write("ALTER TABLE item ADD COLUMN extra", "UPDATE item SET extra = 1")
    failure = failure_in(shop.run("migrate", code=3).stderr)
    assert failure.error.startswith("Error: the old database was changed while it was recorded: ")
    assert "put the schema module and the old database's schema back" in failure.hint
    assert "`hotmig reset`" in failure.hint
    shop.write("ALTER TABLE item DROP COLUMN extra")
    shop.run("migrate")
    shop.run("drain")


def test_ddl_during_a_copy_as_it_is_is_told_as_drift(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = open_shop(tmp_path / "shop")

    def altered(db: sqlite3.Connection, step: TableStep, source: Table, indexes: tuple[str, ...]) -> int:
        shop.write("ALTER TABLE item ADD COLUMN late TEXT")
        return move(db, step, source, indexes)

    monkeypatch.setattr(pages, "alterations", lambda _plan: ["ALTER TABLE missing RENAME TO other"])
    move = as_is._move
    monkeypatch.setattr(as_is, "_move", altered)
    told = failure_in(shop.run("migrate", code=3).stderr)
    assert told.error.startswith("Error: the old database was changed while it was recorded: ")
    assert "late" in told.error
    assert "`hotmig reset`" in told.hint


@pytest.mark.parametrize("death", [KILLED_BEFORE_THE_INDEXES, "os.link = lambda *_: os._exit(9)"])
def test_what_the_unfinished_file_takes_already_is_not_asked_for_again(tmp_path: Path, death: str) -> None:
    shop = open_shop(tmp_path / "shop", script=LARGE)
    assert patched(shop, death, "migrate").wait() == 9
    size = shop.old.stat().st_size
    built = sum(path.stat().st_size for path in shop.directory.iterdir() if path.name.startswith("shop-")) - size
    assert built > size / 2
    told = f"""import shutil
from types import SimpleNamespace
shutil.disk_usage = lambda _: SimpleNamespace(free=int({size} * 1.5) - {built} // 2)"""
    assert patched(shop, told, "migrate").wait() == 0
    shop.run("reset")
    assert patched(shop, told, "migrate").wait() == 1


def test_a_signal_while_a_question_is_asked_is_obeyed(tmp_path: Path) -> None:
    """In rollback-journal mode SQLite asks every now and then whether to go on: the signal arrives in there."""
    shop = open_shop(tmp_path / "shop", script=LARGE, module=NEW_CHECK.replace("< 7", "< 99"), wal=False)
    signalled = """import hotmig.sqlite as s
look = s._is_over
s._is_over = lambda deadline: os.kill(os.getpid(), signal.SIGTERM) or look(deadline)
s.STEPS_BETWEEN_LOOKS = 100"""
    process = patched(shop, signalled, "migrate")
    _, told = process.communicate()
    assert process.returncode == 143, told
    assert shop.own_objects() == set()


def test_a_second_migrate_asks_nothing_of_the_data(tmp_path: Path) -> None:
    """With the fence up the application waits for it: on a large database a plan takes seconds."""
    shop = open_shop(tmp_path / "shop", module=NEW_CHECK.replace("< 7", "< 9"))
    shop.run("migrate")
    shop.run("drain")
    shop.write("UPDATE _migration_marker SET fence_until = fence_from")
    shop.write("INSERT INTO item(name) VALUES ('a plan would be blocked by this')")
    told = "everything is copied already; `hotmig cutover` or `hotmig drain` is next"
    assert shop.run("migrate").stdout == f"Migrate skipped.\n  {told}\n"
    shop.run("drain", code=3)  # which finds the row


def test_a_new_file_that_a_reset_by_hand_has_left_is_told_with_the_command_that_deletes_it(shop: Shop) -> None:
    shop.run("migrate")
    by_shell(shop.old, shop.run("reset --print-sql").stdout)
    left = shop.new
    (told,) = (each["message"] for each in shop.json("plan", code=1)["findings"] if each["severity"] == "block")
    assert told.endswith(
        f"{left.name}, and that is a new database that was left unfinished: run `hotmig reset`, or move it away"
    )
    shop.run("reset")
    assert not left.exists()
    shop.run("migrate")


@pytest.mark.parametrize("command", ["plan", "migrate"])
def test_without_the_module_that_it_was_begun_with_that_is_named(shop: Shop, command: str) -> None:
    following = shop.directory / "next.py"
    following.write_text(MODULE)
    (shop.directory / "schema.py").write_text(DROPS_A_COLUMN)
    shop.run("migrate", "--schema", str(following))
    refused = shop.run(command, code=1 if command == "plan" else 3)
    assert f"--schema {following}" in refused.output


def test_another_module_in_mid_migration_is_told_as_that_whatever_stands_in_its_way(shop: Shop) -> None:
    shop.run("migrate")
    (shop.directory / "schema.py").write_text(DROPS_A_COLUMN)
    refused = shop.run("migrate", code=3)
    assert "Error: another migration is under way, to shop-" in refused.stderr
    assert "`hotmig reset`" in refused.stderr


@pytest.mark.parametrize(
    ("suffix", "told"),
    [
        ("", "and that is a directory: move it away"),
        ("-wal", "and that is no name to be had while {} is a directory: move it away"),
        ("-unfinished", "and that is no name to be had while {} is a directory: move it away"),
    ],
)
def test_a_directory_under_a_name_that_the_new_file_needs_blocks_the_plan(shop: Shop, suffix: str, told: str) -> None:
    taken = Path(shop.json("plan")["new"] + suffix)
    taken.mkdir()
    found = shop.json("plan", code=1)
    assert not found["runnable"]
    assert told.format(taken.name) in found["findings"][0]["message"]
    shop.run("migrate", code=1)
    assert taken.is_dir()
    taken.rmdir()
    shop.run("migrate")
