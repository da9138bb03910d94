"""Commands that only look: they create nothing, change nothing, and no writer waits for them."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hotmig.phases.survey
import hotmig.sqlite
from tests import forked
from tests.phases.files import NEW, OLD, application_database, new_database, old_database
from tests.phases.processes import patched
from tests.phases.shops import ITEMS, MODULE, ROWS, Shop, open_shop
from tests.scenarios.harness import PATIENCE
from tests.scenarios.test_hostile_states import KILLED_BEFORE_THE_COPY

ROOT = Path(__file__).parents[2]
LOOKING = {
    "plan": (0,),
    "plan --json": (0,),
    "status": (0,),
    "status --json --check": (0, 1),
    "path": (0, 1, 3, 4),
    "path --wait 0": (0, 1, 3, 4),
    "reset --dry-run": (0, 3),
    "reset --print-sql": (0, 3),
    "cleanup-old --dry-run": (0, 3),
    "cleanup-old --print-sql": (0, 3),
    "runs list": (0,),
    "runs list --json": (0,),
    "runs show 20": (0, 2),
    "runs rollback 20 --dry-run": (0, 2, 3),
    "data status": (0,),
    "data status --json": (0,),
    "data unskip 001_no": (1,),
}
HELPER = "from typing import Annotated\n\nfrom hotmig.schema import Key\n\nId = Annotated[int, Key]\n"
WITH_HELPER = MODULE.replace("class Item:\n    id: Annotated[int, Key]", "class Item:\n    id: Id").replace(
    "\ndatabase", "\nfrom helper import Id\n\ndatabase"
)


def look(directory: Path, *command: str, codes: tuple[int, ...] = (0,)) -> str:
    """Runs it as a user does, who may have Python write its byte code; returns stdout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPYCACHEPREFIX"}
    environment["PYTHONPATH"] = str(ROOT)
    done = forked.run([sys.executable, "-m", "hotmig", *command], cwd=directory, env=environment, timeout=PATIENCE)
    assert done.returncode in codes, done.stdout + done.stderr
    return done.stdout


