"""hotmig as the property test drives it: the commands, in this process, with writes between any two statements."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from hotmig.cli.app import cli
from hotmig.transfer import session
from hotmig.transfer.ranges import FIRST_ROWS, ChunkSize
from tests.model.writes import Application, Fate, Transaction

Inject = Callable[[], None]
OLD_HASH = "0123456789abcdef"
connect = sqlite3.connect


@contextmanager
def statements_announced(inject: Inject) -> Iterator[None]:
    """Calls ``inject`` before every statement that hotmig executes on a connection which it opens inside."""

    def announcing(*arguments: Any, **options: Any) -> sqlite3.Connection:
        return connect(*arguments, **{**options, "factory": announcing_class(options.get("factory"), inject)})

    sqlite3.connect = announcing
    try:
        yield
    finally:
        sqlite3.connect = connect


def announcing_class(base: type[sqlite3.Connection] | None, inject: Inject) -> type[sqlite3.Connection]:
    """hotmig's own class of connections, if it has one, which calls ``inject`` first."""
    executes: type[Any] = base or sqlite3.Connection

    class Announcing(executes):
        def execute(self, *arguments: Any) -> Any:
            inject()
            return super().execute(*arguments)

    return Announcing


@contextmanager
def chunks_of(rows: int) -> Iterator[None]:
    """Every chunk of copy and proof has that many rows: a table of ten rows is walked like one of ten million.

    And no time passes between two chunks: the application writes from within this thread.
    """
    sized, learns, turn = ChunkSize.for_session, ChunkSize.took, session.WRITERS_TURN_SECONDS
    ChunkSize.for_session = lambda _: ChunkSize(0.0, rows)  # type: ignore[method-assign, assignment]
    ChunkSize.took = lambda _, __: None  # type: ignore[method-assign]
    session.WRITERS_TURN_SECONDS = 0.0
    try:
        yield
    finally:
        ChunkSize.for_session, ChunkSize.took = sized, learns  # type: ignore[method-assign]
        session.WRITERS_TURN_SECONDS = turn


@dataclass
class Driver:
    """One project directory; every method is one command, which must succeed."""

    directory: Path
    chunk_rows: int = FIRST_ROWS

    @property
    def old(self) -> Path:
        return self.directory / f"app-{OLD_HASH}.sqlite"

    @property
    def new(self) -> Path:
        """The file that the migration built."""
        (path,) = [path for path in self.directory.glob("app-*.sqlite") if path != self.old]
        return path

    def write_module(self, text: str) -> None:
        (self.directory / "schema.py").write_text(text)

    def plan(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.run("plan", "--json"))
        return report

    def migrate(self, inject: Inject) -> None:
        self.run("migrate", inject=inject)

    def drain(self, inject: Inject) -> None:
        self.run("drain", "--max-pause", "60", inject=inject)

    def cutover(self, inject: Inject) -> None:
        self.run("cutover", inject=inject)

    def run(self, command: str, *options: str, inject: Inject = lambda: None) -> str:
        """Raises AssertionError, with everything that was printed, when the command fails."""
        with statements_announced(inject), chunks_of(self.chunk_rows):
            result = CliRunner().invoke(cli, [command, "-d", str(self.directory), *options])
        assert result.exit_code == 0, f"hotmig {command} ended with {result.exit_code}: {result.output}"
        return result.stdout


@dataclass(frozen=True)
class Moment:
    """A transaction, and the number of the statement before which it is tried."""

    at: int
    transaction: Transaction


class Moments:
    """Transactions that wait for their moment within one command. One that meets a lock is tried again."""

    def __init__(self, application: Application, moments: list[Moment]) -> None:
        self.application = application
        self.waiting = sorted(moments, key=lambda moment: moment.at)
        self.statement = 0
        self.fates: list[Fate] = []

    def __call__(self) -> None:
        self.statement += 1
        if self.waiting and self.waiting[0].at <= self.statement:
            self.run_first()

    def run_first(self) -> None:
        fate = self.application.run(self.waiting[0].transaction)
        if fate != "busy":
            self.fates.append(fate)
            del self.waiting[0]

    def finish(self) -> None:
        """What did not get its moment follows after the command, when nobody holds a lock."""
        while self.waiting:
            self.run_first()
