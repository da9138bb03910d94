"""A shop that the command line takes from phase to phase, in this very process, and what is in it at each."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from hotmig.cli.app import cli
from tests.phases.files import OLD

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

    def json(self, command: str, *options: str) -> Any:
        return json.loads(self.run(command, *options, "--json").stdout)

    def phase(self) -> str:
        phase: str = self.json("status")["phase"]
        return phase

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

    def listing(self) -> Listing:
        """Name, size, mode and content of everything in the directory."""
        return {
            str(path.relative_to(self.directory)): (stat.st_size, stat.st_mode, path.read_bytes())
            for path in sorted(self.directory.rglob("*"))
            if (stat := path.stat()) and path.is_file()
        }


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


def items(table: str = "item", name: str = "name") -> str:
    """The question for all items."""
    return f"SELECT id, {name} FROM {table} ORDER BY id"
