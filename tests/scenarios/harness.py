"""What the scenario tests are made of: the application's processes, the command line as a user types it, the checks."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tests import forked
from tests.forked import Forked
from tests.scenarios import exact, journal
from tests.scenarios.exact import Contents
from tests.scenarios.journal import Entry, Outcome
from tests.scenarios.shape import Shape

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds until a test gives up waiting for another process
SOME_HASH = "0123456789abcdef"


def environment() -> dict[str, str]:
    """Child processes import this very tree, wherever they run."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "NO_COLOR": "1"}


@contextmanager
def to_their_end(commands: Iterable[list[str]]) -> Iterator[None]:
    """Applications that write beside what is done inside, until they are told of the new database and end with 0."""
    processes = [Forked(command, cwd=ROOT, env=environment()) for command in commands]
    try:
        yield
        assert [process.wait(timeout=PATIENCE) for process in processes] == [0] * len(processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE:g} s for {what}"
        time.sleep(0.02)


def by_hand(path: Path, *statements: str) -> None:
    """Executes what an operator types, each statement again and again until no writer and no pause is in its way.

    SQLite's own busy timeout waits for 100 ms between two tries, and starves under steady writers.
    """
    db = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        for statement in statements:
            deadline = time.monotonic() + PATIENCE
            while not _executed(db, statement):
                assert time.monotonic() < deadline, f"waited {PATIENCE:g} s to execute {statement}"
                time.sleep(0.002)
    finally:
        db.close()


def _executed(db: sqlite3.Connection, statement: str) -> bool:
    try:
        db.execute(statement)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    except sqlite3.IntegrityError as error:
        if not str(error).startswith("hotmig: writes are paused"):
            raise
        return False
    return True


