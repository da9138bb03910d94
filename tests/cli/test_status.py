"""The screen for the person on call."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hotmig.cli.app import cli
from hotmig.ledger.store import LEDGER_FILE
from hotmig.units import size
from tests.phases.files import (
    NEW,
    NEW_HASH,
    OLD,
    STARTED,
    cleaned_database,
    database,
    hotmig,
    new_database,
    old_database,
    ready_database,
)
from tests.phases.processes import patched
from tests.phases.shops import MODULE, ROWS, Shop, open_shop
from tests.phases.test_running import DAMAGES
from tests.scenarios.harness import wait_until
from tests.scenarios.test_hostile_states import KILLED_BEFORE_THE_COPY

UP, LAPSED = (-10.0, 50.0), (-100.0, -40.0)


def run(directory: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["status", "--dir", str(directory), *options])


def screen(directory: Path) -> dict[str, str]:
    """What follows each label."""
    lines = run(directory).stdout.splitlines()
    return {line[2:21].strip(): line[23:] for line in lines[3:] if line.startswith("  ") and not line.startswith("  !")}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    directory = tmp_path / "shop"
    directory.mkdir()
    return directory


def test_a_migration_under_way(shop: Path) -> None:
    old, new = old_database(shop / OLD, "recording", log=12_345), new_database(shop / NEW, replayed=12_000, mappings=3)
    shown = run(shop).stdout.splitlines()
    assert shown[0] == "shop: recording"
    assert shown[-1] == f"Next: hotmig drain --dir {shop}"
    facts = screen(shop)
    assert facts["old database"].startswith(f"{old}  (in service, ")
    assert facts["new database"].startswith(f"{new}  (being built, ")
    assert facts["schema"] == f"{NEW_HASH}, commit abc1234+"
    assert facts["migration"].endswith("at 2026-01-02 03:04:05 UTC")
    assert facts["copy"] == "1 of 1 table, 10 rows"
    assert facts["marker"] == "recording"
    assert facts["log"] == "12,345 rows, 345 pending"
    assert facts["fence"] == "down: writes flow"
    assert facts["_id_mapping"] == "3 keys"
    assert facts["_migration_progress"] == "replayed up to log row 12,000, drain not completed"


@pytest.mark.parametrize(
    ("fence", "said"), [(UP, r"up: writes refused for 1\d s, lapses in 4\d s"), (LAPSED, r"lapsed 4\d s ago: .*")]
)
def test_the_fence_is_told_with_its_times(shop: Path, fence: tuple[float, float], said: str) -> None:
    old_database(shop / OLD, "draining", log=1, fence=fence)
    new_database(shop / NEW)
    assert re.fullmatch(said, screen(shop)["fence"])


def test_bookkeeping_that_cutover_removed_is_told_as_removed(shop: Path) -> None:
    old_database(shop / OLD, "retired", log=1, fence=LAPSED)
    ready_database(shop / NEW)
    facts = screen(shop)
    assert facts["_id_mapping"] == facts["_migration_progress"] == "removed"
    assert "copy" not in facts
    assert facts["fence"].startswith("up for good")
    assert facts["marker"] == "retired"


def test_without_the_old_database_its_figures_are_not_available(shop: Path) -> None:
    ready_database(shop / NEW)
    facts = screen(shop)
    assert {facts[label] for label in ("old database", "marker", "log", "fence")} == {"n/a"}
    assert {facts[label] for label in ("_id_mapping", "_migration_progress")} == {"removed"}


def test_where_nothing_was_ever_migrated_there_is_nothing_to_tell_of_it(shop: Path) -> None:
    ready_database(shop / NEW, parent=None)
    assert set(screen(shop)) == {"database", "schema", "schema module"}


def test_an_old_database_alone_has_no_figures_of_a_migration(shop: Path) -> None:
    old_database(shop / OLD)
    facts = screen(shop)
    assert set(facts) == {"old database", "marker", "schema module"}
    assert facts["marker"] == "none"


def test_in_an_empty_directory_there_is_nothing_but_the_way_to_begin(shop: Path) -> None:
    assert set(screen(shop)) == {"schema module"}
    assert run(shop).stdout.splitlines()[-1] == f"Next: hotmig init APP.DB --dir {shop}"


def test_after_cleanup_the_archive_is_told_without_what_was_dropped_from_it(shop: Path) -> None:
    cleaned_database(shop / OLD)
    ready_database(shop / NEW)
    facts = screen(shop)
    assert facts["old database"].startswith(f"{shop / OLD}  (retired, ")
    assert (facts["marker"], facts["fence"]) == ("removed", "up for good")
    assert "log" not in facts


def test_an_archive_that_was_freed_is_not_told_as_in_service(shop: Path) -> None:
    old_database(shop / OLD)
    ready_database(shop / NEW)
    facts = screen(shop)
    assert facts["old database"].startswith(f"{shop / OLD}  (replaced, and accepts writes, ")
    assert facts["fence"] == "none: writes to this archive go nowhere else"


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (5, "replayed up to log row 5; the drain was completed, and nothing was written since"),
        (6, "replayed up to log row 5; the drain was completed, and 1 write came after it"),
        (8, "replayed up to log row 5; the drain was completed, and 3 writes came after it"),
    ],
)
def test_a_drain_that_writes_came_after_is_no_completed_one(shop: Path, log: int, said: str) -> None:
    new_database(shop / NEW, replayed=5, drained=True)
    old_database(shop / OLD, "draining", log=log, fence=LAPSED)
    assert screen(shop)["_migration_progress"] == said
    (shop / OLD).unlink()
    old_database(shop / OLD, "recording", log=log)
    assert screen(shop)["_migration_progress"] == said
    (shop / OLD).unlink()
    old_database(shop / OLD, "draining", log=log, fence=UP)
    assert screen(shop)["_migration_progress"] == "replayed up to log row 5, drain completed"


def test_the_write_ahead_log_is_told_apart_from_the_file(shop: Path) -> None:
    db = database(shop / OLD, wal=True)
    file, wal = (size((shop / f"{OLD}{suffix}").stat().st_size) for suffix in ("", "-wal"))
    assert screen(shop)["old database"] == f"{shop / OLD}  (in service, {file}, plus {wal} in its -wal)"
    db.close()
    assert screen(shop)["old database"] == f"{shop / OLD}  (in service, {size((shop / OLD).stat().st_size)})"


@pytest.mark.parametrize("marker", ["recording", "draining"])
def test_a_new_file_that_is_no_database_any_more_is_told_with_the_way_on(shop: Path, marker: str) -> None:
    old_database(shop / OLD, marker, log=2, fence=UP if marker == "draining" else None)
    (shop / NEW).write_bytes(b"no database" * 1000)
    shown = run(shop, "--check")
    assert shown.exit_code == 1
    assert screen(shop)["new database"] == f"{shop / NEW}  (it cannot be read: file is not a database)"
    assert f"  ! {NEW} is no database any more: move it away, and `hotmig migrate` builds it again\n" in shown.stdout
    assert shown.stdout.splitlines()[-1] == f"Next: hotmig migrate --dir {shop}  # once {NEW} is moved away"


def test_what_needs_someone_is_marked(shop: Path) -> None:
    old_database(shop / OLD, "draining", log=1, fence=UP)
    new_database(shop / NEW)
    assert "  ! the fence is up: the application's writes are refused\n" in run(shop).stdout


def test_the_screen_fits_a_terminal_of_25_lines(shop: Path) -> None:
    old_database(shop / OLD, "draining", log=1, fence=LAPSED)
    new_database(shop / NEW)
    assert len(run(shop).stdout.splitlines()) < 25


def test_the_next_command_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / "my shop"
    directory.mkdir()
    old_database(directory / OLD)
    assert run(directory).stdout.splitlines()[-1] == f"Next: hotmig plan --dir '{directory}'"
    monkeypatch.chdir(directory)
    assert run(Path(".")).stdout.splitlines()[-1] == "Next: hotmig plan"
    schema = directory / "other.py"
    assert run(Path("."), "--schema", "other.py").stdout.splitlines()[-1] == f"Next: hotmig plan --schema '{schema}'"


@pytest.mark.parametrize(
    ("marker", "fence", "code"),
    [("recording", None, 0), ("draining", UP, 1), ("draining", LAPSED, 1), ("retired", LAPSED, 1)],
    ids=["recording", "fence up", "lapsed", "half-cut"],
)
def test_check_exits_1_when_someone_should_look(
    shop: Path, marker: str, fence: tuple[float, float] | None, code: int
) -> None:
    old_database(shop / OLD, marker, log=1, fence=fence)
    new_database(shop / NEW)
    checked = run(shop, "--check")
    assert (checked.exit_code, run(shop).exit_code) == (code, 0)
    assert checked.stdout.splitlines()[0] == run(shop).stdout.splitlines()[0]


def test_json_has_the_same_facts(shop: Path) -> None:
    old, new = old_database(shop / OLD, "draining", log=5, fence=UP), new_database(shop / NEW, replayed=3, mappings=2)
    facts = json.loads(run(shop, "--json").stdout)
    assert facts["format"] == 1
    assert facts["phase"] == "draining"
    assert facts["old"]["path"] == str(old)
    assert facts["old"]["status"] == "draining"
    assert facts["old"]["log_entries"] == 5
    assert facts["old"]["fence_until"].endswith("Z")
    assert facts["new"]["path"] == str(new)
    assert facts["new"]["status"] == "migrating"
    assert facts["new"]["schema_hash"] == NEW_HASH
    assert facts["new"]["schema_commit"] == "abc1234+"
    assert (facts["pending"], facts["id_mappings"], facts["next"]) == (2, 2, "hotmig drain")
    assert facts["started_utc"] == STARTED


def test_json_without_files_says_null(shop: Path) -> None:
    facts = json.loads(run(shop, "--json").stdout)
    assert (facts["phase"], facts["old"]["path"], facts["old"]["log_entries"], facts["pending"]) == (
        "none",
        *[None] * 3,
    )


def test_without_a_database_it_asks_whether_the_directory_is_right(shop: Path) -> None:
    shown = run(shop).stdout.splitlines()
    assert shown[1] == "  There is no database shop-<hash>.sqlite here: is --dir right?"
    (shop / "schema.py").write_text("from hotmig.schema import table\n@table\nclass Item:\n    id: int\n")
    assert run(shop).stdout.splitlines()[1] == "  There is no database shop-<hash>.sqlite here yet."


def test_a_database_that_can_not_be_read_is_not_to_be_made_anew(tmp_path: Path) -> None:
    (tmp_path / "schema.py").write_text(
        "from typing import Annotated\nfrom hotmig.schema import Key, table\ndatabase = 'shop'\n"
        "@table\nclass Item:\n    id: Annotated[int, Key]\n"
    )
    (tmp_path / f"shop-{'0' * 16}.sqlite").write_bytes(b"no database at all " * 100)
    told = run(tmp_path, "--check")
    assert told.exit_code == 1
    assert told.stdout.splitlines()[1] == "  What is named like the database can't be read."
    assert f"  ! shop-{'0' * 16}.sqlite: " in told.stdout
    assert told.stdout.splitlines()[-1] == "Next: nothing to run"


# --- the last run


def test_the_last_run_is_told_with_its_state(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    assert shop.json("status")["last_run"] is None
    assert "last run" not in screen(shop.directory)
    shop.run("migrate")
    run_id = shop.runs()[0]["run_id"]
    assert screen(shop.directory)["last run"] == f"{run_id}, completed"
    shop.run("cutover", code=3)
    failed = shop.runs()[0]
    assert screen(shop.directory)["last run"] == f"{failed['run_id']}, failed: the migration is not drained"
    facts = shop.json("status")
    names = ("run_id", "command", "state", "started_utc", "finished_utc", "error")
    assert facts["last_run"] == {name: failed[name] for name in names}
    assert facts["runs_problem"] is None


def test_a_copy_that_stands_still_is_told_with_how_much_is_left(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop", wal=False)
    assert patched(shop, KILLED_BEFORE_THE_COPY, "migrate").wait() == 9
    assert screen(shop.directory)["copy"] == f"0 of 1 table, 0 of about {ROWS} rows"
    assert shop.json("status")["new"]["rows_expected"] == ROWS
    told = run(shop.directory, "--check")
    assert told.exit_code == 1
    assert "  ! no command is at work: the copy stands still until one is run, and the log grows\n" in told.stdout
    assert told.stdout.splitlines()[-1] == f"Next: hotmig migrate --dir {shop.directory}"
    shop.run("migrate")
    assert screen(shop.directory)["copy"] == f"1 of 1 table, {ROWS} rows"
    assert shop.json("status")["attention"] == []


def test_a_drain_that_died_behind_its_fence_is_told(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    dies = "import hotmig.phases.pause as p\np._replay_rest = lambda *rest, **more: os._exit(9)"
    assert patched(shop, dies, "drain").wait() == 9
    told = shop.json("status")
    run_id = told["last_run"]["run_id"]
    assert told["attention"] == [
        "the fence is up: the application's writes are refused",
        "no command is at work: nobody replays the rest, and writes are refused until the fence lapses",
        f"`hotmig drain` (run {run_id}) did not come to its end: its process died, or could not write down how it"
        " ended",
    ]


@pytest.mark.parametrize("where", ["phases.migrate", "transfer.pages"], ids=["in the tables", "in the pages"])
def test_a_command_at_work_is_told_and_is_to_be_waited_for(tmp_path: Path, where: str) -> None:
    shop = open_shop(tmp_path / "shop")
    waits = f"""import pathlib, time, hotmig.{where} as m
