"""Whatever goes wrong: one line, a hint, an exit code."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from hotmig.cli.failures import explain
from hotmig.errors import Blocked, FenceLeftUp, GaveUp, HotmigError, Refused, SchemaError, UsageError
from tests.phases.shops import MODULE, Shop, open_shop


def shop_of(tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "shop")


@pytest.mark.parametrize(
    ("command", "code", "error"),
    [
        ("cutover", 3, "has no _migration_marker: no migration is recording there"),
        ("drain --hold soon", 2, "soon is no number of seconds"),
        ("status --no-such-option", 2, "No such option"),
        ("runs show nothing", 2, "there is no run with the id nothing"),
        ("path", 1, "there is no "),
    ],
)
def test_with_json_an_error_is_an_object_too(tmp_path: Path, command: str, code: int, error: str) -> None:
    """Wherever --json stands among the options."""
    shop = shop_of(tmp_path)
    for words in (f"{command} --json", f"{command.split()[0]} --json {command.partition(' ')[2]}"):
        if command.startswith("runs"):
            words = f"{command} --json"
        done = shop.run(words, code=code)
        facts = json.loads(done.stdout)
        assert list(facts) == ["format", "error", "hint", "exit_code", "run_id"]
        assert (facts["format"], facts["exit_code"]) == (1, code)
        assert error in facts["error"]
        assert f"Error: {facts['error']}\nHint: {facts['hint']}\n" in done.stderr
        ran = [run["run_id"] for run in shop.runs()]
        assert facts["run_id"] == (ran[0] if command == "cutover" else None)


def test_without_json_nothing_is_printed_of_it(tmp_path: Path) -> None:
    assert shop_of(tmp_path).run("cutover", code=3).stdout == ""


def test_a_command_that_printed_its_object_prints_no_other(tmp_path: Path) -> None:
    shop = shop_of(tmp_path)
    shop.run("migrate")
    other = sqlite3.connect(shop.old, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    rollback = ("runs rollback", shop.runs()[0]["run_id"], "--yes", "--json", "--busy-timeout", "0.1")
    done = shop.run(*rollback, code=1)
    other.close()
    facts = json.loads(done.stdout)
    assert "rollback_failed" in [step["status"] for step in facts["steps"]]
    assert "could not be undone" in done.stderr


def test_a_blocked_plan_is_no_error(tmp_path: Path) -> None:
    shop = open_shop(
        tmp_path / "shop", module=MODULE.replace('    title: Annotated[str | None, Was("name")] = None\n', "")
    )
    assert json.loads(shop.run("plan", "--json", code=1).stdout)["runnable"] is False
    facts = json.loads(shop.run("migrate", "--json", code=1).stdout)
    assert facts["error"].startswith("migrate is blocked: ")


def locked_error(file: Path) -> sqlite3.Error:
    holder, other = (sqlite3.connect(file, isolation_level=None, timeout=0) for _ in range(2))
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError) as error:
        other.execute("BEGIN IMMEDIATE")
    holder.close()
    other.close()
    return error.value


@pytest.mark.parametrize(
    ("kind", "code"), [(HotmigError, 1), (SchemaError, 1), (Blocked, 1), (UsageError, 2), (Refused, 3), (GaveUp, 4)]
)
def test_our_own_errors(kind: type[HotmigError], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(kind("it failed", "run `hotmig status`"), {}) == code
    assert capsys.readouterr() == ("", "Error: it failed\nHint: run `hotmig status`\n")


def test_a_message_of_several_lines_is_told_in_one(capsys: pytest.CaptureFixture[str]) -> None:
    explain(HotmigError("near line 1\nnear line 2"), {})
    assert capsys.readouterr().err == "Error: near line 1 near line 2\n"


def test_a_lock_is_a_reason_to_try_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(locked_error(tmp_path / "a.db"), {}) == 4
    assert capsys.readouterr().err.startswith("Error: SQLite says: database is locked\nHint: ")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (sqlite3.DatabaseError("malformed"), "Error: SQLite says: malformed\n"),
        (PermissionError(13, "Permission denied", "/srv/a.sqlite"), "Error: Permission denied: /srv/a.sqlite\n"),
        (ValueError("odd"), "Error: unexpected ValueError: odd\n"),
    ],
)
def test_errors_of_others_are_one_line_too(error: Exception, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(error, {}) == 1
    told = capsys.readouterr().err
    assert told.startswith(said)
    assert told.count("\n") == 2
    assert "--debug" in told


def full_disk_error(file: Path) -> sqlite3.Error:
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("CREATE TABLE t(x)")
    db.execute("PRAGMA max_page_count = 2")
    with pytest.raises(sqlite3.OperationalError) as error:
        db.execute("INSERT INTO t VALUES (zeroblob(100000))")
    db.close()
    return error.value


def test_a_full_disk_is_a_reason_to_make_room(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for error, said in (
        (full_disk_error(tmp_path / "a.db"), "Error: SQLite says: database or disk is full\n"),
        (OSError(28, "No space left on device"), "Error: No space left on device\n"),
    ):
        assert explain(error, {}) == 1
        assert capsys.readouterr().err.startswith(
            f"{said}Hint: make room on that disk, then run the same command again"
        )


def test_debug_shows_the_traceback_first(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("odd")
    except ValueError as error:
        explain(error, {"debug": True})
    told = capsys.readouterr().err
    assert told.startswith("Traceback")
    assert "Error: unexpected ValueError: odd" in told


def test_control_c_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(KeyboardInterrupt(), {}) == 130
    assert capsys.readouterr().err.startswith("Error: interrupted\n")


def test_a_fence_that_was_left_up_is_told_behind_what_went_wrong_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(FenceLeftUp(Refused("a row does not fit", "mend it"), "gave up waiting"), {}) == 3
    told = capsys.readouterr().err
    assert told.startswith("Error: a row does not fit; and then gave up waiting\nHint: ")
    assert "may still be refused; `hotmig status` says" in told
