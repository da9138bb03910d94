"""Commands in processes of their own, that can be held up, stopped and killed at any statement.

One server imports hotmig once and forks for each command, so that a process costs milliseconds. It never opens a
database itself: a fork with open connections would share them. ``Commands`` is what a test uses.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from tests.crash.forked import become

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds until a command counts as hung
Act = Literal["KILL", "STOP", "TERM", "INT"]
# Within a transaction one death is like the other: all of it is undone.
BOUNDARIES = ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "PRAGMA")
LEDGER = "ledger.sqlite"


@dataclass(frozen=True)
class Moment:
    """What happens to a command right before, or behind, the ``at``-th beginning or end of a transaction.

    ``everywhere`` counts those of the ledger too, and file operations. STOP holds it up until it is resumed.
    """

    act: Act
    at: int
    after: bool
    everywhere: bool = False


@dataclass(frozen=True)
class Ended:
    """How a command came out. ``code`` is negative for the signal that killed it, None while it is held up."""

    pid: int
    code: int | None
    out: str
    err: str

    @property
    def held(self) -> bool:
        return self.code is None


class Commands:
    """The server, seen from the test: every call waits until its commands end or are held up.

    ``broken`` is a way in which hotmig is broken on purpose.
    """

    def __init__(self, broken: str | None = None) -> None:
        environment = {**os.environ, "NO_COLOR": "1"}
        environment.pop("HOTMIG_READ_ONLY", None)
        self._server = subprocess.Popen(
            [sys.executable, "-m", __name__, *filter(None, [broken])], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Commands:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait()
        assert self._server.stdout is not None
        self._server.stdout.close()

    def run(self, *words: str, moment: Moment | None = None) -> Ended:
        """Runs ``hotmig WORDS``."""
        return self.together((words, moment))[0]

    def together(self, *commands: tuple[tuple[str, ...], Moment | None]) -> list[Ended]:
        """Several at once."""
        return self._ask({"start": [[words, asdict(moment) if moment else None] for words, moment in commands]})

    def resume(self, pid: int, *, by: Literal["CONT", "KILL", "TERM", "INT"] = "CONT") -> Ended:
        """Lets a held-up command go on, or die, or hear a signal and go on."""
        return self._ask({"resume": pid, "by": by})[0]

    def _ask(self, question: dict[str, Any]) -> list[Ended]:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(question) + "\n")
        self._server.stdin.flush()
        answer = self._server.stdout.readline()
        assert answer, f"the server died on {question}"
        return [Ended(**each) for each in json.loads(answer)]


class Server:
    """Forks; knows which of its children are held up, and where they print."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def answer(self, question: dict[str, Any]) -> list[dict[str, Any]]:
        if "start" in question:
            pids = [self._fork(words, moment) for words, moment in question["start"]]
        else:
            pids = [question["resume"]]
            name = question["by"]
            os.kill(pids[0], getattr(signal, f"SIG{name}"))
            if name != "CONT":
                os.kill(pids[0], signal.SIGCONT)
        deadline = time.monotonic() + PATIENCE
        return [asdict(self._ended(pid, deadline)) for pid in pids]

    def _fork(self, words: list[str], moment: dict[str, Any] | None) -> int:
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            try:
                self._become(words, Moment(**moment) if moment else None)
            finally:
                os._exit(70)
        return pid

    def _become(self, words: list[str], moment: Moment | None) -> None:
        """In the child: runs the command line as ``python -m hotmig`` does."""
        files = {0: os.devnull, 1: self._file(os.getpid(), "out"), 2: self._file(os.getpid(), "err")}

        def command_line() -> None:
            if moment is not None:
                watch(moment)
            from hotmig.__main__ import main

            main()

        become(words, files, command_line)

    def _ended(self, pid: int, deadline: float) -> Ended:
        while True:
            found, status = os.waitpid(pid, os.WUNTRACED | os.WNOHANG)
            if found:
                break
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGABRT)
                os.kill(pid, signal.SIGCONT)
            time.sleep(0.0005)
        code = None if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)
        told = [Path(self._file(pid, name)).read_text() for name in ("out", "err")]
        if code is not None:
            for name in ("out", "err"):
                os.unlink(self._file(pid, name))
        return Ended(pid, code, *told)

    def _file(self, pid: int, name: str) -> str:
        return str(self.folder / f"{pid}.{name}")


def watch(moment: Moment) -> None:
    """Makes this process do at its moment what it is to do."""
    from tests.crash.child import Points, watch_files, watch_statements

    class Acting(Points):
        def statement(self, db: Any, sql: str, work: Any) -> Any:
            mine = sql.startswith(BOUNDARIES) and (moment.everywhere or db.name != LEDGER)
            return self.around("mine" if mine else "", work)

        def around(self, what: str, work: Any) -> Any:
            if not what or (what != "mine" and not moment.everywhere):
                return work()
            self.seen.append(what)
            mine = len(self.seen) == moment.at
            if mine and not moment.after:
                os.kill(os.getpid(), getattr(signal, f"SIG{moment.act}"))
            try:
                return work()
            finally:
                if mine and moment.after:
                    os.kill(os.getpid(), getattr(signal, f"SIG{moment.act}"))

    points = Acting("", False)
    watch_statements(points)
    watch_files(points)


def import_everything() -> None:
    """What the commands import when they are run: each of them is then quick."""
    import importlib
    import pkgutil

    import hotmig

    for found in pkgutil.walk_packages(hotmig.__path__, "hotmig."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)


def serve() -> None:
    """Answers one question after the other until nobody asks any more."""
    from tempfile import TemporaryDirectory

    import_everything()
    import tests.crash.child  # noqa: F401
    from tests.model.driver import chunks_of
    from tests.model.operations_broken import BROKEN

    for broken in sys.argv[1:]:
        BROKEN[broken]()

    with TemporaryDirectory() as folder, chunks_of(2):
        server = Server(Path(folder))
        for line in sys.stdin:
            print(json.dumps(server.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    serve()
