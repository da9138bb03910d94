"""A directory with an application's database and the module that it is to become, worked on by the real commands."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from hotmig.cli.app import cli

IMPORTS = (
    "from __future__ import annotations\nfrom typing import Annotated\nfrom hotmig.schema import *\ndatabase = 'app'\n"
)


@dataclass
class Project:
    directory: Path
    app: sqlite3.Connection  # the application, on the old file

    @classmethod
    def begin(cls, directory: Path, script: str, module: str, *, wal: bool = True) -> Project:
        """Adopts a database that the script makes, and puts the new module in the place of the adopted one."""
        app = sqlite3.connect(directory / "app.db", isolation_level=None, timeout=10)
        app.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
        app.executescript(script)
        project = cls(directory, app)
        project.run("init", str(directory / "app.db"))
        project.change(module)
        return project

    def change(self, module: str) -> None:
        (self.directory / "schema.py").write_text(IMPORTS + module)

    def run(self, command: str, *options: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, [*command.split(), "-d", str(self.directory), *options])
        assert result.exit_code == code, f"{command}: exit {result.exit_code}\n{result.output}\n{result.exception!r}"
        return result

    def plan(self, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("plan", "--json", code=code).stdout)
        return found

    def messages(self, check: str, code: int = 0) -> list[str]:
        """What one check of the plan says."""
        return [each["message"] for each in self.plan(code)["findings"] if each["check"] == check]

    def write(self, *statements: str) -> None:
        for statement in statements:
            self.app.execute(statement)

    def new(self, sql: str) -> list[tuple[Any, ...]]:
        """What the database in service answers."""
        path = self.run("path").stdout.strip()
        db = sqlite3.connect(path)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def old(self, sql: str) -> list[tuple[Any, ...]]:
        return self.app.execute(sql).fetchall()

    def through(self, *writes: str) -> None:
        """The whole migration, with these writes between the copy and the drain."""
        self.run("migrate")
        self.write(*writes)
        self.run("drain", "--cutover")
