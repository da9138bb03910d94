"""Python processes without Python's start: forked from one that has imported everything, and children all the same.

``Forked`` takes the place of ``subprocess.Popen`` for ``python -m MODULE …`` and ``python -c PROGRAM …`` where what is
tested is what the program does, and not how it is started: of a short command the imports take most of the time, and
the tests run thousands. A patch in a PROGRAM must not count on being made before something else is imported.

The server opens no database: a fork with open connections would share them.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import traceback
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 1 << 17  # bytes of a question: the words, and the whole environment
# What the programs of the tests import; not these programs, which are run as ``python -m`` does it.
IMPORTED = (
    "tests.crash.truth", "tests.scenarios.chinook", "tests.scenarios.journal", "tests.scenarios.shapes",
    "hotmig.transfer.supervised", "argparse", "shutil", "tempfile", "encodings.ascii", "encodings.idna",
)  # fmt: skip
_PR_SET_CHILD_SUBREAPER = 36
_asking = threading.Lock()


class Forked(subprocess.Popen[Any]):
    """A ``Popen`` of the same arguments. Its process is a child of this one, to be waited for and signalled."""

    def _execute_child(self, args: Any, executable: Any, preexec: Any, close: Any, passed: Any, *rest: Any) -> None:
        cwd, env, _startupinfo, _flags, shell, *pipes = rest[:11]
        interpreter, *words = map(os.fspath, args)
        assert (interpreter, executable, preexec, passed, shell) == (sys.executable, None, None, (), False), args
        assert close, "everything else is closed"
        # restore_signals, gid, gids, uid, umask, start_new_session, process_group: as they are by default.
        assert tuple(rest[11:]) in {(True, None, None, None, -1, False), (True, None, None, None, -1, False, -1)}, rest
        question = [words, os.fspath(cwd) if cwd else os.getcwd(), dict(os.environ if env is None else env)]
        streams = [number if pipe == -1 else pipe for number, pipe in enumerate((pipes[0], pipes[3], pipes[5]))]
        try:
            self.pid = _ask(json.dumps(question).encode(), streams)
        finally:
            self._close_pipe_fds(*pipes)
            self._closed_child_pipe_fds = True
        self._child_created = True


def run(
    command: list[str], *, cwd: Path, env: dict[str, str], timeout: float, **options: Any
) -> subprocess.CompletedProcess[str]:
    """``subprocess.run`` of a command whose output is captured as text, and which is asked nothing."""
    with Forked(
        command, cwd=cwd, env=env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        **options,
    ) as process:  # fmt: skip
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _ask(question: bytes, streams: list[int]) -> int:
    """The number of a process with these streams; the one that forked it has left it to us by then."""
    assert len(question) <= LONGEST
    with _asking:
        server = _server()
        _adopt(True)
        try:
            socket.send_fds(server, [question], streams)
            answer = server.recv(64)
        finally:
            _adopt(False)
        server.send(b"go on")
    assert answer, "the server that forks has died"
    return int(answer)


def _adopt(whether: bool) -> None:
    """Whether orphans among our descendants become our children; any that is orphaned later is nobody's to wait for."""
    library = ctypes.CDLL(None, use_errno=True)
    assert library.prctl(_PR_SET_CHILD_SUBREAPER, int(whether), 0, 0, 0) == 0, os.strerror(ctypes.get_errno())


@cache
def _server() -> socket.socket:
    """One for each process of the tests; it ends when nobody can ask any more."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    server = subprocess.Popen(
        [sys.executable, "-m", __name__, str(theirs.fileno())], cwd=ROOT, env=environment, pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    theirs.close()
    atexit.register(server.kill)
    return ours


def serve(channel: socket.socket) -> None:
    """Forks for each question; what it forks is a child of whoever asked."""
    while True:
        question, streams, _, _ = socket.recv_fds(channel, LONGEST, 3)
        if not question:
            return
        reading, writing = os.pipe()
        waiting, started = os.pipe()
        between = os.fork()
        if between == 0:
            child = os.fork()
            if child == 0:
                for descriptor in (reading, writing, started):
                    os.close(descriptor)
                channel.close()
                os.read(waiting, 1)
                os.close(waiting)
                become(question, streams)
            os.write(writing, str(child).encode())
            os._exit(0)
        for descriptor in (writing, waiting, *streams):
            os.close(descriptor)
        os.waitpid(between, 0)
        channel.send(os.read(reading, 64))
        os.close(reading)
        channel.recv(64)  # an orphan of the child's own would be adopted too, had it begun before
        os.close(started)


def become(question: bytes, streams: list[int]) -> None:
    """In the child: is ``python WORDS``, in that directory, with that environment."""
    words, directory, environment = json.loads(question)
    # First out of the way: a stream that was passed can have got the number of another.
    moved = [os.dup(stream) if stream <= 2 else stream for stream in streams]
    for number, stream in enumerate(moved):
        os.dup2(stream, number)
    for stream in {*streams, *moved} - {0, 1, 2}:
        os.close(stream)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        setattr(sys, name, _like(getattr(sys, name), number))
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.pycache_prefix = environment.get("PYTHONPYCACHEPREFIX") or None
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    os._exit(_ended(words, directory))


def _like(stream: Any, number: int) -> io.TextIOWrapper:
    """What Python would have made of this file: it asks whether that can be sought, and then relies on it."""
    unbuffered = number > 0 and stream.write_through
    raw = open(number, "wb" if number else "rb", buffering=0 if unbuffered else -1, closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(
        raw, stream.encoding, stream.errors, line_buffering=stream.line_buffering, write_through=stream.write_through
    )


def _ended(words: list[str], directory: str) -> int:
    """Runs the program and what is to be done at its end; returns its exit code, or dies as Python does."""
    code = 0
    try:
        kind, program, *arguments = words
        if kind == "-m":
            sys.path[0], sys.argv = directory, ["-m", *arguments]
            runpy.run_module(program, run_name="__main__", alter_sys=True)
        else:
            assert kind == "-c", words
            sys.path[0], sys.argv = "", ["-c", *arguments]
            sys.modules["__main__"] = main = ModuleType("__main__")
            exec(compile(program, "<string>", "exec"), main.__dict__)
    except SystemExit as done:
        if not isinstance(done.code, int | None):
            print(done.code, file=sys.stderr)
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
    except BaseException as error:
        traceback.print_exc()
        code = 1
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code & 0xFF


def main() -> None:
    from tests.model.operations_child import import_everything

    channel = socket.socket(fileno=int(sys.argv[1]))
    import_everything()
    for name in IMPORTED:
        importlib.import_module(name)
    atexit._clear()  # nothing of the server's is to be done by its children
    gc.collect()
    gc.freeze()  # what the children leave alone is not copied for them
    serve(channel)


if __name__ == "__main__":
    main()