def wait(*rest): pathlib.Path({str(tmp_path / "held")!r}).touch(); time.sleep(600)
setattr(m, "copy_all" if hasattr(m, "copy_all") else "_copy", wait)"""
    process = patched(shop, waits, "migrate")
    wait_until((tmp_path / "held").exists, "migrate to be at work")
    shown = run(shop.directory, "--check")
    process.kill()
    process.communicate()
    assert shown.exit_code == 0
    assert f"`hotmig migrate` (process {process.pid} on " in shown.stdout
    last = shown.stdout.splitlines()[-1]
    assert last == f"Next: hotmig status --dir {shop.directory}  # once the command at work has finished"


def test_a_module_that_can_not_be_used_is_told_where_the_next_command_needs_it(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    module = shop.directory / "schema.py"
    whole = module.read_text()
    module.write_text("x = (")
    told = shop.json("status", "--check", code=1)
    assert [each for each in told["attention"] if each.startswith(f"the schema module can't be used: {module}")]
    shown = run(shop.directory).stdout.splitlines()
    assert shown[-1] == f"Next: hotmig drain --dir {shop.directory}  # once the schema module can be used"
    module.write_text(whole)
    assert shop.json("status", "--check")["attention"] == []


def test_in_a_read_only_directory_the_next_command_waits_for_that(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    (shop.own / "read-only").touch()
    last = run(shop.directory).stdout.splitlines()[-1]
    assert last == f"Next: hotmig drain --dir {shop.directory}  # once {shop.own / 'read-only'} is taken away"


def test_what_marks_a_directory_read_only_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = open_shop(tmp_path / "shop")
    assert shop.json("status")["read_only"] is None
    monkeypatch.setenv("HOTMIG_READ_ONLY", "1")
    assert screen(shop.directory)["read-only"] == "nothing is changed here: HOTMIG_READ_ONLY"
    shop.own.mkdir()
    (shop.own / "read-only").touch()
    assert screen(shop.directory)["read-only"] == f"nothing is changed here: {shop.own / 'read-only'}"
    assert shop.json("status")["read_only"] == str(shop.own / "read-only")


@pytest.mark.parametrize("form", [("--schema", "{}"), ("--schema={}",)], ids=" ".join)
def test_the_next_command_has_the_module_that_the_last_run_was_given(tmp_path: Path, form: tuple[str, ...]) -> None:
    """The person on call knows the directory; a deploy script has the module elsewhere."""
    shop = open_shop(tmp_path / "shop")
    module = tmp_path / "next release.py"
    (shop.directory / "schema.py").rename(module)
    done = hotmig("migrate", "--dir", shop.directory, *[word.format(module) for word in form])
    assert done.returncode == 0, done.stderr
    shown = run(shop.directory).stdout.splitlines()
    assert shown[-1] == f"Next: hotmig drain --dir {shop.directory} --schema '{module}'"
    assert run(shop.directory, "--schema", "/x.py").stdout.splitlines()[-1].endswith(" --schema /x.py")


def told_of_the_module(shop: Shop) -> list[str]:
    return [told for told in shop.json("status")["attention"] if "schema module" in told]


def edit(module: Path, column: str) -> None:
    time.sleep(0.01)
    module.write_text(module.read_text() + f"    {column}: int = 4\n")


def test_a_later_run_with_the_module_beside_the_data_tells_that_it_is_that_one(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    module = tmp_path / "schema.py"
    module.write_text(MODULE)
    shop.run("migrate", "--schema", str(module))
    shop.run("migrate")
    edit(module, "extra")
    assert told_of_the_module(shop) == []
    assert shop.json("status")["schema"] == str(shop.directory / "schema.py")


def test_an_archive_that_was_put_back_does_not_tell_which_module_it_is(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop", wal=False)
    first = tmp_path / "schema.py"
    (shop.directory / "schema.py").rename(first)
    shop.run("migrate", "--schema", str(first))
    recording = shop.old.read_bytes()
    shop.run("drain --cutover", "--schema", str(first))
    shop.old.write_bytes(recording)
    beside = shop.directory / "schema.py"
    beside.write_text(MODULE)
    edit(beside, "more")
    shop.run("migrate")
    edit(first, "extra")
    assert told_of_the_module(shop) == []
    assert shop.json("status")["schema"] == str(beside)


def test_older_archives_do_not_tell_which_module_it_is(tmp_path: Path) -> None:
    """Nobody cleaned up behind earlier releases, whose modules lie in directories of their own."""
    shop = open_shop(tmp_path / "shop")
    (shop.directory / "schema.py").unlink()
    for release in range(1, 6):
        module = tmp_path / str(release) / "schema.py"
        module.parent.mkdir()
        columns = "".join(f"    note_{number}: str | None = None\n" for number in range(release))
        module.write_text(MODULE + columns)
        for command in ("migrate", "drain", "cutover"):
            shop.run(command, "--schema", str(module))
            shown = shop.json("status")
            assert shown["schema"] == str(module), f"{command} of {release}"
        assert shown["phase"] == "retired"
        assert not any("schema module" in told for told in shown["attention"])


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_ledger_that_cannot_be_used_does_not_keep_status_from_the_databases(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    healthy = screen(shop.directory)
    ledger = shop.own / LEDGER_FILE
    damage(ledger)
    before = shop.everything()
    facts = shop.json("status")
    told = screen(shop.directory)
    assert shop.everything() == before
    assert (facts["phase"], facts["last_run"]) == ("recording", None)
    assert str(ledger) in facts["runs_problem"]
    assert told.pop("last run") == f"not known: {facts['runs_problem']}"
    unlike = ("migration", "last run")  # its age
    assert {name: text for name, text in told.items() if name not in unlike} == {
        name: text for name, text in healthy.items() if name not in unlike
    }


def test_an_empty_ledger_has_no_last_run(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.own.mkdir()
    (shop.own / LEDGER_FILE).touch()
    facts = shop.json("status")
    assert (facts["last_run"], facts["runs_problem"]) == (None, None)
