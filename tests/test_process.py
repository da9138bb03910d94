"""A process is known again by its number, its start and its host."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from hotmig.process import Process, _started, is_alive, this_process


def test_a_process_is_alive_until_it_ends() -> None:
    told = "from hotmig.process import this_process as p; import sys; print(repr(p()), flush=True); sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", told], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None

    process = eval(child.stdout.readline(), {"Process": Process})
    assert process.pid == child.pid
    assert is_alive(process) is True
    child.communicate("")
    assert is_alive(process) is False


def test_a_later_process_with_the_same_number_is_another() -> None:
    assert is_alive(this_process()) is True
    assert is_alive(replace(this_process(), started="another boot:1")) is False


def test_nothing_is_known_of_another_host() -> None:
    assert is_alive(replace(this_process(), host="elsewhere.example")) is None


def test_a_process_that_ended_and_was_not_waited_for_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    process = Process(this_process().host, child.pid, _started(child.pid))
    assert is_alive(process)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
    assert is_alive(process) is False
    child.communicate()
