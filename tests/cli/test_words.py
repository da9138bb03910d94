"""Sentences that must be true in every case: of a pause in which nothing was written, of a fence that is up."""

from __future__ import annotations

from pathlib import Path

from hotmig.cli.render.results import drain
from hotmig.phases.drain import DrainResult
from tests.phases.shops import open_shop


def test_a_drain_that_had_nothing_to_replay_speaks_of_no_write() -> None:
    told = list(drain(DrainResult(None, Path("a"), Path("b"), rounds=4, drained_seconds=2.312)))
    assert told[0] == "Drained: 0 writes replayed in 4 rounds."
    assert "  everything was replayed 2.3 s after writes were paused" in told
    assert "write was" not in "\n".join(told)


def test_the_time_of_the_marker_is_that_of_the_beginning(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    began = shop.json("status")["started_utc"]
    assert f"  recording since {began}\n" in shop.run("plan").stdout
    shop.run("drain")
    assert f"  draining; the migration began {began}\n" in shop.run("plan").stdout
