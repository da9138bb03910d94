"""``runs``: what was run in a directory, in which state it is now, and what of it is forgotten."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import pytest

from hotmig.errors import UsageError
from hotmig.ledger.model import STATES, State
from hotmig.ledger.store import LEDGER_FILE
from hotmig.phases.running import running
from hotmig.phases.runs import list_runs, prune, show_run
from tests.phases.processes import patched
from tests.phases.shops import Shop, open_shop
from tests.scenarios.harness import wait_until
from tests.scenarios.test_hostile_states import KILLED_BEFORE_THE_FILE


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "shop")


def states(shop: Shop) -> list[tuple[str, State]]:
    return [(run.command, run.state) for run in list_runs(shop.directory)]


def test_where_nothing_was_run_there_are_no_runs(shop: Shop) -> None:
    before = shop.everything()
    assert list_runs(shop.directory) == ()
    assert shop.everything() == before


def test_the_newest_run_is_the_first(shop: Shop) -> None:
    for command in ("migrate", "drain", "cutover", "cleanup-old"):
        shop.run(command)
    assert states(shop) == [(name, "completed") for name in ("cleanup-old", "cutover", "drain", "migrate")]


def test_a_run_says_what_it_was_about(shop: Shop) -> None:
    shop.run("migrate --wal")
    (run,) = list_runs(shop.directory)
    assert (run.command, run.arguments) == ("migrate", f"--wal --dir {shop.directory}")
    assert (run.old_file, run.new_file) == (shop.old.name, shop.new.name)
    assert [(run.plan_hash,)] == shop.ask("SELECT plan_hash FROM _migration_marker")
    assert (run.error, len(run.steps)) == (None, 5)
    steps = [each for step in run.steps for each in (step.intent_utc, step.outcome_utc)]
    times = [run.started_utc, *map(str, steps)]
    assert [*times, run.finished_utc] == [*sorted(times), run.finished_utc]


def test_a_run_that_died_is_what_its_steps_say(shop: Shop) -> None:
    assert patched(shop, KILLED_BEFORE_THE_FILE, "migrate").wait() == 9
    (run,) = list_runs(shop.directory)
    assert (run.state, run.finished_utc, [step.status for step in run.steps]) == ("partially_committed", None, ["done"])


def test_a_run_at_work_is_running_and_is_what_its_steps_say_once_it_is_killed(shop: Shop) -> None:
    held = shop.directory / "held"
    waits = (
        "import pathlib, time, hotmig.phases.migrate as m\n"
        f"m._make_file = lambda *rest: (pathlib.Path({str(held)!r}).touch(), time.sleep(600))"
    )
    process = patched(shop, waits, "migrate")
    wait_until(lambda: held.exists() or process.poll() is not None, "migrate to be at work")
    assert states(shop) == [("migrate", "running")]
    assert (show_run(shop.directory, "2").pid, show_run(shop.directory, "2").finished_utc) == (process.pid, None)
    process.kill()
    process.communicate()
    assert states(shop) == [("migrate", "partially_committed")]


def test_a_refused_run_ends_failed_with_its_error(shop: Shop) -> None:
    shop.run("cutover", code=3)
    (run,) = list_runs(shop.directory)
    assert (run.state, run.steps) == ("failed", ())
    assert run.error == f"{shop.old.name} has no _migration_marker: no migration is recording there"
    assert run.finished_utc is not None


def test_a_reset_abandons_the_runs_that_it_undoes(shop: Shop) -> None:
    shop.run("migrate")
    shop.run("drain")
    shop.run("reset")
    assert states(shop) == [("reset", "completed"), ("drain", "abandoned"), ("migrate", "abandoned")]


def test_a_reset_that_has_nothing_to_undo_abandons_nothing(shop: Shop) -> None:
    shop.run("migrate --offline")
    shop.run("reset")
    assert states(shop) == [("reset", "completed"), ("migrate", "completed")]


def test_a_reset_that_died_behind_its_last_effect_is_completed_by_the_next(shop: Shop) -> None:
    shop.run("migrate")
    dies = "import os, hotmig.ledger.run as r\nr.Run.abandon_earlier = lambda *rest: os._exit(9)"
    assert patched(shop, dies, "reset").wait() == 9
    assert states(shop) == [("reset", "partially_committed"), ("migrate", "completed")]
    assert shop.run("reset").stdout == "Reset skipped.\n  no migration is under way\n"
    assert states(shop) == [("reset", "completed"), ("reset", "partially_committed"), ("migrate", "abandoned")]


def test_a_reset_that_died_without_an_effect_says_nothing_of_what_was_cut_over_since(shop: Shop) -> None:
    shop.run("migrate")
    dies = "import os, hotmig.phases.reset as r\nr.stop_recording = lambda *rest: os._exit(9)"
    assert patched(shop, dies, "reset").wait() == 9
    shop.run("migrate")
    shop.run("drain --cutover")
    shop.run("reset")
    assert [(command, state) for command, state in states(shop) if command == "migrate"] == [
        ("migrate", "completed"),
        ("migrate", "completed"),
    ]


def test_the_runs_of_a_migration_under_way_are_not_pruned(shop: Shop) -> None:
    shop.run("cutover", code=3)
    shop.run("migrate")
    shop.run("drain")
    assert len(shop.json("runs prune --older-than 0")["pruned"]) == 1
    assert [command for command, _ in states(shop)] == ["drain", "migrate"]
    shop.run("cutover")
    assert len(shop.json("runs prune --older-than 0")["pruned"]) == 3


def test_a_dead_reset_says_nothing_of_a_later_migration(shop: Shop) -> None:
    shop.run("migrate")
    dies = "import os, hotmig.ledger.run as r\nr.Run.abandon_earlier = lambda *rest: os._exit(9)"
    assert patched(shop, dies, "reset").wait() == 9
    shop.run("migrate")
    shop.run("drain --cutover")
    shop.run("reset")
    assert ("migrate", "abandoned") not in states(shop)


def make_one_of_each_state(shop: Shop) -> None:
    shop.run("migrate")
    shop.run("reset")  # completed, and the first is abandoned
    shop.run("migrate")
    shop.run("runs rollback", list_runs(shop.directory)[0].run_id, "--yes")
    shop.run("cutover", code=3)  # failed
    assert patched(shop, KILLED_BEFORE_THE_FILE, "migrate").wait() == 9


def test_the_runs_of_one_state_are_listed(shop: Shop) -> None:
    make_one_of_each_state(shop)
    every = list_runs(shop.directory)
    with running(shop.directory, "x") as run:
        assert [each.run_id for each in list_runs(shop.directory, "running")] == [run.run_id]
    for state in STATES:
        wanted = [each.run_id for each in every if each.state == state]
        listed = [each.run_id for each in list_runs(shop.directory, state) if each.command != "x"]
        assert listed == wanted, state
        assert wanted or state == "running"


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_at_most_so_many_are_listed_of_those_that_are_wanted(shop: Shop, most: int) -> None:
    make_one_of_each_state(shop)
    every = list_runs(shop.directory)
    assert list_runs(shop.directory, limit=most) == every[:most]
    completed = tuple(run for run in every if run.state == "completed")
    assert len(completed) == 2
    assert list_runs(shop.directory, "completed", most) == completed[:most]


# --- one run


def test_a_run_is_found_by_its_id_or_the_beginning_of_it(tmp_path: Path) -> None:
    for run_id in ("a-1", "a-12", "b-1"):
        with running(tmp_path, "x", run_id=run_id):
            pass
    assert show_run(tmp_path, "b").run_id == "b-1"
    assert show_run(tmp_path, "a-12").run_id == "a-12"
    assert show_run(tmp_path, "a-1").run_id == "a-1"  # though another id begins so
    with pytest.raises(UsageError, match="2 runs have an id that begins with a"):
        show_run(tmp_path, "a")
    for missing in ("c", "a-13", "-1"):
        with pytest.raises(UsageError, match=f"there is no run with the id {missing}"):
            show_run(tmp_path, missing)


# --- prune


def made_older(shop: Shop, days: dict[str, float]) -> None:
    """Puts the beginning of runs back."""
    db = sqlite3.connect(shop.own / LEDGER_FILE, isolation_level=None)
    for command, ago in days.items():
        began = (dt.datetime.now(dt.UTC) - dt.timedelta(days=ago)).isoformat(timespec="milliseconds")
        db.execute("UPDATE run SET started_utc = ? WHERE command = ?", (began.replace("+00:00", "Z"), command))
    db.close()


def test_old_runs_are_pruned_with_their_steps_and_the_others_are_kept(shop: Shop) -> None:
    for command in ("migrate", "drain", "cutover"):
        shop.run(command)
    kept = list_runs(shop.directory)[:1]
    old = [run.run_id for run in list_runs(shop.directory)[1:]]
    made_older(shop, {"migrate": 40, "drain": 31, "cutover": 29})
    assert set(prune(shop.directory, 30).pruned) == set(old)
    assert [(run.run_id, len(run.steps)) for run in list_runs(shop.directory)] == [
        (run.run_id, len(run.steps)) for run in kept
    ]
    db = sqlite3.connect(shop.own / LEDGER_FILE)
    assert db.execute("SELECT DISTINCT run_id FROM step").fetchall() == [(kept[0].run_id,)]
    db.close()


def test_a_run_at_work_is_never_pruned(shop: Shop) -> None:
    with running(shop.directory, "migrate") as run:
        other = run.run_id
    # Its stamp was lost, and its process lives: this one.
    db = sqlite3.connect(shop.own / LEDGER_FILE, isolation_level=None)
    db.execute("UPDATE run SET state = 'running', finished_utc = NULL")
    db.close()
    made_older(shop, {"migrate": 40})
    assert prune(shop.directory, 0).pruned == ()
    assert [run.run_id for run in list_runs(shop.directory)] == [other]


def test_where_nothing_was_run_there_is_nothing_to_prune(shop: Shop) -> None:
    before = shop.everything()
    assert prune(shop.directory, 0).pruned == ()
    assert shop.everything() == before
