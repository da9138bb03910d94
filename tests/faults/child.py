"""``hotmig`` commands under faults, each in a process of its own that is forked for it from one that has all imported.

It has opened no database: SQLite can't be taken through a fork.
"""

from __future__ import annotations

import encodings.ascii  # noqa: F401 - looked up by its name later, when the user may not read the library
import errno
import importlib
import json
import os
import pkgutil
import resource
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hotmig.sqlite
from hotmig.__main__ import main as hotmig_main
from hotmig.ledger.store import LEDGER_FILE
from tests.faults.system_calls import let_fail
from tests.scenarios.harness import SOME_HASH


@dataclass(frozen=True)
class Fault:
    """``file_size``: no file can be written beyond so many bytes, which SQLite takes for a broken disk, not a full one.

    ``calls`` are system calls that fail with ``error``, for good.

    ``at`` says which statement meets it first: ("old UPDATE", "old COMMIT") is the COMMIT behind the first UPDATE in
    the old database, by how they begin. ``lasting`` is how many statements meet it. Without ``at`` it is there from
    the start on. The process has ``user`` and ``umask``.
    """

    file_size: int | None = None
    calls: tuple[str, ...] = ()
    error: int = errno.EIO
    at: tuple[str, ...] = ()
    lasting: int | None = None
    user: int | None = None
    umask: int | None = None

    def begin(self) -> None:
        """From here on the disk does not work."""
        if self.file_size is not None:
            _limit(self.file_size)
        if self.calls:
            let_fail(self.calls, self.error)


def _limit(size: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


def database(name: str) -> str:
    """Which of the three a file is: its connection knows its name. In memory schemas are compiled."""
    if name in (LEDGER_FILE, ":memory:"):
        return "ledger" if name == LEDGER_FILE else "memory"
    return "old" if SOME_HASH in name else "new"


class Moment:
    """Waits for the statement at which the fault begins, and ends it behind the last that meets it."""

    def __init__(self, fault: Fault) -> None:
        self._fault, self._waiting, self._met = fault, list(fault.at), 0

    def before(self, name: str, sql: str) -> None:
        if self._waiting:
            if f"{database(name)} {sql.lstrip()}".startswith(self._waiting[0]):
                del self._waiting[0]
                if not self._waiting:
                    self._fault.begin()
        elif self._fault.lasting is not None:
            self._met += 1
            if self._met == self._fault.lasting:
                _limit(resource.RLIM_INFINITY)


def begin_at_statement(fault: Fault) -> None:
    """Statements pass one place, the connection's ``execute``."""
    moment = Moment(fault)

    def execute(self: hotmig.sqlite.Connection, sql: str, parameters: Sequence[Any] = ()) -> Any:
        moment.before(self.name, sql)
        return super(hotmig.sqlite.Connection, self).execute(sql, parameters)

    hotmig.sqlite.Connection.execute = execute  # type: ignore[method-assign, assignment]


def preload() -> None:
    """Another user may not be able to read this tree; and what is imported once is there for every command."""
    for module in pkgutil.walk_packages(hotmig.__path__, "hotmig."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def run(fault: Fault, arguments: Sequence[str]) -> None:
    """The command, in the process that was forked for it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails instead
    if fault.umask is not None:
        os.umask(fault.umask)
    if fault.user is not None:
        os.setgroups([])
        os.setgid(fault.user)
        os.setuid(fault.user)
    if fault.at:
        begin_at_statement(fault)
    else:
        fault.begin()
    sys.argv = ["hotmig", *arguments]
    hotmig_main()


def _own_streams(out: int, err: int) -> None:
    """The forked process talks to whoever asked, and to nobody else."""
    for end, stream in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
        os.dup2(end, stream)
    os.closerange(3, err + 1)
    # Those that were there know of other files what can be done with them.
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(stream, mode) for stream, mode in enumerate("rww"))


def forked(fault: Fault, arguments: Sequence[str], seconds: int) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command in a process of its own."""
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        _own_streams(out_end, err_end)
        signal.alarm(seconds)
        code: object = 1
        try:
            run(fault, arguments)
        except SystemExit as exit:
            code = exit.code
        except BaseException:
            sys.excepthook(*sys.exc_info())
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)
    os.close(out_end)
    os.close(err_end)
    with open(err, "rb") as errors, open(out, "rb") as output:
        said = errors.read().decode(), output.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said[1], said[0]


def main() -> None:
    """A line with a fault, a command and its patience; a line with what came of it; until there are no more."""
    preload()
    requests, answers = sys.stdin, sys.stdout
    for line in requests:
        given, arguments, seconds = json.loads(line)
        fault = Fault(**{**given, "calls": tuple(given["calls"]), "at": tuple(given["at"])})
        print(json.dumps(forked(fault, arguments, seconds)), file=answers, flush=True)


if __name__ == "__main__":
    main()
