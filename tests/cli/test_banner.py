"""The one line about a run that failed or was left half done: on stderr, until a later run settles it."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from hotmig.cli.app import cli
from hotmig.ledger.store import LEDGER_FILE
from tests.phases.processes import patched
from tests.phases.shops import BANNER, Shop, open_shop
from tests.scenarios.test_hostile_states import KILLED_BEFORE_THE_FILE

NOBODY = 65534
LOOKING = (
    "plan",
    "plan --json",
    "path",
    "path --json",
    "reset --dry-run",
    "reset --print-sql",
    "cleanup-old --dry-run",
    "runs list",
    "runs list --json",
    "runs show 2",
    "runs prune --older-than 1",
)
CHANGING = ("migrate", "drain", "cutover", "cleanup-old", "reset", "init")


@pytest.fixture
def failed(tmp_path: Path) -> Shop:
    """A cutover with nothing to cut over to."""
    shop = open_shop(tmp_path / "shop")
    shop.run("cutover", code=3)
    return shop


def banner_of(shop: Shop) -> str:
    last = shop.runs()[0]
    what = {"failed": "failed", "partially_committed": "was left half done (partially_committed)"}[last["state"]]
    return f"Note: an earlier run, `hotmig {last['command']}`, {what}; `hotmig runs show {last['run_id']}` tells more\n"


def any_code(shop: Shop, line: str) -> tuple[str, str]:
    """Stdout and stderr of a command, however it ends."""
    done = CliRunner().invoke(cli, [*line.split(), "--dir", str(shop.directory)])
    return done.stdout, done.stderr


@pytest.mark.parametrize("line", [*LOOKING, *CHANGING])
def test_every_other_command_begins_with_it_on_stderr(failed: Shop, line: str) -> None:
    expected = banner_of(failed)
    output, told = any_code(failed, line)
    assert told.startswith(expected)
    assert told.count("Note: an earlier run") == 1
    assert "last run" not in output


def test_inspect_begins_with_it_too(failed: Shop) -> None:
    expected = banner_of(failed)
    assert failed.run("inspect", str(failed.old)).stderr == expected


@pytest.mark.parametrize("line", [*LOOKING, *CHANGING])
def test_with_quiet_it_is_not_told(failed: Shop, line: str) -> None:
    output, told = any_code(failed, f"{line} --quiet")
    assert "last run" not in told
    assert "last run" not in output


def test_status_tells_it_itself(failed: Shop) -> None:
    last = failed.runs()[0]
    status = failed.run("status")
    assert (status.stderr, f"{last['run_id']}, failed: {last['error']}" in status.stdout) == ("", True)
    assert failed.run("status --json").stderr == ""


def test_a_command_that_does_nothing_does_not_settle_what_was_left_half_done(tmp_path: Path) -> None:
    """Between the two commits of a cutover neither database accepts writes."""
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    dies = (
        "import hotmig.phases.handover as h\npersist = h.persist\n"
        "h.persist = lambda db, sql, *rest: (persist(db, sql, *rest), sql == 'COMMIT' and os._exit(9))"
    )
    assert patched(shop, dies, "drain", "--cutover").wait() == 9
    expected = banner_of(shop)
    for command in ("migrate", "drain"):
        assert "skipped" in shop.run(command).stdout
        assert shop.run("plan", code=3).stderr.startswith(expected)
    shop.run("cutover")
    assert shop.run("path").stderr == ""


def test_a_run_that_died_is_told_as_left_half_done(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    assert patched(shop, KILLED_BEFORE_THE_FILE, "migrate").wait() == 9
    expected = banner_of(shop)
    assert "was left half done" in expected
    assert shop.run("plan").stderr == expected


def test_the_command_that_it_names_can_be_typed(failed: Shop) -> None:
    told = failed.run("plan").stderr
    line = told.split("`")[3]
    assert line.startswith("hotmig runs show ")
    assert failed.run(line.removeprefix("hotmig ")).stdout.startswith(line.split()[-1])


def test_a_later_run_settles_it(failed: Shop) -> None:
    assert failed.run("plan").stderr != ""
    failed.run("migrate")
    assert failed.run("plan").stderr == ""
    assert failed.run("drain").stderr.startswith("Run ")


def test_one_more_failure_is_told_instead(failed: Shop) -> None:
    first = failed.runs()[0]["run_id"]
    failed.run("drain", code=3)
    told = failed.run("plan").stderr
    assert "`hotmig drain`, failed" in told
    assert first not in told


def test_where_nothing_failed_there_is_none(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    assert shop.run("plan").stderr == ""
    shop.run("migrate")
    assert shop.run("plan").stderr == ""


def test_the_pattern_of_the_other_tests_is_the_line(failed: Shop) -> None:
    assert re.fullmatch(BANNER, failed.run("plan").stderr)


def test_a_ledger_that_cannot_be_used_keeps_nothing_from_being_looked_at(failed: Shop) -> None:
    (failed.own / LEDGER_FILE).write_bytes(b"no database " * 500)
    for line in ("plan", "reset --dry-run"):
        assert failed.run(line).stderr == ""


# --- another user


@contextmanager
def directory_for_all() -> Iterator[Path]:
    """One that another user may enter: pytest's own may not be."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def kept_out(shop: Shop) -> Iterator[None]:
    """This process as a user who may not look into the folder of lock and ledger."""
    shop.own.chmod(0)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(NOBODY)
        yield
    finally:
        if root:
            os.seteuid(0)
        shop.own.chmod(0o700)


def test_a_user_who_may_not_read_the_ledger_can_look_at_the_databases() -> None:
    with directory_for_all() as directory:
        shop = open_shop(directory / "shop", wal=False)
        shop.directory.chmod(0o755)
        shop.run("cutover", code=3)
        for line in ("status", "status --json", "plan"):
            shop.run(line)  # everything is imported by now
        with kept_out(shop):
            told = shop.run("status").stdout
            facts = shop.json("status")
            shop.run("reset --dry-run")
            assert shop.run("runs list", code=1).stderr.startswith("Error: the ledger ")
        assert "  last run             not known: the ledger " in told
        assert (facts["phase"], facts["last_run"]) == ("none", None)
        assert "Permission denied" in facts["runs_problem"]