class Application:
    """Writer processes on one database, and what their journals say so far."""

    def __init__(
        self, shape: Shape, db: Path, directory: Path, *, writers: int = 2, seed: int = 1, follow: bool = False,
        refusals: int = 20, pace: float = 0.001, program: str = "tests.scenarios.writers",
    ) -> None:  # fmt: skip
        self.db = db
        self.journals = [directory / f"writer-{number}.jsonl" for number in range(1, writers + 1)]
        self._read: dict[Path, tuple[int, list[Entry]]] = {}
        options = ["--follow", str(directory)] if follow else []
        self._commands = [
            [sys.executable, "-m", program, "--db", str(db), "--shape", shape.name,
             "--journal", str(path), "--writer", str(number), "--seed", str(seed), "--refusals", str(refusals),
             "--pace", str(pace), *options]
            for number, path in enumerate(self.journals, 1)
        ]  # fmt: skip
        self.processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Application:
        for command in self._commands:
            process = Forked(
                command, cwd=ROOT, env=environment(), text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            self.processes.append(process)
        # Before its journal is there a writer cannot be asked to stop: the signal would just kill it.
        wait_until(lambda: all(path.exists() for path in self.journals) or not self._alive(), "the writers to start")
        return self

    def _alive(self) -> bool:
        return all(process.poll() is None for process in self.processes)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> list[int]:
        """Asks each writer to finish its transaction; returns the exit codes. Their errors go to our stderr."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        codes = []
        for process in self.processes:
            _, error = process.communicate(timeout=PATIENCE)
            codes.append(process.returncode)
            sys.stderr.write(error)
        self.processes = []
        return codes

    def check_alive(self) -> None:
        """Raises AssertionError, with its traceback, when a writer has died."""
        for process in self.processes:
            if process.poll() is not None:
                raise AssertionError(f"a writer ended with {process.returncode}: {process.communicate()[1]}")

    def entries(self) -> list[Entry]:
        """Everything in the journals so far, in the order in which the databases saw it."""
        self.check_alive()
        found = [entry for path in self.journals for entry in self._entries_of(path)]
        return sorted(found, key=lambda entry: entry.locked)

    def _entries_of(self, path: Path) -> list[Entry]:
        """Reads on from where the last call stopped: the journals of a busy writer are long."""
        offset, known = self._read.get(path, (0, []))
        if path.exists():
            with path.open("rb") as file:
                file.seek(offset)
                whole, newline, _ = file.read().rpartition(b"\n")
            known += [Entry.from_line(line.decode()) for line in whole.split(b"\n") if line]
            offset += len(whole) + len(newline)
            self._read[path] = offset, known
        return known

    def outcomes(self, outcome: Outcome, file: str | None = None) -> list[Entry]:
        return [entry for entry in self.entries() if entry.outcome == outcome and file in (None, entry.file)]

    def accepted(self, file: str | None = None) -> list[Entry]:
        return self.outcomes("accepted", file)


@dataclass(frozen=True)
class Run:
    """One command as a user ran it. Times are ``time.monotonic()``."""

    command: tuple[str, ...]
    code: int
    out: str
    err: str
    began: float
    ended: float

    def json(self) -> Any:
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"$ {' '.join(self.command)}\n{self.out}{self.err}(exit {self.code}, {self.ended - self.began:.2f} s)"


def hotmig(directory: Path, command: str, *options: str, code: int | None = 0) -> Run:
    """Runs ``hotmig COMMAND -d DIR`` in a process of its own. Raises AssertionError on another exit code."""
    arguments = [sys.executable, "-m", "hotmig", *command.split(), "-d", str(directory), *options]
    began = time.monotonic()
    done = forked.run(arguments, cwd=directory, env=environment(), timeout=PATIENCE)
    result = Run(("hotmig", *arguments[3:]), done.returncode, done.stdout, done.stderr, began, time.monotonic())
    assert code is None or done.returncode == code, str(result)
    return result


@dataclass(frozen=True)
class Project:
    """A directory with a schema module and the database of its previous release."""

    directory: Path
    shape: Shape
    old: Path

    @classmethod
    def adopt(
        cls,
        directory: Path,
        shape: Shape,
        journal_mode: str,
        *,
        rows: int = 120,
        seed: int = 1,
        module: str | None = None,
    ) -> Project:
        """As a previous release would have left it: the old file has a hash of its own in its name."""
        directory.mkdir(exist_ok=True)
        old = directory / f"app-{SOME_HASH}.sqlite"
        shape.create(old, journal_mode, rows, seed)
        (directory / "schema.py").write_text(module or shape.schema_module)
        return cls(directory, shape, old)

    def run(self, command: str, *options: str, code: int | None = 0) -> Run:
        """Runs ``hotmig COMMAND -d DIR`` in a process of its own. Raises AssertionError on another exit code."""
        return hotmig(self.directory, command, *options, code=code)

    def status(self) -> dict[str, Any]:
        report: dict[str, Any] = self.run("status", "--json").json()
        return report

    @property
    def new(self) -> Path:
        """The file that the migration built, whatever its hash is."""
        (path,) = [path for path in self.directory.glob("app-*.sqlite") if path != self.old]
        return path

    @property
    def files(self) -> set[str]:
        return {path.name for path in self.directory.glob("app-*")}


@contextmanager
def live(project: Project, **options: Any) -> Iterator[Application]:
    """The application at work on the old database; it follows to the new one. It has written when this begins."""
    with Application(project.shape, project.old, project.directory, follow=True, **options) as application:
        wait_until(lambda: len(application.accepted()) >= 10, "the application to write")
        yield application


def check_everything(project: Project, before: Contents, application: Application) -> None:
    """The promises of the design, section 1, after a cutover: no write is lost, and both files never accept writes."""
    entries = application.entries()
    old = [entry for entry in entries if entry.file == project.old.name]
    new = [entry for entry in entries if entry.file != project.old.name]
    check_journal_of_old(project, before, old)
    check_projection(project, new)
    check_fence(old)
    check_one_at_a_time(old, new)
    check_sequences(project)


def accepted(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.outcome == "accepted"]


def check_journal_of_old(project: Project, before: Contents, old: list[Entry]) -> None:
    """The old file holds exactly what its writers were told it accepted: nobody else wrote, nothing was undone."""
    played = journal.play(before, accepted(old))
    actual = exact.contents_of(project.old, project.shape.old_tables)
    assert exact.differences(played, actual) == [], "the old database differs from the journals"


def check_projection(project: Project, new: list[Entry]) -> None:
    """The new file, less what was written to it since, is what the old file calls for; then it is what was written."""
    actual = exact.contents_of(project.new, project.shape.new_tables)
    at_cutover = journal.rewind(actual, accepted(new))
    expected = project.shape.resolve(project.shape.expected(project.old), at_cutover)
    assert exact.differences(expected, at_cutover) == [], "the new database differs from the projection of the old one"


def check_fence(old: list[Entry]) -> None:
    """No write that held the lock after a first one was refused was accepted by the old database."""
    refusals = [entry for entry in old if entry.outcome in ("paused", "replaced")]
    assert refusals, "no writer met the fence"
    up = min(entry.ended for entry in refusals)
    late = [entry for entry in accepted(old) if entry.changes and entry.locked > up]
    assert late == [], f"{len(late)} writes were accepted after the fence was up"


def tries_around_fence(application: Application, seconds: float = 1.0) -> int:
    """How many transactions the writers tried in the seconds around the first refusal."""
    entries = application.entries()
    up = min(entry.ended for entry in entries if entry.outcome in ("paused", "replaced"))
    return sum(abs(entry.ended - up) <= seconds for entry in entries)


def check_one_at_a_time(old: list[Entry], new: list[Entry]) -> None:
    last_old = max((entry.locked for entry in accepted(old) if entry.changes), default=0.0)
    first_new = min((entry.began for entry in accepted(new)), default=float("inf"))
    assert last_old < first_new, "the old database accepted a write after the new one did"


def check_sequences(project: Project) -> None:
    """AUTOINCREMENT never gives a key twice, not even across the migration."""
    for old_table, new_table in project.shape.sequences.items():
        marks = []
        for path, table in ((project.old, old_table), (project.new, new_table)):
            db = sqlite3.connect(path)
            marks.append(db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()[0])
            db.close()
        assert marks[0] <= marks[1], f"sqlite_sequence of {new_table} went back"