def everything(directory: Path) -> dict[str, tuple[int, ...] | tuple[int, int, bytes]]:
    """Every file and directory, hidden ones too, with mode, time of the last change, and content.

    Of a -shm that is there only the mode: in it every reader says up to where it reads.
    """
    found: dict[str, tuple[int, ...] | tuple[int, int, bytes]] = {}
    for path in (directory, *directory.rglob("*")):
        stat, name = path.stat(), str(path.relative_to(directory))
        if path.is_dir():
            found[name] = (stat.st_mode, stat.st_mtime_ns)
        elif path.name.endswith("-shm"):
            found[name] = (stat.st_mode,)
        else:
            found[name] = (stat.st_mode, stat.st_mtime_ns, path.read_bytes())
    return found


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A closed WAL database, and a schema module that imports another one beside it."""
    shop = open_shop(tmp_path / "shop", module=WITH_HELPER)
    (shop.directory / "helper.py").write_text(HELPER)
    return shop


@pytest.mark.parametrize("command", LOOKING)
def test_before_a_migration_they_create_nothing(shop: Shop, command: str) -> None:
    before = everything(shop.directory)
    look(shop.directory, *command.split(), codes=LOOKING[command])
    assert everything(shop.directory) == before


@pytest.mark.parametrize("command", LOOKING)
def test_in_a_migration_and_after_it_they_create_nothing(shop: Shop, command: str) -> None:
    for step in ("migrate", "drain", "cutover", "cleanup-old"):
        shop.run(step)
        before = everything(shop.directory)
        look(shop.directory, *command.split(), codes=LOOKING[command])
        assert everything(shop.directory) == before, f"after {step}"


@pytest.mark.parametrize("command", LOOKING)
def test_behind_a_command_that_was_killed_they_create_nothing(shop: Shop, command: str) -> None:
    assert patched(shop, KILLED_BEFORE_THE_COPY, "migrate").wait() == 9
    before = everything(shop.directory)
    assert ".hotmig/ledger.sqlite-wal" in before
    look(shop.directory, *command.split(), codes=LOOKING[command])
    assert everything(shop.directory) == before


@pytest.mark.parametrize("wal", [True, False], ids=["wal", "rollback journal"])
def test_inspect_creates_nothing_beside_a_closed_database(tmp_path: Path, wal: bool) -> None:
    database = application_database(tmp_path / "application.db", ITEMS, wal=wal)
    before = everything(tmp_path)
    assert "class Item" in look(tmp_path, "inspect", database.name)
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    ("command", "codes"),
    [("inspect nothing.db", (1, 2)), ("plan", (1,)), ("path --wait 0", (1, 4)), ("status", (0,)), ("reset", (0, 1))],
)
def test_where_nothing_is_they_create_no_empty_file(tmp_path: Path, command: str, codes: tuple[int, ...]) -> None:
    look(tmp_path, *command.split(), codes=codes)
    assert list(tmp_path.iterdir()) == []


# --- status and the writers


def watched(monkeypatch: pytest.MonkeyPatch, seen: Callable[[sqlite3.Connection], None]) -> None:
    """Calls ``seen`` while status still holds the lock under which it has just read a file."""
    read = hotmig.phases.survey._read

    def reading(db: sqlite3.Connection, path: Path, *rest: Any) -> Any:
        facts = read(db, path, *rest)
        assert db.in_transaction
        if path.name == OLD:
            seen(db)
        return facts

    monkeypatch.setattr(hotmig.phases.survey, "_read", reading)


def recorded(directory: Path, *, log: int = 0, wal: bool = True) -> Shop:
    directory.mkdir()
    old_database(directory / OLD, "recording", log=log, wal=wal)
    new_database(directory / NEW)
    return Shop(directory)


def test_in_wal_mode_a_writer_commits_in_the_middle_of_a_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = recorded(tmp_path / "shop")
    writer = sqlite3.connect(shop.old, isolation_level=None, timeout=0)
    accepted = []

    def write(_: sqlite3.Connection) -> None:
        accepted.append(writer.execute("INSERT INTO item(name) VALUES ('at once')").rowcount)

    watched(monkeypatch, write)
    assert shop.phase() == "recording"
    writer.close()
    assert accepted == [1]


def test_in_rollback_journal_mode_a_writer_begins_in_the_middle_of_a_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = recorded(tmp_path / "shop", wal=False)
    writer = sqlite3.connect(shop.old, isolation_level=None, timeout=0)

    def begin(_: sqlite3.Connection) -> None:
        # Only its COMMIT waits for readers there, and for no longer than the read takes: see below.
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO item(name) VALUES ('begun meanwhile')")

    watched(monkeypatch, begin)
    assert shop.phase() == "recording"
    writer.execute("COMMIT")
    writer.close()


def steps_of_status(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many steps SQLite's virtual machine takes for a status, over all connections."""
    taken, asked = [0], set[str]()
    connect = hotmig.sqlite.connect

    def counted() -> int:
        taken[0] += 1
        return 0

    def counting(path: Path, *arguments: Any, **options: Any) -> sqlite3.Connection:
        db = connect(path, *arguments, **options)
        db.set_progress_handler(counted, 1)
        if Path(path) == shop.old:
            db.set_trace_callback(asked.add)
        return db

    with monkeypatch.context() as patch:
        patch.setattr(hotmig.sqlite, "connect", counting)
        assert shop.phase() == "recording"
    # A count(*) is a single step, however many pages it reads.
    assert {each for each in asked if "Count" in opcodes(shop, each)} == set()
    return taken[0]


def opcodes(shop: Shop, statement: str) -> set[str]:
    if not statement.startswith("SELECT"):
        return set()
    return {row[1] for row in shop.ask(f"EXPLAIN {statement}")}


def test_what_status_reads_does_not_grow_with_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = recorded(tmp_path / "small", log=10), recorded(tmp_path / "large", log=20_000)
    large.write(ITEMS.partition(";")[2].replace(f"i < {ROWS}", "i < 20000"))
    few = steps_of_status(small, monkeypatch)
    assert few > 0
    assert steps_of_status(large, monkeypatch) == few


def test_status_waits_for_a_commit_and_the_commit_not_for_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = recorded(tmp_path / "shop", wal=False)
    writer, reader = (sqlite3.connect(shop.old, isolation_level=None, timeout=0) for _ in range(2))
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM item").fetchone()
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO item(name) VALUES ('x')")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        writer.execute("COMMIT")  # it waits for one reader, and lets no other in
    sleep, waits = time.sleep, []

    def commit_meanwhile(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            reader.execute("ROLLBACK")
            writer.execute("COMMIT")
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", commit_meanwhile)
    assert shop.phase() == "recording"
    reader.close()
    writer.close()
    assert len(waits) >= 3
    assert shop.ask("SELECT name FROM item") == [("x",)]
