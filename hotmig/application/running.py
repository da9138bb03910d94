"""The application as a child process: started, stopped, and asked how it fared."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hotmig.errors import HotmigError

STOP_SECONDS = 60


class Writing:
    """A running application."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def stop(self) -> dict[str, Any]:
        """Tells it to end; returns what it says. Raises HotmigError where it ended by itself."""
        if self._process.poll() is not None:
            raise HotmigError("the application that writes died", "what it wrote to stderr says why")
        self._process.send_signal(signal.SIGTERM)
        told, _ = self._process.communicate(timeout=STOP_SECONDS)
        said: dict[str, Any] = json.loads(told.splitlines()[-1])
        return said


@contextmanager
def writing(database: Path, *options: str) -> Iterator[Writing]:
    """The writer on a database, from its first write to the end of the block at the latest.

    Raises HotmigError where it does not start.
    """
    command = [sys.executable, "-m", "hotmig.application.writer", str(database), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=child_environment())
    try:
        if process.stdout is None or process.stdout.readline().strip() != "writing":
            raise HotmigError("the application that writes did not start", "what it wrote to stderr says why")
        yield Writing(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def child_environment() -> dict[str, str]:
    """For a Python process that imports this package, which may be in a source tree that only this process knows of."""
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
