"""The ledger keeps runs and steps, and says clearly when it can't."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from hotmig.errors import HotmigError, Refused
from hotmig.ledger.model import RunRecord
from hotmig.ledger.store import Intent, Outcome, open_ledger, reading_ledger
from hotmig.process import this_process

RUN = RunRecord(
    "r1", "migrate", "--offline", None, None, None, "0.1.0", "running", "2026-11-20T19:00:00.000Z", None, None,
    this_process(),
)  # fmt: skip


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    with open_ledger(tmp_path, 1.0) as ledger:
        ledger.add_run(RUN)
        ledger.concerns("r1", "abc", "old.sqlite", "new.sqlite")
        one, two = ledger.add_steps("r1", "t1", [Intent("copy", "orders", "400 rows"), Intent("prove", "new", None)])
        ledger.settle([Outcome(one, "t2", "done")])
        ledger.stamp("r1", "completed", "t3")
    with reading_ledger(tmp_path) as found:
        assert found is not None
        (run,) = found.runs()
        assert run == replace(
            RUN, plan_hash="abc", old_file="old.sqlite", new_file="new.sqlite", stamp="completed", finished_utc="t3"
        )
        first, second = found.steps("r1")
        assert (first.step_id, first.seq, first.action, first.object, first.detail) == (
            one,
            1,
            "copy",
            "orders",
            "400 rows",
        )
        assert (first.status, first.outcome_utc) == ("done", "t2")
        assert (second.step_id, second.seq, second.status, second.outcome_utc) == (two, 2, None, None)


def test_an_intent_is_on_the_disk_before_the_effect(tmp_path: Path) -> None:
    with open_ledger(tmp_path, 1.0) as ledger:
        ledger.add_run(RUN)
        ledger.add_steps("r1", "t1", [Intent("copy", "orders")])
        with reading_ledger(tmp_path) as other:
            assert other is not None
            assert [step.action for step in other.steps("r1")] == ["copy"]


def test_a_run_id_is_given_once(tmp_path: Path) -> None:
    with open_ledger(tmp_path, 1.0) as ledger:
        ledger.add_run(RUN)
        with pytest.raises(Refused, match="r1"):
            ledger.add_run(replace(RUN, command="drain"))
        assert [run.command for run in ledger.runs()] == ["migrate"]


def test_the_stamp_stands(tmp_path: Path) -> None:
    with open_ledger(tmp_path, 1.0) as ledger:
        ledger.add_run(RUN)
        ledger.stamp("r1", "failed", "t1", "why")
        ledger.stamp("r1", "completed", "t2")
        assert [(run.stamp, run.finished_utc, run.error) for run in ledger.runs()] == [("failed", "t1", "why")]
        ledger.stamp("r1", "abandoned", "t3")
        assert [(run.stamp, run.finished_utc, run.error) for run in ledger.runs()] == [("abandoned", "t1", "why")]


def test_pruned_runs_go_with_their_steps(tmp_path: Path) -> None:
    with open_ledger(tmp_path, 1.0) as ledger:
        for run_id in ("r1", "r2"):
            ledger.add_run(replace(RUN, run_id=run_id))
            ledger.add_steps(run_id, "t1", [Intent("copy", "orders")])
        ledger.prune(["r1"])
        assert [run.run_id for run in ledger.runs()] == ["r2"]
        assert (ledger.steps("r1"), len(ledger.steps("r2"))) == ((), 1)


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    with open_ledger(tmp_path, 1.0) as ledger:
        ledger.add_run(RUN)
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        assert modes == {"ledger.sqlite": 0o600, "ledger.sqlite-wal": 0o600, "ledger.sqlite-shm": 0o600}
        assert ledger.db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert ledger.db.execute("PRAGMA synchronous").fetchone() == (1,)


def test_there_is_none_to_read_before_the_first_run(tmp_path: Path) -> None:
    with reading_ledger(tmp_path) as ledger:
        assert ledger is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to be looked at" * 30, b"SQLite format 3\0" + b"\1" * 2000]
)
def test_a_damaged_one_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(content)
    with pytest.raises(HotmigError, match="can't be used") as failed, open_ledger(tmp_path, 1.0):
        pass
    assert "--no-ledger" in (failed.value.hint or "")
    assert (tmp_path / "ledger.sqlite").read_bytes() == content


def test_one_of_a_newer_hotmig_is_told(tmp_path: Path) -> None:
    with open_ledger(tmp_path, 1.0):
        pass
    db = sqlite3.connect(tmp_path / "ledger.sqlite")
    db.execute("UPDATE schema_version SET version = 99")
    db.commit()
    db.close()
    with pytest.raises(HotmigError, match="version 99"), open_ledger(tmp_path, 1.0):
        pass


def test_one_that_lost_a_table_is_told(tmp_path: Path) -> None:
    with open_ledger(tmp_path, 1.0) as ledger:
        ledger.db.execute("DROP TABLE schema_version")
    with pytest.raises(HotmigError, match="can't be used"), open_ledger(tmp_path, 1.0):
        pass
