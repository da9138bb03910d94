"""One operator at a time: the second is told who is at work, and a dead one's lock is free."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hotmig.errors import GaveUp
from hotmig.lock import one_operator, read_holder
from hotmig.process import this_process

SINCE = "2026-11-20T19:00:00.000Z"


@contextmanager
def another(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until it is killed."""
    program = (
        "import sys, pathlib\nfrom hotmig.lock import one_operator\n"
        f"with one_operator(pathlib.Path(sys.argv[1]), 'migrate', '{SINCE}'):\n"
        "    print('held', flush=True)\n    sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(folder)]
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


def test_a_lock_file_that_was_deleted_is_made_again(tmp_path: Path) -> None:
    with one_operator(tmp_path, "migrate", SINCE):
        (tmp_path / "lock").unlink()
        with one_operator(tmp_path, "drain", SINCE):
            assert (tmp_path / "lock").exists()


def test_a_lock_file_that_holds_anything_else_does_not_matter(tmp_path: Path) -> None:
    for content in (b"", b"{", b"[1]", b"\xff\xfe", b'{"command": 1}'):
        (tmp_path / "lock").write_bytes(content)
        assert read_holder(tmp_path) is None
        with one_operator(tmp_path, "drain", SINCE):
            pass


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    with one_operator(tmp_path, "migrate", SINCE):
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
