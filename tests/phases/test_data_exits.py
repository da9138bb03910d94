"""Data migrations that end in another way than by a return or an exception: in two processes, or with the process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.phases.data_shops import marks, numbered, open_data_shop, rewrite, states
from tests.phases.processes import patched
from tests.phases.shops import Shop, failure_in

WORK = "db.execute('UPDATE item SET name = upper(name)')"


def names(shop: Shop) -> list[tuple[str]]:
    return shop.ask("SELECT name FROM item WHERE id < 3 ORDER BY id", shop.new)


# --- a fork


def forking(child: str, status: str, when: str = "cutover") -> str:
    body = f"""
        import os
        child = os.fork()
        if child == 0:
            {child}
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == {status}, status
        {WORK}
    """
    return numbered("001_forks", body, when=when)


CHILDREN = {
    "returns": ("return", "0"),
    "raises": ("raise ValueError('in the child')", "1"),
    "exits": ("sys.exit(7)", "1"),
    "uses the connection": ("db.execute('DELETE FROM item')", "1"),
}


@pytest.mark.parametrize("when", ["cutover", "after"])
@pytest.mark.parametrize("child", CHILDREN)
def test_the_child_of_a_fork_ends_where_the_function_ends(tmp_path: Path, child: str, when: str) -> None:
    """Both would go on with one set of connections, and commit, each what it knows."""
    shop = open_data_shop(tmp_path / "shop", forking(*CHILDREN[child], when))
    shop.run("migrate")
    process = patched(shop, "", "drain", "--cutover", "--max-pause", "20")
    out, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert (out.count("ran data migration 001_forks"), told.count("\n")) == (1, 1)
    assert names(shop) == [("ITEM 1",), ("ITEM 2",)]
    assert marks(shop) == [("001_forks", True, False, None)]
    assert (shop.phase(), states(shop)) == ("retired", {"001_forks": "applied"})
    assert shop.ask("PRAGMA integrity_check", shop.new) == [("ok",)]


# --- sys.exit(), and what is no Exception


ODD = {
    "exit 3": ("sys.exit(3)", "called sys.exit(3)", "", "SystemExit"),
    "exit 0": ("sys.exit(0)", "called sys.exit(0)", "", "SystemExit"),
    "exit 256, which a shell takes for 0": ("sys.exit(256)", "called sys.exit(256)", "", "SystemExit"),
    "exit": ("sys.exit()", "called sys.exit()", "", "SystemExit"),
    "exit with a text": ("sys.exit('row 7 is odd')", "called sys.exit()", ": row 7 is odd", "SystemExit"),
    "a BaseException of its own": (
        "raise type('Odd', (BaseException,), {})('row 7')", "failed: Odd", ": row 7", "Odd"
    ),
    "an exception without a text": (
        "raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})", "failed: Mute", "", "Mute"
    ),
    "setlimit()": (
        "db.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 10)",
        "failed: setlimit() in a data migration: it would outlast the transaction", "", "NotAllowedError",
    ),
    "setconfig()": (
        "db.setconfig(1002, False)",
        "failed: setconfig() in a data migration: it would outlast the transaction", "", "NotAllowedError",
    ),
}  # fmt: skip
CODES = {"exit 3": 3}
ODDITIES = pytest.mark.parametrize("odd", ODD)


def odd_one(odd: str, when: str = "cutover") -> str:
    return numbered("001_odd", f"{WORK}\n{ODD[odd][0]}", when=when)


@ODDITIES
@pytest.mark.parametrize("way", ["cutover", "drain --cutover", "migrate --offline"])
def test_it_is_told_and_kept_as_a_failure_with_its_exit_code(tmp_path: Path, odd: str, way: str) -> None:
    _, message, data, kind = ODD[odd]
    shop = open_data_shop(tmp_path / "shop", odd_one(odd))
    if way != "migrate --offline":
        shop.run("migrate")
    if way == "cutover":
        shop.run("drain")
    done = shop.run(way, "--json", code=CODES.get(odd, 1))
    told = failure_in(done.stderr)
    assert told.error == f"Error: data migration 001_odd {message}{data}"
    assert "`hotmig data skip 001_odd --reason" in told.hint
    facts = json.loads(done.stdout)
    assert (facts["error"], facts["exit_code"]) == (told.error.removeprefix("Error: "), CODES.get(odd, 1))
    assert (names(shop), marks(shop)) == ([("item 1",), ("item 2",)], [])
    assert (states(shop), shop.phase() in ("recording", "drained")) == ({"001_odd": "failed"}, True)
    (step,) = (step for step in shop.runs()[0]["steps"] if step["action"] == "data migration")
    first, *where, last = step["error"].splitlines()
    assert (step["status"], first, last) == ("failed", f"data migration 001_odd {message}", kind)
    assert f'File "{shop.directory}/schema.py", line ' in where[0]
    assert shop.run("plan").stderr.count("data migration 001_odd failed at ") == 1
    rewrite(shop, numbered("001_odd", WORK))
    shop.run("drain --cutover" if way != "cutover" else way)
    assert names(shop) == [("ITEM 1",), ("ITEM 2",)]


@ODDITIES
@pytest.mark.parametrize("way", ["drain --cutover", "migrate --offline"])
def test_behind_a_cutover_the_cutover_is_done(tmp_path: Path, odd: str, way: str) -> None:
    _, message, data, _ = ODD[odd]
    shop = open_data_shop(tmp_path / "shop", odd_one(odd, "after"))
    if way != "migrate --offline":
        shop.run("migrate")
    done = shop.run(way)
    warning = f"Warning: the cutover is done, but data migration 001_odd {message}{data}; `hotmig data run` tries"
    assert warning in done.stderr
    assert "Cut over: the new database is ready." in done.stdout
    assert (shop.phase(), states(shop)) == ("retired", {"001_odd": "failed"})
    told = failure_in(shop.run("data run", code=CODES.get(odd, 1)).stderr)
    assert told.error == f"Error: data migration 001_odd {message}{data}"
    assert names(shop) == [("item 1",), ("item 2",)]
    rewrite(shop, numbered("001_odd", WORK, when="after"))
    shop.run("data run")
    assert (names(shop), states(shop)) == ([("ITEM 1",), ("ITEM 2",)], {"001_odd": "applied"})


def test_a_shell_sees_the_exit_code(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", odd_one("exit 3"), numbered("002_next"))
    shop.run("migrate")
    process = patched(shop, "", "drain", "--cutover")
    out, told = process.communicate(timeout=60)
    assert (process.returncode, out, told.count("Error: data migration 001_odd called sys.exit(3)\n")) == (3, "", 1)
