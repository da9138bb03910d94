"""A process is known again by its number, its start and its host."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from hotmig.process import Process, _started, is_alive, is_elsewhere, this_process
from tests.containers import in_container, needs_containers


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
    assert is_alive(replace(this_process(), started=f"{this_process().numbering}:1")) is False


def test_what_ran_before_the_host_was_started_anew_is_dead() -> None:
    earlier = replace(this_process(), started="another boot:4026531836:1")
    assert (is_alive(earlier), is_elsewhere(earlier)) == (False, False)


def test_nothing_is_known_of_another_host() -> None:
    other = replace(this_process(), host="elsewhere.example", started="another boot:4026531836:1")
    assert (is_alive(other), is_elsewhere(other)) == (None, True)


@needs_containers
def test_a_container_is_no_other_host_but_its_processes_are_not_seen() -> None:
    program = "from hotmig.process import this_process; print(repr(this_process()))"
    told = subprocess.run(in_container("box-1", program), text=True, capture_output=True, check=True)
    process = eval(told.stdout, {"Process": Process})
    assert (process.host, process.pid) == ("box-1", 1)
    assert (is_alive(process), is_elsewhere(process)) == (None, False)


def test_a_process_that_ended_and_was_not_waited_for_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    process = Process(this_process().host, child.pid, _started(child.pid))
    assert is_alive(process)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
    assert is_alive(process) is False
    child.communicate()
