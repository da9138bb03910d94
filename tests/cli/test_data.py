"""`hotmig data`: what became of each data migration, skips taken and taken back, and the line about one that failed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from hotmig.cli.app import cli
from tests.phases.data_shops import cut_over, marks, numbered, open_data_shop, rewrite, states, upper
from tests.phases.shops import Shop, copied, open_shop

FAILS = "raise ValueError('text')"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*"


@pytest.fixture
def shop(behind: Shop, tmp_path: Path) -> Shop:
    return copied(behind, tmp_path)


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """One that is applied, one that failed, one that is skipped and one that waits: all behind a cutover."""
    shop = open_data_shop(
        tmp_path_factory.mktemp("behind") / "shop",
        upper(), numbered("002_bad", FAILS, when="after"), numbered("003_not", when="after"),
        numbered("004_cut"), numbered("005_last", when="after"),
    )  # fmt: skip
    shop.run("migrate")
    shop.run("data skip 003_not", "--reason", "  no such rows here ")
    shop.run("data skip 004_cut", "--reason", "later")
    shop.run("drain --cutover")
    shop.run("data unskip 004_cut")
    return shop


def test_status_tells_each_with_its_sign(shop: Shop) -> None:
    run_id = shop.runs()[1]["run_id"]
    lines = shop.run("data status").stdout.splitlines()
    assert len(lines) == 5
    for line, pattern in zip(
        lines,
        (
            rf"✓ 001_upper  applied {TIME}",
            rf"✗ 002_bad    failed {TIME}: `hotmig runs show {run_id}` tells more",
            rf"~ 003_not    skipped {TIME}: no such rows here",
            r"· 004_cut    pending: in cutover, while writes are paused",
            r"· 005_last   pending: once the new database is in service",
        ),
        strict=True,
    ):
        assert re.fullmatch(pattern, line), line


def test_status_as_json(shop: Shop) -> None:
    found = shop.json("data status")
    assert (found["format"], found["database"]) == (1, str(shop.new))
    applied, failed, skipped, *_ = found["entries"]
    assert set(applied) == {"name", "when", "state", "applied_utc", "skipped_utc", "reason", "failed_utc", "run_id"}
    assert (applied["name"], applied["when"], applied["state"], applied["run_id"]) == (
        "001_upper", "cutover", "applied", None
    )  # fmt: skip
    assert shop.json("runs show", failed["run_id"])["command"] == "drain"
    assert re.fullmatch(TIME, failed["failed_utc"])
    assert (skipped["state"], skipped["reason"], skipped["applied_utc"]) == ("skipped", "no such rows here", None)


def test_a_module_without_any_says_so(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    assert shop.run("data status").stdout == "The schema module has no data migrations.\n"
    assert shop.json("data status")["entries"] == []
    assert shop.run("data run", code=3).stderr.count("does not have this schema") == 1


def test_the_command_without_a_word_behind_it_shows_its_help() -> None:
    assert "Usage: hotmig data [OPTIONS] [COMMAND]" in CliRunner().invoke(cli, ["data"]).stdout


# --- skip


def test_skipping_what_is_applied_or_skipped_is_refused(shop: Shop) -> None:
    before = marks(shop)
    assert (
        "Error: data migration 001_upper is applied, since "
        in shop.run("data skip 001_upper --reason x", code=3).stderr
    )
    told = shop.run("data skip 003_not --reason x", code=3).stderr
    assert "Error: data migration 003_not is skipped already, since " in told
    assert "`hotmig data unskip 003_not` takes that back" in told
    assert marks(shop) == before


@pytest.mark.parametrize("command", ["data skip nobody --reason x", "data unskip nobody"])
def test_an_unknown_name_fails_and_leaves_no_run(shop: Shop, command: str) -> None:
    runs = shop.json("runs list")
    told = shop.run(command, code=1).stderr
    assert "Error: there is no data migration nobody\nHint: `hotmig data status` shows their names\n" in told
    assert shop.json("runs list") == runs


def test_a_skip_needs_a_reason(shop: Shop) -> None:
    shop.run("data skip 002_bad", code=2)
    assert "--reason is empty" in shop.run("data skip 002_bad", "--reason", " ", code=2).stderr


def test_a_skip_is_a_run_and_runs_nothing(shop: Shop) -> None:
    done = shop.json("data skip 002_bad", "--reason", "by hand")
    assert (done["name"], done["reason"], done["database"]) == ("002_bad", "by hand", str(shop.new))
    assert done.keys() == {"format", "name", "database", "reason", "skipped_utc", "run_id"}
    assert [(done["skipped_utc"],)] == shop.ask(
        "SELECT skipped_utc FROM _data_migration WHERE reason = 'by hand'", shop.new
    )
    assert shop.steps() == [("skip data migration", "002_bad", "done")]
    assert states(shop) == {
        "001_upper": "applied", "002_bad": "skipped", "003_not": "skipped", "004_cut": "pending", "005_last": "pending"
    }  # fmt: skip


def test_before_a_migration_it_is_made_in_the_database_in_service_and_carried_over(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_bad", FAILS), upper("002_upper"))
    told = shop.run("data skip 001_bad --reason why").stdout
    assert told == "Skipped data migration 001_bad: why\n  `hotmig data unskip 001_bad` takes that back\n"
    assert marks(shop, shop.old) == [("001_bad", False, True, "why")]
    assert shop.json("plan")["data_migrations"] == [{"name": "002_upper", "when": "cutover"}]
    cut_over(shop)
    assert marks(shop) == [("001_bad", False, True, "why"), ("002_upper", True, False, None)]


def test_where_all_are_skipped_there_is_nothing_to_migrate_for(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", upper())
    shop.run("data skip 001_upper --reason why")
    assert shop.json("plan")["nothing_to_do"] is True
    shop.run("data unskip 001_upper")
    assert shop.json("plan")["nothing_to_do"] is False


def test_one_that_is_taken_back_during_the_migration_is_not_carried_over_again(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", upper(), numbered("002_more"))
    shop.run("data skip 001_upper --reason why")
    shop.run("migrate")
    shop.run("data unskip 001_upper")
    shop.run("drain --cutover")
    assert marks(shop) == [("001_upper", True, False, None), ("002_more", True, False, None)]
    assert marks(shop, shop.old) == [("001_upper", False, True, "why")]


def test_with_a_fence_up_it_can_be_made_and_the_cutover_goes_on(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_bad", FAILS))
    shop.run("migrate")
    shop.run("drain")
    shop.run("data skip 001_bad --reason why")
    assert shop.phase() == "drained"
    shop.run("cutover")


def test_while_the_new_file_is_not_made_there_is_nowhere_to_make_it(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", upper())
    shop.run("migrate")
    shop.new.unlink()
    told = shop.run("data skip 001_upper --reason x", code=3).stderr
    assert "has begun, and that file is not made yet" in told
    shop.run("migrate")
    shop.run("data skip 001_upper --reason x")


@pytest.mark.parametrize(
    "object",
    ["TABLE _data_migration(x)", "TABLE _DATA_MIGRATION(name)", "VIEW _data_migration AS SELECT 1"],
)
def test_where_something_else_has_the_name_of_the_marks_nothing_is_tried(tmp_path: Path, object: str) -> None:
    shop = open_data_shop(tmp_path / "shop", upper())
    shop.write(f"CREATE {object}")
    before = shop.everything()
    error, hint = shop.run("data skip 001_upper --reason x", code=1).stderr.splitlines()
    assert error == f"Error: _data_migration in {shop.old.name} is not hotmig's, and there is no place for marks"
    assert hint == "Hint: rename it, as `hotmig plan` says too"
    assert "_data_migration in the old database is not hotmig's" in shop.run("plan", code=1).stdout.lower()
    assert states(shop) == {"001_upper": "pending"}
    assert shop.everything() == before


# --- unskip


def test_unskip_says_when_it_will_be_run(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", upper(), numbered("002_after", when="after"))
    for name, when in (
        ("001_upper", "in the next migration's `hotmig cutover`"),
        ("002_after", "or in `hotmig data run`"),
    ):
        shop.run(f"data skip {name} --reason x")
        told = shop.run(f"data unskip {name}").stdout
        assert told.startswith(f"Data migration {name} is pending again.\n  it will be run ")
        assert when in told
    shop.run("migrate")
    shop.run("data skip 001_upper --reason x")
    assert shop.json("data unskip 001_upper")["runs"] == "in `hotmig cutover`, while writes are paused"
    assert states(shop) == {"001_upper": "pending", "002_after": "pending"}


def test_unskipping_what_is_not_skipped_says_so_and_creates_nothing(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", upper())
    before = shop.everything()
    done = shop.run("data unskip 001_upper")
    assert done.stdout.startswith("Nothing to take back.\n  data migration 001_upper is not skipped: it is pending\n")
    assert shop.json("data unskip 001_upper")["skipped"] == "data migration 001_upper is not skipped: it is pending"
    assert shop.everything() == before
    cut_over(shop)
    assert "is not skipped: it is applied, since " in shop.run("data unskip 001_upper").stdout


# --- run


def test_run_runs_what_waits_for_a_database_in_service(shop: Shop) -> None:
    rewrite(
        shop,
        upper(), numbered("002_bad", "db.execute('DELETE FROM item WHERE id > 3')", when="after"),
        numbered("003_not", FAILS, when="after"), numbered("004_cut", FAILS), numbered("005_last", when="after"),
    )  # fmt: skip
    told = shop.run("data run").stdout
    assert told.splitlines()[1:] == [
        "  ran data migration 002_bad",
        "  ran data migration 005_last",
        "  004_cut waits for the cutover of the next migration",
    ]
    assert shop.ask("SELECT count(*) FROM item", shop.new) == [(3,)]
    assert shop.steps() == [("data migration", "002_bad", "done"), ("data migration", "005_last", "done")]
    again = shop.json("data run")
    assert (again["skipped"], again["data_migrations"]) == ("no data migration is waiting to be run", [])


def test_run_is_refused_where_a_migration_is_needed_or_under_way(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", upper(when="after"))
    message = "Error: the database in service does not have this schema: data migrations are run once it has"
    assert message in shop.run("data run", code=3).stderr
    shop.run("migrate")
    assert message in shop.run("data run", code=3).stderr
    assert states(shop) == {"001_upper": "pending"}


def test_a_run_that_is_refused_leaves_no_trace(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", upper(when="after"))
    before = shop.everything()
    shop.run("data run", code=3)
    assert shop.everything() == before
    assert shop.run("plan").stderr == ""


@pytest.mark.parametrize("command", ["data status", "data skip 004_cut --reason x", "data unskip 003_not"])
def test_none_but_run_runs_one_on_the_way(shop: Shop, command: str) -> None:
    rewrite(
        shop,
        *(numbered(name, "raise AssertionError", when="after") for name in ("001_upper", "002_bad", "003_not")),
        numbered("004_cut", "raise AssertionError"), numbered("005_last", "raise AssertionError", when="after"),
    )  # fmt: skip
    shop.run(command)
    assert states(shop)["005_last"] == "pending"


# --- the line about one that failed

NOTE = r"Note: data migration 002_bad failed at \S+; `hotmig data status` tells more\n"
TOLD_BY = (
    "plan",
    "plan --json",
    "path",
    "runs list",
    "runs list --json",
    "reset --dry-run",
    "cleanup-old --dry-run",
    "inspect",
)


@pytest.mark.parametrize("command", TOLD_BY)
def test_every_other_command_tells_of_one_that_failed_on_stderr(shop: Shop, command: str) -> None:
    done = shop.run(command)
    assert len(re.findall(NOTE, done.stderr)) == 1
    assert "002_bad failed" not in done.stdout
    assert "002_bad" not in shop.run(command, "--quiet").stderr


@pytest.mark.parametrize("command", ["migrate", "drain", "cutover"])
def test_those_that_change_something_tell_it_too(shop: Shop, command: str) -> None:
    rewrite_failing(shop)
    assert re.match(NOTE, shop.run(command).stderr)


@pytest.mark.parametrize("command", ["plan", "path", "runs list", "data status", "data run"])
def test_the_run_that_it_failed_in_is_not_told_besides(shop: Shop, command: str) -> None:
    shop.run("data run", code=1)
    told = shop.run(command, code=int(command == "data run")).stderr
    assert told.count("Note: ") == (0 if command.startswith("data") else 1)
    assert "Note: an earlier run" not in told


def test_another_run_that_failed_is_told_besides(shop: Shop) -> None:
    shop.run("data run", code=1)
    text = (shop.directory / "schema.py").read_text()
    (shop.directory / "schema.py").write_text(text.replace("name: str | None = None", "name: str = 'x'"))
    shop.run("cutover", code=3)
    told = shop.run("plan").stderr.splitlines()
    assert [line.split(" ")[1:3] for line in told] == [["an", "earlier"], ["data", "migration"]]


def rewrite_failing(shop: Shop) -> None:
    rewrite(
        shop,
        upper(), numbered("002_bad", FAILS, when="after"), numbered("003_not", when="after"),
        numbered("004_cut"), numbered("005_last", when="after"),
    )  # fmt: skip


@pytest.mark.parametrize("command", ["status", "data status", "data unskip 001_upper", "status --json"])
def test_data_and_status_show_it_themselves(shop: Shop, command: str) -> None:
    assert "Note: data migration" not in shop.run(command).stderr
    assert any("002_bad failed: `hotmig runs show" in told for told in shop.json("status")["attention"])


@pytest.mark.parametrize("way", ["success", "skip", "skip and unskip", "success without a ledger"])
def test_it_is_told_until_it_succeeds_or_is_skipped(shop: Shop, way: str) -> None:
    if way.startswith("success"):
        rewrite(
            shop, upper(), *(numbered(name, when="after") for name in ("002_bad", "003_not")),
            numbered("004_cut"), numbered("005_last", when="after"),
        )  # fmt: skip
        shop.run("data run", *(["--no-ledger"] if "without" in way else []))
    else:
        shop.run("data skip 002_bad --reason x")
    if way == "skip and unskip":
        shop.run("data unskip 002_bad")
        assert states(shop)["002_bad"] == "pending"
    assert shop.run("plan").stderr == ""
    assert shop.json("status")["attention"] == []


def test_one_that_the_module_no_longer_has_is_not_told(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_bad", FAILS))
    shop.run("migrate")
    shop.run("drain --cutover", code=1)
    shop.run("reset")
    assert "001_bad failed" in shop.run("plan").stderr
    rewrite(shop)
    assert shop.run("plan").stderr == ""


# --- nothing of the users' data in the ledger


def test_the_ledger_holds_where_it_failed_and_nothing_of_the_data(tmp_path: Path) -> None:
    needle = "zqx-81357"
    body = """
        (name,) = db.execute("SELECT name FROM item WHERE id = 1").fetchone()
        try:
            int(name)
        except ValueError as error:
            raise KeyError(f"what about {name}") from error
    """
    shop = open_data_shop(tmp_path / "shop", numbered("001_bad", body))
    shop.write(f"UPDATE item SET name = '{needle}' WHERE id = 1")
    shop.run("migrate")
    assert needle in shop.run("drain --cutover", code=1).stderr
    for file in shop.own.iterdir():
        assert needle.encode() not in file.read_bytes()
    (step,) = (step for step in shop.runs()[0]["steps"] if step["action"] == "data migration")
    where = rf'File "{re.escape(str(shop.directory))}/schema\.py", line \d+, in _'
    assert re.fullmatch(
        rf"data migration 001_bad failed: KeyError\n{where}\nValueError\nthen:\n{where}\nKeyError", step["error"]
    )
    shown = shop.run("runs show", shop.runs()[0]["run_id"]).stdout
    assert "\n        ValueError\n        then:\n" in shown
    assert needle not in shop.run("status").stdout + shop.run("data status").stdout + shop.run("plan").stderr


# --- what status says is next


def next_of(shop: Shop) -> str:
    """The last line of `hotmig status`, without the directory."""
    (line,) = (line for line in shop.run("status").stdout.splitlines() if line.startswith("Next: "))
    return line.replace(f" --dir {shop.directory}", "")


def row_of(shop: Shop) -> str:
    rows = (line.strip() for line in shop.run("status").stdout.splitlines())
    return next((row.removeprefix("data migrations").strip() for row in rows if row.startswith("data migrations")), "")


def test_behind_a_cutover_the_next_is_to_run_what_was_left(shop: Shop) -> None:
    later = "(once the new database is in service)"
    assert row_of(shop) == (
        f"failed: 002_bad {later}; pending: 004_cut (in cutover, while writes are paused), 005_last {later}"
    )
    facts = shop.json("status")
    assert facts["data_failed"] == [{"name": "002_bad", "when": "after"}]
    assert [each["name"] for each in facts["data_migrations"]] == ["004_cut", "005_last"]
    assert facts["next"] == "hotmig data run"
    assert next_of(shop) == "Next: hotmig data run  # once data migration 002_bad is mended or skipped"
    shop.run("data skip 002_bad --reason x")
    assert next_of(shop) == "Next: hotmig data run"
    shop.run("data run")
    assert (next_of(shop), shop.json("status")["data_failed"]) == ("Next: hotmig cleanup-old", [])


def test_where_the_module_asks_for_another_database_running_them_would_be_refused(shop: Shop) -> None:
    text = (shop.directory / "schema.py").read_text()
    (shop.directory / "schema.py").write_text(text.replace("name: str | None = None", "name: str = 'x'"))
    assert next_of(shop) == "Next: hotmig cleanup-old"


@pytest.mark.parametrize(("way", "following"), [("cutover", "cutover"), ("drain --cutover", "drain")])
def test_behind_a_failure_in_cutover_the_next_is_to_mend_or_skip_it(tmp_path: Path, way: str, following: str) -> None:
    shop = open_data_shop(tmp_path / "shop", upper(), numbered("002_bad", FAILS), numbered("003_more"))
    shop.run("migrate")
    assert next_of(shop) == "Next: hotmig drain"
    if way == "cutover":
        shop.run("drain")
    told = shop.run(way, code=1).stderr
    mend = "# once data migration 002_bad is mended or skipped"
    assert re.search(rf"^Next: hotmig {following} .*  {mend}$", told, re.MULTILINE)  # the recovery snapshot
    assert next_of(shop) == f"Next: hotmig {following}  {mend}"
    assert row_of(shop).startswith("failed: 002_bad (in cutover, while writes are paused); pending: 001_upper (")
    shop.run("data skip 002_bad --reason x")
    assert next_of(shop) == f"Next: hotmig {following}"


def test_a_module_that_is_older_than_the_database_has_no_next_command(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", upper(), numbered("002_newer"))
    cut_over(shop)
    rewrite(shop, upper())
    assert (next_of(shop), shop.json("status")["next"]) == ("Next: nothing to run", None)
