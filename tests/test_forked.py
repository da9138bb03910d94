"""``Forked`` is a ``Popen``: what every other test takes for granted of the processes that it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.forked import Forked

ROOT = Path(__file__).parents[1]
KINDS = pytest.mark.parametrize("kind", [subprocess.Popen, Forked])


@KINDS
@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("pass", 0),
        ("import sys; sys.exit(7)", 7),
        ("import sys; sys.exit('no')", 1),
        ("1 / 0", 1),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("import os; os._exit(9)", 9),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("import atexit, os; atexit.register(os._exit, 5)", 5),
    ],
)
def test_it_ends_as_python_does(kind: Any, program: str, code: int) -> None:
    process = kind([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    _, told = process.communicate()
    assert process.returncode == code
    assert told.splitlines()[-1:] == {
        "sys.exit('no')": ["no"],
        "1 / 0": ["ZeroDivisionError: division by zero"],
        "raise KeyboardInterrupt": ["KeyboardInterrupt"],
    }.get(program.removeprefix("import sys; "), [])


LOOK = """
import os, sys
print(sys.stdin.read(), os.getcwd(), os.environ.get("HOTMIG_TOLD"), os.getppid(), sys.argv[1:])
print(sorted(os.listdir("/proc/self/fd"))[:3], len(os.listdir("/proc/self/fd")), sys.path[0], __name__)
print(*(stream.encoding for stream in (sys.stdin, sys.stdout, sys.stderr)), file=sys.stderr)
"""


def looked(kind: Any, directory: Path) -> tuple[str, str]:
    with kind(
        [sys.executable, "-c", LOOK, "one", ""], cwd=directory, env={**os.environ, "HOTMIG_TOLD": "x\n"}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        told: tuple[str, str] = process.communicate("said")
        return told


def test_it_has_the_streams_the_directory_and_the_environment_that_it_was_given(tmp_path: Path) -> None:
    out, err = looked(Forked, tmp_path)
    assert out.startswith(f"said {tmp_path} x\n {os.getpid()} ['one', '']\n")
    assert (out, err) == looked(subprocess.Popen, tmp_path)


def test_errors_can_go_where_the_output_goes() -> None:
    program = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    process = Forked([sys.executable, "-c", program], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.communicate() == ("out\nerr\n", None)


@KINDS
def test_it_is_a_child_that_can_be_stopped_and_killed(kind: Any) -> None:
    with kind([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        assert process.poll() is None
        process.send_signal(signal.SIGSTOP)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.kill()
    assert process.returncode == -signal.SIGKILL


def test_a_module_is_run_as_the_command_line_runs_it(tmp_path: Path) -> None:
    told = [
        subprocess.CompletedProcess((), process.wait(), *process.communicate())
        for command in (["--version"], ["plan", "-d", str(tmp_path)], ["no such command"])
        for kind in (Forked, subprocess.Popen)
        for process in [
            kind(
                [sys.executable, "-m", "hotmig", *command], cwd=tmp_path, text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
        ]
    ]  # fmt: skip
    assert [done.returncode for done in told] == [0, 0, 1, 1, 2, 2]
    assert [str(done) for done in told[::2]] == [str(done) for done in told[1::2]]


ORPHANED = """
import os, time
parent = os.getpid()
if not os.fork():
    while os.getppid() == parent:
        time.sleep(0.01)
    print(os.getppid())
"""


def test_nothing_else_becomes_our_child() -> None:
    """An orphan of the tests is nobody's to wait for."""
    Forked([sys.executable, "-c", "pass"]).wait()
    process = Forked([sys.executable, "-c", ORPHANED], text=True, stdout=subprocess.PIPE)
    assert int(process.communicate()[0]) not in (os.getpid(), process.pid)
