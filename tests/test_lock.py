"""One operator at a time: the second is told who is at work, and a dead one's lock is free."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest

from hotmig.errors import GaveUp
from hotmig.lock import one_operator, read_holder
from hotmig.process import this_process
from tests.containers import in_container, needs_containers
from tests.scenarios.harness import wait_until

SINCE = "2026-11-20T19:00:00.000Z"
ODD = b'{"command": 1, "process": {"host": 5, "pid": "x", "started": 7}, "since": null}'
PROGRAM = f"""import sys, pathlib
from hotmig.lock import one_operator
with one_operator(pathlib.Path(sys.argv[1]), 'migrate', '{SINCE}'):
    print('held', flush=True)
    sys.stdin.read()
"""


@contextmanager
def another(folder: Path, container: str | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until it is killed."""
    here = [sys.executable, "-c", PROGRAM, str(folder)]
    command = in_container(container, PROGRAM, str(folder)) if container else here
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_second_is_told_who_holds_it(tmp_path: Path) -> None:
    with another(tmp_path) as holder:
        told = f"`hotmig migrate` (process {holder.pid} on {this_process().host}, since {SINCE}) is at work"
        with pytest.raises(GaveUp) as refused, one_operator(tmp_path, "drain", SINCE):
            pass
        assert told in refused.value.message
        assert refused.value.exit_code == 4
        assert str(read_holder(tmp_path)) in told
    with one_operator(tmp_path, "drain", SINCE):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with another(tmp_path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert read_holder(tmp_path) is None
        with one_operator(tmp_path, "drain", SINCE):
            assert read_holder(tmp_path) is not None


def test_what_another_host_holds_is_never_taken_over(tmp_path: Path) -> None:
    process = {"host": "elsewhere.example", "pid": 7, "started": ""}
    content = json.dumps({"command": "migrate", "process": process, "since": SINCE})
    (tmp_path / "lock").write_text(content)
    with pytest.raises(GaveUp, match=r"process 7 on elsewhere\.example") as refused, one_operator(tmp_path, "x", SINCE):
        pass
    assert str(tmp_path / "lock") in (refused.value.hint or "")
    assert (tmp_path / "lock").read_text() == content


def test_an_error_in_the_work_frees_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), one_operator(tmp_path, "migrate", SINCE):
        raise ZeroDivisionError
    assert read_holder(tmp_path) is None
    assert (tmp_path / "lock").read_bytes() == b""


def test_whoever_deletes_the_file_does_not_free_the_lock(tmp_path: Path) -> None:
    with another(tmp_path) as holder:
        (tmp_path / "lock").unlink()
        with pytest.raises(GaveUp, match="another hotmig is at work"), one_operator(tmp_path, "drain", SINCE):
            pass
        assert str(read_holder(tmp_path)) == "another hotmig"
        holder.kill()
        holder.wait()
        with one_operator(tmp_path, "drain", SINCE):
            assert read_holder(tmp_path) is not None


def test_whoever_looks_whether_it_is_held_keeps_nobody_out(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    Timer(0.03, os.close, (descriptor,)).start()
    with one_operator(tmp_path, "drain", SINCE):
        pass


@needs_containers
def test_what_a_container_holds_is_named_and_free_when_it_is_gone(tmp_path: Path) -> None:
    """Each container has a host name of its own: a lock that went by it would never be free again."""
    with another(tmp_path, container="box-1") as holder:
        told = f"`hotmig migrate` (process 1 on box-1, since {SINCE}) is at work"
        assert str(read_holder(tmp_path)) in told
        with pytest.raises(GaveUp) as refused, one_operator(tmp_path, "drain", SINCE):
            pass
        assert told in refused.value.message
        holder.kill()
        holder.wait()
        wait_until(lambda: read_holder(tmp_path) is None, "the container to be gone")
        assert b"box-1" in (tmp_path / "lock").read_bytes()
        with one_operator(tmp_path, "drain", SINCE):
            pass


def test_a_lock_file_that_holds_anything_else_does_not_matter(tmp_path: Path) -> None:
    for content in (b"", b"{", b"[1]", b"\xff\xfe", b'{"command": 1}', ODD):
        (tmp_path / "lock").write_bytes(content)
        assert read_holder(tmp_path) is None
        with one_operator(tmp_path, "drain", SINCE):
            pass


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    with one_operator(tmp_path, "migrate", SINCE):
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
