"""What every command that changes something does first: may it, is it alone, and can it be written down."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.ledger.store import LEDGER_FILE
from hotmig.phases.running import running
from tests.forked import Forked
from tests.phases.mutating import COMMANDS, RECORDED, Mutating
from tests.phases.shops import Shop, open_shop
from tests.scenarios.harness import environment

every_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each.line)
every_recorded = pytest.mark.parametrize("command", RECORDED, ids=lambda each: each.line)


# --- read-only


def marked_by_file(shop: Shop, _: pytest.MonkeyPatch) -> str:
    shop.own.mkdir(exist_ok=True)
    (shop.own / "read-only").touch()
    return str(shop.own / "read-only")


def marked_by_a_link_to_nothing(shop: Shop, _: pytest.MonkeyPatch) -> str:
    shop.own.mkdir(exist_ok=True)
    (shop.own / "read-only").symlink_to("nothing")
    return str(shop.own / "read-only")


def marked_by_the_environment(_: Shop, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HOTMIG_READ_ONLY", "1")
    return "HOTMIG_READ_ONLY"


MARKS = (marked_by_file, marked_by_a_link_to_nothing, marked_by_the_environment)


@pytest.mark.parametrize("mark", MARKS)
@every_command
def test_in_a_directory_that_is_marked_read_only_nothing_is_changed(
    tmp_path: Path,
    command: Mutating,
    mark: Callable[[Shop, pytest.MonkeyPatch], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = command.opened(tmp_path / "shop")
    line = command.typed(shop)
    with monkeypatch.context() as patch:
        named = mark(shop, patch)
        before = shop.everything()
        for options in (["--no-ledger"] if command.keeps_record else []), []:
            done = shop.run(line, *options, code=3)
            assert done.stdout == ""
            error, hint = done.stderr.splitlines()
            assert named in error
            assert named in hint
        assert shop.everything() == before
    (shop.own / "read-only").unlink(missing_ok=True)
    shop.run(line)


@pytest.mark.parametrize("value", ["", "0"])
def test_a_variable_that_says_no_marks_nothing(tmp_path: Path, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTMIG_READ_ONLY", value)
    open_shop(tmp_path / "shop").run("migrate")


def test_what_only_looks_works_in_a_directory_that_is_marked_read_only(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    run_id = shop.runs()[0]["run_id"]
    (shop.own / "read-only").touch()
    before = shop.everything()
    looking = ("plan", "status", "reset --dry-run", "reset --print-sql", "runs list", "runs show", "runs rollback")
    for line in looking:
        options = [run_id] if line in ("runs show", "runs rollback") else []
        shop.run(line, *options, *(["--dry-run"] if line == "runs rollback" else []))
    shop.run("cleanup-old --dry-run", code=3)  # because a migration is under way
    assert shop.everything() == before


# --- what is wrong is told before anything is made

WITH_MODULE = ("migrate", "migrate --offline", "drain", "drain --cutover", "cutover")
ON_DATABASES = (*WITH_MODULE, "cleanup-old", "reset")


def check_nothing_is_left(shop: Shop, line: str, code: int) -> None:
    before = shop.everything()
    assert shop.run(line, code=code).stderr.startswith("Error: ")
    assert shop.everything() == before
    assert not shop.own.exists()


@pytest.mark.parametrize("line", WITH_MODULE)
def test_a_mistake_in_the_module_leaves_no_folder(tmp_path: Path, line: str) -> None:
    shop = open_shop(tmp_path / "shop")
    (shop.directory / "schema.py").write_text("class (\n")
    check_nothing_is_left(shop, line, 1)


@pytest.mark.parametrize("line", ON_DATABASES)
def test_a_wrong_option_leaves_no_folder(tmp_path: Path, line: str) -> None:
    check_nothing_is_left(open_shop(tmp_path / "shop"), f"{line} --no-such-option", 2)


@pytest.mark.parametrize("line", ON_DATABASES)
def test_two_databases_that_could_be_live_leave_no_folder(tmp_path: Path, line: str) -> None:
    shop = open_shop(tmp_path / "shop")
    (shop.directory / f"shop-{'3' * 16}.sqlite").write_bytes(shop.old.read_bytes())
    check_nothing_is_left(shop, line, 3)


@pytest.mark.parametrize("line", ON_DATABASES)
def test_a_directory_without_a_database_gets_no_folder(tmp_path: Path, line: str) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.old.unlink()
    check_nothing_is_left(shop, line, 1)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("init nothing.db", 1),
        ("init", 3),
        ("runs rollback nothing --yes", 2),
        ("runs rollback", 2),
        ("runs prune --older-than 0", 0),
        ("runs prune", 2),
    ],
)
def test_the_mistakes_of_the_other_commands_leave_no_folder_either(tmp_path: Path, line: str, code: int) -> None:
    shop = open_shop(tmp_path / "shop")
    before = shop.everything()
    shop.run(line, code=code)
    assert shop.everything() == before
    assert not shop.own.exists()


# --- the run id


def test_a_run_id_that_is_taken_is_refused_and_the_first_run_stands(tmp_path: Path) -> None:
    with running(tmp_path, "migrate", ["--wal"], run_id="r1"):
        pass
    ran = []
    with pytest.raises(Refused, match="r1 already") as refused, running(tmp_path, "drain", run_id="r1"):
        ran.append("the work")
    assert (ran, refused.value.exit_code) == ([], 3)
    (only,) = Shop(tmp_path).runs()
    assert [only[name] for name in ("run_id", "command", "arguments", "state")] == [
        "r1",
        "migrate",
        "--wal",
        "completed",
    ]


@every_recorded
def test_every_command_is_a_run_with_what_was_typed(tmp_path: Path, command: Mutating) -> None:
    shop = command.opened(tmp_path / "shop")
    before = len(shop.runs())
    name, *options = command.line.split()
    shop.run(command.line)
    runs = shop.runs()
    assert len(runs) == before + 1
    assert (runs[0]["command"], runs[0]["state"]) == (name, "completed")
    assert runs[0]["arguments"] == " ".join([*options, "--dir", str(shop.directory)])
    assert runs[0]["finished_utc"] >= runs[0]["started_utc"]
    assert runs[0]["run_id"].split("-", 1)[1].startswith(name)


def test_every_run_id_is_one_word_for_a_shell(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    shop.run("runs rollback", shop.runs()[0]["run_id"], "--yes")
    own = shop.runs()[0]
    assert own["command"] == "runs rollback"
    assert own["run_id"].split() == [own["run_id"]]
    # As one would paste it.
    assert shop.run(f"runs show {own['run_id']}").stdout.startswith(f"{own['run_id']}: completed\n")


# --- whose the files are

KILLED = """
import os, sys
os.umask({umask})
import hotmig.phases.migrate as m
m._make_file = lambda *rest: os._exit(9)
sys.argv[0] = "hotmig"
from hotmig.__main__ import main
main()
"""


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], ids=oct)
def test_lock_and_ledger_are_for_the_owner_of_the_directory_alone(tmp_path: Path, umask: int) -> None:
    shop = open_shop(tmp_path / "shop")
    owner, group = (4321, 5432) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    for path in (shop.directory, *shop.directory.iterdir()):
        os.chown(path, owner, group)
    # Killed: the side files of the ledger, which a run that ends takes away, are seen too.
    command = [sys.executable, "-c", KILLED.format(umask=umask), "migrate", "-d", str(shop.directory)]
    assert Forked(command, env=environment(), stderr=subprocess.DEVNULL).wait() == 9
    found = {path.name: path.stat() for path in shop.own.iterdir()}
    assert {name: oct(stat.st_mode & 0o7777) for name, stat in found.items()} == {
        "lock": "0o600",
        "ledger.sqlite": "0o600",
        "ledger.sqlite-wal": "0o600",
        "ledger.sqlite-shm": "0o600",
    }
    assert oct(shop.own.stat().st_mode & 0o7777) == "0o700"
    owners = {(stat.st_uid, stat.st_gid) for stat in (*found.values(), shop.own.stat())}
    assert owners == {(owner, group)}


@pytest.mark.parametrize("name", ["lock", LEDGER_FILE])
def test_a_link_in_the_place_of_lock_or_ledger_is_not_followed(tmp_path: Path, name: str) -> None:
    # Who owns the directory must not have root give him, or empty, any file of the machine.
    shop = open_shop(tmp_path / "shop")
    other = tmp_path / "other"
    other.write_text("")
    shop.own.mkdir()
    (shop.own / name).symlink_to(other)
    before = other.stat(), shop.everything()
    done = shop.run("migrate", code=1)
    assert str(shop.own / name) in done.stderr
    assert (other.read_text(), other.stat().st_uid, other.stat().st_mtime_ns) == (
        "",
        before[0].st_uid,
        before[0].st_mtime_ns,
    )
    assert shop.phase() == "none"


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.own.write_text("not a folder")
    before = shop.everything()
    done = shop.run("migrate", code=1)
    error, hint = done.stderr.splitlines()
    assert str(shop.own) in error
    assert "is no directory" in error
    assert hint.startswith("Hint: nothing was changed; ")
    assert shop.everything() == before
    shop.run("status")
    shop.run("plan")


# --- a ledger that can't be used


def not_a_database(ledger: Path) -> None:
    ledger.write_bytes(b"neither a database nor anything else " * 100)


def damaged(ledger: Path) -> None:
    """Its first page is whole: what says that the others are not comes late."""
    whole = ledger.read_bytes() if ledger.exists() else a_ledger(ledger)
    ledger.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))


def cut_off(ledger: Path) -> None:
    whole = ledger.read_bytes() if ledger.exists() else a_ledger(ledger)
    ledger.write_bytes(whole[:5000])


def a_directory(ledger: Path) -> None:
    ledger.unlink(missing_ok=True)
    ledger.mkdir()


def of_another_version(ledger: Path) -> None:
    if not ledger.exists():
        ledger.write_bytes(a_ledger(ledger))
    db = sqlite3.connect(ledger)
    with db:
        db.execute("UPDATE schema_version SET version = 99")
    db.close()


def another_database(ledger: Path) -> None:
    ledger.unlink(missing_ok=True)
    db = sqlite3.connect(ledger)
    with db:
        db.execute("CREATE TABLE wages(name TEXT)")
    db.close()


def a_ledger(beside: Path) -> bytes:
    directory = beside.parent.parent / "elsewhere"
    directory.mkdir()
    with running(directory, "migrate"):
        pass
    return (directory / ".hotmig" / LEDGER_FILE).read_bytes()


DAMAGES = (not_a_database, damaged, cut_off, a_directory, of_another_version, another_database)


def content(ledger: Path) -> bytes | None:
    return ledger.read_bytes() if ledger.is_file() else None


@pytest.mark.parametrize("damage", DAMAGES)
@every_recorded
def test_a_ledger_that_cannot_be_used_stops_a_command_before_its_first_effect(
    tmp_path: Path, command: Mutating, damage: Callable[[Path], None]
) -> None:
    shop = command.opened(tmp_path / "shop")
    ledger = shop.own / LEDGER_FILE
    shop.own.mkdir(exist_ok=True)
    damage(ledger)
    found, before = content(ledger), shop.listing()
    done = shop.run(command.line, code=1)
    assert done.stdout == ""
    error, hint = done.stderr.splitlines()
    assert error.startswith(f"Error: the ledger {ledger} ")
    assert "--no-ledger" in hint
    assert shop.listing() == before
    assert content(ledger) == found
    for looking in ("status", "plan"):
        shop.run(looking, code=0 if command.line != "init" or looking == "status" else 1)
    assert shop.listing() == before
    shop.run(command.line, "--no-ledger")
    assert content(ledger) == found


@every_recorded
def test_a_ledger_that_somebody_locks_stops_a_command_before_its_first_effect(
    tmp_path: Path, command: Mutating
) -> None:
    shop = command.opened(tmp_path / "shop")
    with running(shop.directory, "x"):
        pass
    other = sqlite3.connect(shop.own / LEDGER_FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    before = shop.listing()
    done = shop.run(command.line, "--busy-timeout", "0.1", code=4)
    assert done.stdout == ""
    error, hint = done.stderr.splitlines()
    assert error.startswith("Error: gave up after 0.1 s waiting for the ledger: ")
    assert "--no-ledger" in hint
    assert shop.listing() == before
    shop.run(command.line, "--no-ledger", "--busy-timeout", "0.1")
    other.execute("ROLLBACK")
    other.close()


def test_a_ledger_that_is_missing_or_empty_is_made(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    (shop.own / LEDGER_FILE).unlink()
    shop.run("drain")
    assert [run["command"] for run in shop.runs()] == ["drain"]
    (shop.own / LEDGER_FILE).write_bytes(b"")
    shop.run("cutover")
    assert [run["command"] for run in shop.runs()] == ["cutover"]


@every_recorded
def test_without_a_ledger_nothing_is_written_down_and_the_lock_is_held(tmp_path: Path, command: Mutating) -> None:
    shop = command.opened(tmp_path / "shop")
    before = shop.runs()
    done = shop.run(command.line, "--no-ledger")
    assert not done.stderr.startswith("Run ")
    assert shop.runs() == before
    assert (shop.own / "lock").read_bytes() == b""
