"""What a command asked the kernel to do to files, in order, by strace; and what was not yet on the disk at a moment.

Kills can't show this: the kernel keeps what a killed process wrote. Only after a power failure is it gone.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.scenarios.harness import PATIENCE, environment

CALLS = "openat,creat,pwrite64,pwritev,write,ftruncate,fsync,fdatasync,unlink,unlinkat,link,linkat,symlink,rename,close"
Kind = Literal["write", "sync", "made", "gone"]

_LINE = re.compile(r"^(?:\d+ +)?(?P<call>\w+)\((?P<rest>.*)\) += (?P<result>-?\d+)(?P<opened><[^>]*>)?")
_DESCRIPTOR = re.compile(r"^-?\w+<(?P<path>[^>]*)>")
_NAMES = re.compile(r'"(?P<path>[^"]*)"')
_WRITES = ("pwrite64", "pwritev", "write", "ftruncate")


@dataclass(frozen=True)
class Call:
    """``write`` and ``sync`` are to the file ``path``; ``made`` and ``gone`` are to its entry in its folder."""

    kind: Kind
    path: str


def trace(directory: Path, command: str) -> list[Call]:
    """Runs a command under strace. Raises AssertionError when it fails."""
    out = directory.parent / "strace.out"
    arguments = [
        "strace", "-f", "-y", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(out),
        sys.executable, "-m", "hotmig", *command.split(), "-d", str(directory),
    ]  # fmt: skip
    done = subprocess.run(
        arguments, cwd=directory, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    return [call for line in out.read_text(errors="replace").splitlines() for call in _calls(line)]


def _calls(line: str) -> Iterator[Call]:
    found = _LINE.match(line)
    if found is None or int(found["result"]) < 0:
        return
    call, rest = found["call"], found["rest"]
    if call in ("fsync", "fdatasync"):
        yield from (Call("sync", path) for path in _descriptor(rest))
    elif call in _WRITES:
        yield from (Call("write", path) for path in _descriptor(rest))
    elif call == "openat" and "O_CREAT" in rest:
        # Whether the file was there already is not told: then its entry is synced once more than it must be.
        yield Call("made", (found["opened"] or "").strip("<>"))
    elif call in ("unlink", "unlinkat", "link", "linkat", "symlink", "rename"):
        path = [name["path"] for name in _NAMES.finditer(rest)][-1]
        yield Call("gone" if call.startswith("unlink") else "made", path)


def _descriptor(rest: str) -> Iterator[str]:
    found = _DESCRIPTOR.match(rest)
    if found is not None:
        yield found["path"]


def is_of(path: str, database: Path) -> bool:
    """Whether a file is that database, its journal or its log. Its -shm is made anew after a power failure."""
    return path in {str(database) + suffix for suffix in ("", "-wal", "-journal")}


def not_on_disk(calls: Iterable[Call], database: Path) -> set[str]:
    """What of a database a power failure after these calls could take back: writes, and changes of its folder."""
    dirty: set[str] = set()
    for call in calls:
        if call.kind == "sync":
            dirty.discard(call.path)
            if call.path == str(database.parent):
                dirty = {what for what in dirty if " of " not in what}
        elif is_of(call.path, database):
            _change(dirty, call)
    return {what.replace(str(database), "DB") for what in dirty}


def _change(dirty: set[str], call: Call) -> None:
    making, removal = f"making of {call.path}", f"removal of {call.path}"
    if call.kind == "write":
        dirty.add(call.path)
    elif call.kind == "made":
        dirty.add(making)
    else:
        dirty -= {call.path, making}  # what was written to it matters no more
        # A log that comes back holds what the database has already. A journal would undo it.
        if not call.path.endswith("-wal"):
            dirty.add(removal)
