"""A shop that the command line takes from phase to phase, in this very process, and what is in it at each."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from hotmig.cli.app import cli
from hotmig.project import OWN_FOLDER
from tests.phases.files import OLD
from tests.scenarios.harness import wait_until

MODULE = """from typing import Annotated

from hotmig.schema import Key, Was, auto, table

database = "shop"

@table
class Item:
    id: Annotated[int, Key] = auto()
    title: Annotated[str | None, Was("name")] = None
"""
ROWS = 50
ITEMS = f"""CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO item WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
    SELECT i, 'item ' || i FROM n;"""

Listing = dict[str, tuple[int, int, bytes]]
# What a command that changes something says first: how the last run ended if not well, and where it writes its own.
BANNER = r"Note: an earlier run, `hotmig [a-z -]+`, [^\n]+; `hotmig runs show \S+` tells more\n"
RUN_LINE = r"Run \S+, in /.*/\.hotmig/ledger\.sqlite\n"


@dataclass(frozen=True)
class Shop:
    """A directory with a schema module and the database of the previous release."""

    directory: Path

    @property
    def old(self) -> Path:
        return self.directory / OLD

    @property
    def new(self) -> Path:
        """The file that the migration made."""
        (path,) = (path for path in self.directory.glob("shop-*.sqlite") if path.name != OLD)
        return path

    def run(self, command: str, *options: str, code: int = 0) -> Result:
        """Runs one command, with its options behind it. Raises AssertionError on another exit code."""
        done = CliRunner().invoke(cli, [*command.split(), *options, "--dir", str(self.directory)])
        assert done.exit_code == code, done.output
        return done

    def json(self, command: str, *options: str, code: int = 0) -> Any:
        return json.loads(self.run(command, *options, "--json", code=code).stdout)

    def phase(self) -> str:
        phase: str = self.json("status")["phase"]
        return phase

    def lapse(self) -> None:
        """Drains, and waits until the fence is down again: writes are recorded as before."""
        self.run("drain --hold 0.001")
        wait_until(lambda: self.phase() == "lapsed", "the lapse")

    def runs(self) -> list[dict[str, Any]]:
        """The runs in the ledger with their steps, the newest first."""
        return [self.json("runs show", each["run_id"]) for each in self.json("runs list")]

    def steps(self, place: int = 0) -> list[tuple[str, str, str | None]]:
        """Action, object and status of each step of a run; 0 is the newest run."""
        return [(step["action"], step["object"], step["status"]) for step in self.runs()[place]["steps"]]

    def write(self, *statements: str, file: Path | None = None) -> None:
        """What the application, or an operator, executes: each statement for itself."""
        db = sqlite3.connect(file or self.old, isolation_level=None)
        try:
            for statement in statements:
                db.execute(statement)
        finally:
            db.close()

    def ask(self, question: str, file: Path | None = None) -> list[Any]:
        db = sqlite3.connect(file or self.old)
        try:
            return db.execute(question).fetchall()
        finally:
            db.close()

    def fence(self) -> tuple[str, float | None]:
        """The marker's status, and since when writes are refused."""
        (row,) = self.ask("SELECT status, fence_from FROM _migration_marker")
        return row[0], row[1]

    def objects(self, file: Path | None = None) -> list[Any]:
        """Everything in the database's catalog, and the rows of the table."""
        return self.ask("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2", file)

    def own_objects(self, file: Path | None = None) -> set[str]:
        """The names of what hotmig keeps in the old database."""
        return {name for _, name, *_ in self.objects(file) if name.startswith("_migration_")}

    @property
    def own(self) -> Path:
        """The folder of lock and ledger."""
        return self.directory / OWN_FOLDER

    def everything(self) -> Listing:
        """Name, size, mode and content of every file in the directory."""
        return {
            str(path.relative_to(self.directory)): (stat.st_size, stat.st_mode, path.read_bytes())
            for path in sorted(self.directory.rglob("*"))
            if path.is_file() and (stat := path.stat())
        }

    def listing(self) -> Listing:
        """The same without lock and ledger, which every command that changes something writes to."""
        return {name: told for name, told in self.everything().items() if not name.startswith(f"{OWN_FOLDER}/")}


def open_shop(directory: Path, *, script: str = ITEMS, module: str = MODULE, wal: bool = True) -> Shop:
    """A shop before its migration."""
    directory.mkdir()
    shop = Shop(directory)
    db = sqlite3.connect(shop.old, isolation_level=None)
    if wal:
        db.execute("PRAGMA journal_mode = WAL")
    db.executescript(script)
    db.close()
    (directory / "schema.py").write_text(module)
    return shop


def copied(shop: Shop, folder: Path) -> Shop:
    """The same in a folder of its own: to bring a shop to where a test begins takes far longer."""
    return Shop(shutil.copytree(shop.directory, folder / shop.directory.name))


@dataclass(frozen=True)
class Failure:
    """What a command that changes something told when it failed: ``left`` is the phase of the recovery snapshot."""

    left: str | None
    error: str
    hint: str


def failure_in(stderr: str) -> Failure:
    """Raises AssertionError for anything but a recovery snapshot or none, an error and a hint, each in one line."""
    told = told_behind_the_run(stderr)
    found = re.fullmatch(
        r"(?:Recovery snapshot:\n[^\n]+: (?P<left>[a-z-]+)\n.*\nNext: [^\n]+\n\n)?"
        r"(?P<error>Error: [^\n]+)\n(?P<hint>Hint: [^\n]+)\n",
        told,
        re.DOTALL,
    )
    assert found is not None, told
    return Failure(found["left"], found["error"], found["hint"])


def told_behind_the_run(stderr: str) -> str:
    """What a command that changes something told after the line that names its run."""
    found = re.match(f"({BANNER})?{RUN_LINE}", stderr)
    assert found is not None, stderr
    return stderr[found.end() :]


def items(table: str = "item", name: str = "name") -> str:
    """The question for all items."""
    return f"SELECT id, {name} FROM {table} ORDER BY id"
