"""An intent before each effect, its outcome after it; the state of a run without a stamp follows from them."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from hotmig.errors import HotmigError, Refused
from hotmig.ledger.model import State, Step
from hotmig.ledger.run import Run
from hotmig.ledger.state import state_of
from hotmig.ledger.store import Intent, Ledger, open_ledger
from hotmig.process import Process, this_process
from tests.ledger.test_store import RUN


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path, 1.0) as opened:
        opened.add_run(RUN)
        yield opened


def told(ledger: Ledger) -> list[tuple[str, str | None, str | None]]:
    return [(step.action, step.status, step.error) for step in ledger.steps("r1")]


def test_the_intent_is_there_while_the_effect_happens(ledger: Ledger) -> None:
    with Run("r1", ledger).step("copy", "orders", "400 rows", "new file"):
        assert told(ledger) == [("copy", None, None)]
    assert told(ledger) == [("copy", "done", None)]
    assert ledger.steps("r1")[0].undo == "new file"


def test_a_failed_effect_says_why_without_the_users_data(ledger: Ledger) -> None:
    with suppress(Refused), Run("r1", ledger).step("replay", "new.sqlite"):
        raise Refused("a row does not fit", "mend it", rows=" (old table t, row with id 'secret')")
    with suppress(sqlite3.Error), Run("r1", ledger).step("prove", "new.sqlite"):
        raise sqlite3.OperationalError("near secret: syntax error")
    assert told(ledger) == [("replay", "failed", "a row does not fit"), ("prove", "failed", "OperationalError")]


def test_steps_in_the_pause_are_written_before_and_after_it(ledger: Ledger) -> None:
    names = ("raise the fence", "replay the rest", "retire", "make ready")
    intents = [Intent(name, "x") for name in names]
    with Run("r1", ledger).steps(*intents) as reached:
        assert told(ledger) == [(name, None, None) for name in names]
        before = ledger.db.total_changes
        for intent in intents:
            reached(intent)
        assert ledger.db.total_changes == before
    assert told(ledger) == [(name, "done", None) for name in names]


def test_of_steps_that_follow_one_another_the_one_that_failed_is_known(ledger: Ledger) -> None:
    intents = [Intent(name, "x") for name in "abc"]
    with suppress(Refused), Run("r1", ledger).steps(*intents) as reached:
        reached(intents[0])
        raise Refused("b went wrong")
    assert told(ledger) == [("a", "done", None), ("b", "failed", "b went wrong"), ("c", "failed", "not reached")]


def test_without_a_ledger_nothing_is_written_and_the_work_is_done() -> None:
    run, done = Run(), []
    with run.step("copy", "orders"):
        done.append("orders")
    run.concerns("hash", "old", "new")
    run.finish()
    assert (done, run.unwritten) == (["orders"], [])


def test_an_outcome_that_can_not_be_written_does_not_undo_the_effect(ledger: Ledger) -> None:
    run = Run("r1", ledger)
    with run.step("copy", "orders"):
        ledger.db.execute("PRAGMA query_only = ON")
    assert len(run.unwritten) == 1
    assert told(ledger) == [("copy", None, None)]


def test_an_intent_that_can_not_be_written_stops_before_the_effect(ledger: Ledger) -> None:
    ledger.db.execute("PRAGMA query_only = ON")
    run = Run("r1", ledger)
    with pytest.raises(HotmigError, match="can't be written") as stopped, run.step("copy", "orders"):
        pytest.fail("the effect happened")
    assert "--no-ledger" in (stopped.value.hint or "")
    assert not run.acted


def test_what_must_not_wait_for_the_ledger_is_done_without_it(ledger: Ledger) -> None:
    ledger.db.execute("PRAGMA query_only = ON")
    run, done = Run("r1", ledger), []
    with run.step_anyway("lower the fence", "old.sqlite"):
        done.append("lowered")
    assert (done, len(run.unwritten), told(ledger)) == (["lowered"], 1, [])


def test_what_does_not_wait_for_the_ledger_is_written_down_where_it_can_be(ledger: Ledger) -> None:
    with Run("r1", ledger).step_anyway("lower the fence", "old.sqlite"):
        assert told(ledger) == [("lower the fence", None, None)]
    assert told(ledger) == [("lower the fence", "done", None)]


DONE, FAILED, UNKNOWN = "done", "failed", None


@pytest.mark.parametrize(
    ("alive", "statuses", "state"),
    [
        (True, [DONE, UNKNOWN], "running"),
        (False, [DONE, UNKNOWN], "partially_committed"),
        (False, [UNKNOWN], "partially_committed"),
        (False, [DONE, FAILED], "partially_committed"),
        (False, [DONE], "partially_committed"),
        (False, [FAILED], "failed"),
        (False, [], "failed"),
    ],
)
def test_an_unstamped_run_is_what_its_steps_say(
    alive: bool, statuses: list[str | None], state: State, tmp_path: Path
) -> None:
    process = this_process() if alive else replace(this_process(), started="an earlier boot")
    steps = [
        Step(n, "r1", n, "t", "copy", "orders", None, status and "t", status, None, None)  # type: ignore[arg-type]
        for n, status in enumerate(statuses)
    ]
    assert state_of(replace(RUN, process=process), steps, tmp_path) == state


def test_a_stamp_is_not_derived_again(tmp_path: Path) -> None:
    dead = replace(this_process(), started="an earlier boot")
    assert state_of(replace(RUN, stamp="completed", process=dead), [], tmp_path) == "completed"


@pytest.mark.parametrize("host", ["elsewhere.example", "box-1"], ids=["host", "container"])
def test_a_run_of_another_host_or_container_is_running_while_it_holds_the_lock(host: str, tmp_path: Path) -> None:
    """Its process is not seen from here."""
    boot = "another boot" if host != "box-1" else this_process().boot
    process = Process(host, 1, f"{boot}:7:1")
    run = replace(RUN, process=process)
    assert state_of(run, [], tmp_path) == "failed"
    (tmp_path / "lock").write_text(json.dumps({"command": "x", "process": asdict(process), "since": "t"}))
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    assert state_of(run, [], tmp_path) == "running"
    assert state_of(replace(run, process=replace(process, pid=2)), [], tmp_path) == "failed"
    os.close(folder)


@pytest.mark.parametrize(
    ("error", "state", "text"),
    [
        (None, "completed", None),
        (Refused("not drained", rows=" (row 5)"), "failed", "not drained"),
        (ZeroDivisionError("5"), "partially_committed", "ZeroDivisionError"),
    ],
)
def test_a_run_is_stamped_by_how_it_ended(ledger: Ledger, error: BaseException | None, state: str, text: str) -> None:
    run = Run("r1", ledger)
    with run.step("replay", "new.sqlite"):
        pass
    run.finish(error)
    assert [(each.stamp, each.error) for each in ledger.runs()] == [(state, text)]


def test_a_run_that_is_refused_before_it_changes_anything_failed(ledger: Ledger) -> None:
    run = Run("r1", ledger)
    run.finish(Refused("not drained"))
    assert [each.stamp for each in ledger.runs()] == ["failed"]
