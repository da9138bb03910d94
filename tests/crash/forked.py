"""Children that can die, forked from a process that has imported everything: thousands of kills need thousands of them.

The server opens no database itself: a fork with open connections would share them.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0  # seconds until a child counts as hung


@cache
def _server() -> subprocess.Popen[str]:
    """One for each process of the tests."""
    environment = {**os.environ, "NO_COLOR": "1"}
    command = [sys.executable, "-m", __name__]
    server = subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    atexit.register(server.kill)
    return server


def run(words: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """``python -m tests.crash.child WORDS`` with these variables in its environment."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps([words, variables]) + "\n")
    server.stdin.flush()
    answer = server.stdout.readline()
    assert answer, f"the server died on {words}"
    return subprocess.CompletedProcess(words, *json.loads(answer))


def become(words: list[str], files: dict[int, str], main: Callable[[], None]) -> None:
    """In a forked child: prints into files, runs ``main`` as the command line of these words, and ends."""
    for number, name in files.items():
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.argv = ["hotmig", *words]
    code = 0
    try:
        main()
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _answer(words: list[str], variables: dict[str, str], folder: Path) -> tuple[int, str, str]:
    files = {0: os.devnull, 1: str(folder / "out"), 2: str(folder / "err")}
    pid = os.fork()
    if pid == 0:
        try:
            from tests.crash.child import main

            os.environ.update(variables)
            become(words, files, main)
        finally:
            os._exit(70)
    deadline = time.monotonic() + PATIENCE
    while not (found := os.waitpid(pid, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGABRT)
        time.sleep(0.001)
    told = [Path(files[number]).read_text() for number in (1, 2)]
    return os.waitstatus_to_exitcode(found[1]), told[0], told[1]


def serve() -> None:
    """Answers one question after the other until nobody asks any more."""
    import tests.crash.child  # noqa: F401 - before the forks
    from tests.model.operations_child import import_everything

    import_everything()
    with TemporaryDirectory() as folder:
        for line in sys.stdin:
            words, variables = json.loads(line)
            answer: Any = _answer(words, variables, Path(folder))
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
