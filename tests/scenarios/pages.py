"""README and runbook as somebody who types what they say: their code blocks, and a shell to run them in."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests import forked
from tests.scenarios.harness import PATIENCE, ROOT, environment, wait_until

README = ROOT / "README.md"
RUNBOOK = ROOT / "runbook"

_PLAIN = re.compile(r"hotmig( [\w/.:-]+)+")
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)

# A fresh machine need not have the sqlite3 shell: this stands for it, as far as the pages use it.
SQLITE_SHELL = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
text = sys.argv[2] + ";\\n" if len(sys.argv) > 2 else sys.stdin.read()
statement = ""
for line in text.splitlines(keepends=True):
    statement += "" if line.startswith(".") else line
    if sqlite3.complete_statement(statement):
        for row in db.execute(statement):
            print(*row, sep="|")
        statement = ""
"""


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    language: str
    text: str

    @property
    def steps(self) -> Iterator[tuple[str, str]]:
        """Of a console block, each command with the output that is shown for it."""
        for step in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, _, output = step.partition("\n")
            yield command, output


def blocks(page: Path, first: str = "", last: str = "") -> list[Block]:
    """The code blocks of a page, from the heading ``first`` up to the heading ``last``, without their indentation."""
    text = page.read_text(encoding="utf-8")
    start = text.index(f"\n{first}\n") if first else 0
    text = text[start : text.index(f"\n{last}\n", start) if last else None]
    return [
        Block(language, "".join(line.removeprefix(indent) for line in code.splitlines(keepends=True)))
        for indent, language, code in _BLOCK.findall(text)
    ]


def the_block(page: Path, heading: str, language: str) -> str:
    """The text of the first block of a language below a heading."""
    return next(block.text for block in blocks(page, heading) if block.language == language)


@dataclass(frozen=True)
class Typed:
    """One command line as it was typed, and what came of it."""

    line: str
    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"$ {self.line}\n{self.out}{self.err}(exit {self.code})"


@dataclass(frozen=True)
class Shell:
    """A machine with the paths that the pages name, moved into a directory of its own.

    ``moved`` says which path of the pages lies where.
    """

    directory: Path
    moved: dict[str, Path]

    @classmethod
    def make(cls, directory: Path, *paths: str) -> Shell:
        """The given paths of the pages are below the directory here."""
        shell = cls(directory, {path: directory / path.lstrip("/") for path in paths})
        for place in (shell.tools, *(place.parent for place in shell.moved.values())):
            place.mkdir(parents=True, exist_ok=True)
        python = f'exec "{sys.executable}"'
        shell._tool("hotmig", f'{python} -m hotmig "$@"')
        shell._tool("python3", f'{python} "$@"')
        (shell.tools / "shell.py").write_text(SQLITE_SHELL)
        shell._tool("sqlite3", f'{python} -IS "{shell.tools}/shell.py" "$@"')
        shell._tool("sudo", 'exec "$@"')
        shell._tool("systemctl", f'echo systemctl "$@" >> "{shell.directory}/calls"')
        shell._tool("sleep", f'echo sleep "$@" >> "{shell.directory}/calls"')
        return shell

    @property
    def tools(self) -> Path:
        return self.directory / "bin"

    @property
    def calls(self) -> list[str]:
        """What was asked of systemctl and of sleep, which do nothing else."""
        file = self.directory / "calls"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def environment(self) -> dict[str, str]:
        return {**environment(), "PATH": f"{self.tools}{os.pathsep}{os.environ['PATH']}"}

    def _tool(self, name: str, script: str) -> None:
        self.executable(self.tools / name, f"#!/bin/sh\n{script}\n")

    def executable(self, file: Path, script: str) -> Path:
        """Writes a script of the pages, with the paths of this machine."""
        file.write_text(self.here(script))
        file.chmod(0o755)
        return file

    def here(self, text: str) -> str:
        """A text of the pages with the paths of this machine."""
        for path, place in self.moved.items():
            text = text.replace(path, str(place))
        return text

    def there(self, text: str) -> str:
        """What was printed here, with the paths of the pages."""
        for path, place in self.moved.items():
            text = text.replace(str(place), path)
        return text

    def type(self, line: str, *, at: Path | None = None, code: int | None = 0) -> Typed:
        """Runs what a page says to type. Raises AssertionError on another exit code.

        For a command and its plain words no shell is asked, as it would come to just this.
        """
        typed_here = self.here(line)
        place = at or self.directory
        if _PLAIN.fullmatch(typed_here):
            words = [sys.executable, "-m", *typed_here.split()]
            done = forked.run(words, cwd=place, env=self.environment, timeout=2 * PATIENCE)
        else:
            done = subprocess.run(
                ["bash", "-c", typed_here], cwd=place, env=self.environment, text=True, capture_output=True,
                timeout=2 * PATIENCE, stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
        typed = Typed(line, done.returncode, self.there(done.stdout), self.there(done.stderr))
        assert code is None or done.returncode == code, str(typed)
        return typed


@dataclass(frozen=True)
class Accepted:
    """An order that the application was told the database has: its number, the file's name, and its note."""

    number: int
    file: str
    note: str


class Shop:
    """The program of runbook/application.md at work: orders go in without pause, accepted ones come out."""

    def __init__(self, shell: Shell, command: Path, name: str = "order") -> None:
        self._name = name
        self._process = subprocess.Popen(
            command, env=shell.environment, text=True, bufsize=1, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._closing = threading.Event()
        self.sent: list[str] = []
        self.accepted: list[Accepted] = []
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._send, self._receive)]

    def __enter__(self) -> Shop:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for thread in self._threads:
            thread.join(PATIENCE)
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    def _send(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError), self._process.stdin as orders:
            while not self._closing.wait(0.01):
                note = f"{self._name}-{len(self.sent)}"
                orders.write(f"1 {len(self.sent) + 100} {note}\n")
                self.sent.append(note)

    def _receive(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.endswith("\n"):
                return  # killed in the middle of it
            number, file, note = line.split()
            self.accepted.append(Accepted(int(number), file, note))

    def in_file(self, name: str) -> list[Accepted]:
        return [order for order in list(self.accepted) if order.file == name]

    def wait_for(self, more: int, file: str | None = None) -> None:
        """Waits until so many more orders are accepted, all of them by that file. Raises AssertionError if it died."""

        def count() -> int:
            return len(self.accepted) if file is None else len(self.in_file(file))

        goal = count() + more
        wait_until(lambda: count() >= goal or self._process.poll() is not None, f"{more} more orders")
        assert count() >= goal, self._complaint()

    def close(self) -> list[Accepted]:
        """Ends the orders, lets the application work off what it has, and returns all that it had accepted."""
        self._closing.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        assert (self._process.wait(PATIENCE), self._complaint()) == (0, "")
        return self.accepted

    def _complaint(self) -> str:
        """What the process, which has ended, wrote to stderr."""
        assert self._process.stderr is not None
        return self._process.stderr.read()
