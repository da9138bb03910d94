"""``runs rollback``: what one run did is taken back, the last step first, as far as that has an inverse."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.phases.processes import patched
from tests.phases.shops import Shop, failure_in, items, open_shop
from tests.scenarios.harness import wait_until
from tests.scenarios.test_hostile_states import KILLED_BEFORE_THE_COPY, KILLED_BEFORE_THE_FILE

Marks = list[tuple[str, str | None, str | None]]
NO_INVERSE = "it has no inverse of its own"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "shop")


def newest(shop: Shop) -> str:
    run_id: str = shop.runs()[0]["run_id"]
    return run_id


def of(shop: Shop, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = shop.json("runs show", run_id)
    return found


def marks(shop: Shop, run_id: str) -> Marks:
    """What became of the steps of a run, and why."""
    return [(step["action"], step["status"], step["error"]) for step in of(shop, run_id)["steps"]]


def as_before(shop: Shop) -> tuple[object, ...]:
    return shop.objects(), shop.ask(items()), set(shop.listing())


def undone(shop: Shop) -> list[tuple[str, str]]:
    """What the newest run, a rollback, did: its steps in their order."""
    own = shop.runs()[0]
    assert (own["command"], own["state"]) == ("runs rollback", "completed")
    assert {step["status"] for step in own["steps"]} <= {"done"}
    return [(step["action"], step["object"]) for step in own["steps"]]


def test_a_migrate_is_taken_back_the_last_step_first(shop: Shop) -> None:
    before = as_before(shop)
    shop.run("migrate")
    run_id, new = newest(shop), shop.new.name
    shop.write("INSERT INTO item(name) VALUES ('stays')")
    told = shop.run("runs rollback", run_id, "--yes").stdout.splitlines()
    assert told[0] == f"Rolled {run_id} back."
    assert undone(shop) == [("delete the new file", new), ("stop recording", shop.old.name)]
    assert (shop.objects(), set(shop.listing())) == (before[0], before[2])
    assert shop.ask("SELECT name FROM item ORDER BY id DESC LIMIT 1") == [("stays",)]
    assert of(shop, run_id)["state"] == "rolled_back"
    assert marks(shop, run_id) == [
        ("start recording", "rolled_back", None),
        ("make the new file", "rolled_back", None),
        ("index", "rollback_skipped", NO_INVERSE),
        ("finish", "rollback_skipped", NO_INVERSE),
    ]
    assert [line.split()[0] for line in told[1:]] == ["4", "3", "2", "1"]


def test_afterwards_a_migration_can_begin_anew(shop: Shop) -> None:
    shop.run("migrate")
    first = newest(shop)
    shop.run("runs rollback", first, "--yes")
    assert shop.phase() == "none"
    for command in ("migrate", "drain", "cutover"):
        shop.run(command)
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())
    assert of(shop, first)["state"] == "rolled_back"


def test_a_fence_alone_is_taken_back_and_the_recording_goes_on(shop: Shop) -> None:
    shop.run("migrate")
    shop.run("drain")
    run_id, new = newest(shop), shop.new
    with pytest.raises(sqlite3.IntegrityError, match="writes are paused"):
        shop.write("DELETE FROM item WHERE id = 1")
    shop.run("runs rollback", run_id, "--yes")
    assert undone(shop) == [("lower the fence", shop.old.name)]
    assert shop.phase() == "recording"
    shop.write("DELETE FROM item WHERE id = 1")
    assert new.exists()
    assert ("raise the fence", "rolled_back", None) in marks(shop, run_id)
    assert {status for _, status, _ in marks(shop, run_id)} == {"rolled_back", "rollback_skipped"}
    assert [(run["command"], run["state"]) for run in shop.runs()] == [
        ("runs rollback", "completed"),
        ("drain", "rolled_back"),
        ("migrate", "completed"),
    ]
    shop.run("drain --cutover")
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())


def test_a_recording_alone_is_taken_back(shop: Shop) -> None:
    before = as_before(shop)
    assert patched(shop, KILLED_BEFORE_THE_FILE, "migrate").wait() == 9
    run_id = newest(shop)
    shop.run("runs rollback", run_id, "--yes")
    assert undone(shop) == [("stop recording", shop.old.name)]
    assert as_before(shop) == before


def test_a_new_file_alone_is_taken_back_and_the_recording_goes_on(shop: Shop) -> None:
    """Made by a later run than the one that began to record."""
    assert patched(shop, KILLED_BEFORE_THE_FILE, "migrate").wait() == 9
    first = newest(shop)
    shop.run("migrate")
    second, new = newest(shop), shop.new.name
    shop.run("runs rollback", second, "--yes")
    assert undone(shop) == [("delete the new file", new)]
    assert shop.phase() == "copying"
    assert shop.fence() == ("recording", None)
    assert (of(shop, first)["state"], of(shop, second)["state"]) == ("partially_committed", "rolled_back")
    for command in ("migrate", "drain", "cutover"):
        shop.run(command)
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())


STOPPED_BEHIND_THE_FENCE = "import hotmig.phases.migrate as m\nm._copy = lambda *rest: os._exit(9)"


def test_all_three_are_taken_back_in_reverse_order(shop: Shop) -> None:
    before = as_before(shop)
    assert patched(shop, STOPPED_BEHIND_THE_FENCE, "migrate", "--offline").wait() == 9
    run_id, new = newest(shop), shop.new.name
    assert shop.fence()[0] == "draining"
    shop.run("runs rollback", run_id, "--yes")
    old = shop.old.name
    assert undone(shop) == [("delete the new file", new), ("lower the fence", old), ("stop recording", old)]
    assert as_before(shop) == before
    assert marks(shop, run_id) == [
        ("start recording", "rolled_back", None),
        ("raise the fence", "rolled_back", None),
        ("make the new file", "rolled_back", None),
    ]


def test_the_side_files_of_the_new_database_go_too(shop: Shop) -> None:
    shop.run("migrate")
    run_id = newest(shop)
    reader = sqlite3.connect(shop.new)
    reader.execute("SELECT count(*) FROM item").fetchone()
    shop.run("runs rollback", run_id, "--yes")
    reader.close()
    assert set(shop.listing()) == {shop.old.name, "schema.py"}


# --- a step without an outcome

KILLED_IN_THE_RECORDING = """
import hotmig.phases.migrate as m
start = m.start_recording
def killed(*rest):
    {before}
    start(*rest)
    os._exit(9)
m.start_recording = killed
"""


@pytest.mark.parametrize("happened", [True, False], ids=["it had happened", "it had not"])
def test_a_step_without_an_outcome_is_looked_into(shop: Shop, happened: bool) -> None:
    before = as_before(shop)
    patch = KILLED_IN_THE_RECORDING.format(before="pass" if happened else "os._exit(9)")
    assert patched(shop, patch, "migrate").wait() == 9
    run_id = newest(shop)
    assert marks(shop, run_id) == [("start recording", None, None)]
    assert of(shop, run_id)["state"] == "partially_committed"
    preview = shop.run("runs rollback", run_id, "--dry-run").stdout
    shop.run("runs rollback", run_id, "--yes")
    assert as_before(shop) == before
    if happened:
        assert "start recording" in preview
        assert marks(shop, run_id) == [("start recording", "rolled_back", None)]
    else:
        assert preview == "Rollback skipped.\n  nothing that this run did is left to be undone\n"


@pytest.mark.parametrize("happened", [True, False], ids=["it had happened", "it had not"])
@pytest.mark.parametrize("killed", ["in the recording", "in the file", "in the fence"])
def test_a_step_without_an_outcome_is_not_taken_for_that_of_a_later_migration(
    shop: Shop, killed: str, happened: bool
) -> None:
    """None of which is in the ledger: its last run is the one that died, and when it did nobody knows."""
    step = {"in the recording": "start_recording", "in the file": "make_of_pages", "in the fence": "raise_fence"}
    patch = KILLED_IN_THE_RECORDING.format(before="pass" if happened else "os._exit(9)")
    patch = patch.replace("m.start_recording", f"m.{step[killed]}")
    assert patched(shop, patch, "migrate", "--offline").wait() == 9
    first = newest(shop)
    assert marks(shop, first)[-1][1] is None
    shop.run("reset --no-ledger")
    assert patched(shop, KILLED_BEFORE_THE_COPY, "migrate", "--offline", "--no-ledger").wait() == 9
    assert shop.fence()[0] == "draining"
    before = shop.everything()
    done = shop.run("runs rollback", first, "--yes")
    assert done.stdout == "Rollback skipped.\n  nothing that this run did is left to be undone\n"
    assert shop.everything() == before


def test_a_recording_that_waited_for_its_lock_is_known_again(shop: Shop) -> None:
    """Long behind its intent: what tells it from a later one is not the time that passed."""
    before = as_before(shop)
    patch = "import time\n" + KILLED_IN_THE_RECORDING.format(before="time.sleep(0.3)")
    assert patched(shop, patch, "migrate").wait() == 9
    run_id = newest(shop)
    shop.run("runs rollback", run_id, "--yes")
    assert undone(shop) == [("stop recording", shop.old.name)]
    assert as_before(shop) == before


def test_what_was_lost_since_is_skipped_with_the_reason(shop: Shop) -> None:
    shop.run("migrate")
    run_id, new = newest(shop), shop.new
    new.unlink()
    shop.run("runs rollback", run_id, "--yes")
    assert undone(shop) == [("stop recording", shop.old.name)]
    assert ("make the new file", "rollback_skipped", f"{new.name} is not there") in marks(shop, run_id)


def test_a_fence_that_has_come_down_since_is_skipped_with_the_reason(shop: Shop) -> None:
    shop.run("migrate")
    shop.lapse()
    run_id = newest(shop)
    shop.run("runs rollback", run_id, "--yes")
    assert shop.phase() == "recording"
    assert of(shop, run_id)["state"] == "rolled_back"
    assert shop.run("runs rollback", run_id, "--yes").stdout.startswith("Rollback skipped.\n")


# --- dry run, refusals, nothing to do


def test_a_dry_run_says_each_step_and_does_nothing(shop: Shop) -> None:
    shop.run("migrate")
    run_id = newest(shop)
    before = shop.everything()
    lines = shop.run("runs rollback", run_id, "--dry-run").stdout.splitlines()
    facts = shop.json("runs rollback", run_id, "--dry-run")
    assert shop.everything() == before
    assert lines == [
        f"Rollback of {run_id} would do this:",
        f"     4  finish: {shop.new.name}: nothing to do, {NO_INVERSE}",
        f"     3  index: item: nothing to do, {NO_INVERSE}",
        f"     2  make the new file: {shop.new.name}: delete the new file",
        f"     1  start recording: {shop.old.name}: stop recording",
    ]
    assert (facts["dry_run"], facts["rolled_back"], [step["does"] for step in facts["steps"]]) == (
        True,
        run_id,
        [None, None, "delete the new file", "stop recording"],
    )


@pytest.mark.parametrize("options", ["--dry-run", "--yes", ""])
@pytest.mark.parametrize("which", ["migrate", "drain", "cutover"])
def test_a_ready_database_is_never_rolled_back(shop: Shop, which: str, options: str) -> None:
    for command in ("migrate", "drain", "cutover"):
        shop.run(command)
    (run_id,) = (run["run_id"] for run in shop.runs() if run["command"] == which)
    before = shop.everything()
    refused = shop.run("runs rollback", run_id, *options.split(), code=3)
    assert shop.everything() == before
    assert refused.stdout == ""
    error, hint = refused.stderr.splitlines()
    assert error == f"Error: {shop.new.name} is ready: a cutover is not undone here"
    assert "way-back.md" in hint


@pytest.mark.parametrize("options", ["--dry-run", "--yes", ""])
def test_a_cutover_that_was_cut_in_two_is_never_rolled_back(shop: Shop, options: str) -> None:
    shop.run("migrate")
    run_id = newest(shop)
    shop.run("drain")
    shop.write("UPDATE _migration_marker SET status = 'retired'")
    before = shop.everything()
    refused = shop.run("runs rollback", run_id, *options.split(), code=3)
    assert shop.everything() == before
    assert refused.stderr.splitlines() == [
        "Error: the old database is retired already, and the new one is not ready: a cutover was cut in two",
        "Hint: run `hotmig cutover` to finish it",
    ]


def test_a_run_of_a_database_that_was_replaced_by_another_one_is_told_so(shop: Shop) -> None:
    shop.run("migrate")
    run_id = newest(shop)
    shop.run("reset")
    module = shop.directory / "schema.py"
    module.write_text(module.read_text() + "    rank: int = 0\n")
    shop.run("migrate --offline")
    refused = shop.run("runs rollback", run_id, "--yes", code=3)
    error, hint = refused.stderr.splitlines()
    assert error == f"Error: {shop.old.name} was replaced by {shop.new.name}"
    assert "way-back.md" in hint


def test_a_second_rollback_has_nothing_left_to_undo(shop: Shop) -> None:
    shop.run("migrate")
    run_id = newest(shop)
    shop.run("runs rollback", run_id, "--yes")
    runs, before = shop.runs(), shop.everything()
    for options in ("--yes", "--dry-run", ""):
        done = shop.run("runs rollback", run_id, *options.split())
        assert done.stdout == "Rollback skipped.\n  nothing that this run did is left to be undone\n"
    assert (shop.runs(), shop.everything()) == (runs, before)


def test_a_run_that_did_nothing_has_nothing_to_undo(shop: Shop) -> None:
    shop.run("reset")
    done = shop.run("runs rollback", newest(shop), "--yes")
    assert done.stdout == "Rollback skipped.\n  nothing that this run did is left to be undone\n"


SINCE = {
    "nothing": "SELECT 1",
    "the clock was set back": "UPDATE _migration_marker SET started_utc = '2000-01-01T00:00:00.000Z'",
    "the marker was lost": "DROP TABLE _migration_marker",
}


@pytest.mark.parametrize("how", ["reset", "runs rollback"])
@pytest.mark.parametrize("since", SINCE)
def test_what_was_undone_is_not_undone_again_at_the_cost_of_a_later_migration(shop: Shop, since: str, how: str) -> None:
    shop.run("migrate")
    first = newest(shop)
    shop.run(how, *([first, "--yes"] if how == "runs rollback" else []))
    shop.run("migrate")  # the same plan, the same file name
    shop.write(SINCE[since])
    before = shop.everything()
    done = shop.run("runs rollback", first, "--yes")
    assert done.stdout == "Rollback skipped.\n  nothing that this run did is left to be undone\n"
    assert shop.everything() == before


@pytest.mark.parametrize("plan", ["of the same plan", "of another plan"])
def test_another_migration_is_left_alone(shop: Shop, plan: str) -> None:
    shop.run("migrate")
    first = newest(shop)
    shop.run("reset --no-ledger")  # so that the run is not known to be abandoned
    if plan == "of another plan":
        module = shop.directory / "schema.py"
        module.write_text(module.read_text() + "    rank: int = 0\n")
    shop.run("migrate")
    before = shop.everything()
    done = shop.run("runs rollback", first, "--yes")
    assert done.stdout == "Rollback skipped.\n  nothing that this run did is left to be undone\n"
    assert shop.everything() == before


# --- other runs


def test_later_runs_are_abandoned_with_the_migration_that_they_went_on_with(shop: Shop) -> None:
    assert patched(shop, KILLED_BEFORE_THE_COPY, "migrate").wait() == 9
    first = newest(shop)
    shop.run("migrate")
    shop.run("drain")
    shop.run("runs rollback", first, "--yes")
    assert [(run["command"], run["state"]) for run in shop.runs()] == [
        ("runs rollback", "completed"),
        ("drain", "abandoned"),
        ("migrate", "abandoned"),
        ("migrate", "rolled_back"),
    ]
    assert shop.phase() == "none"


def test_an_earlier_migration_keeps_its_states(shop: Shop) -> None:
    shop.run("migrate")
    shop.run("runs rollback", newest(shop), "--yes")
    shop.run("migrate")
    shop.run("reset")
    shop.run("migrate")
    shop.run("reset")
    assert [(run["command"], run["state"]) for run in shop.runs()] == [
        ("reset", "completed"),
        ("migrate", "abandoned"),
        ("reset", "completed"),
        ("migrate", "abandoned"),
        ("runs rollback", "completed"),
        ("migrate", "rolled_back"),
    ]


def test_a_migration_that_was_not_written_down_does_not_make_a_reset_abandon_an_earlier_one(shop: Shop) -> None:
    shop.run("migrate")
    shop.run("reset")
    shop.run("migrate --no-ledger")
    shop.run("reset")
    assert [(run["command"], run["state"]) for run in shop.runs()] == [
        ("reset", "completed"),
        ("reset", "completed"),
        ("migrate", "abandoned"),
    ]


# --- a rollback that died

DIES = {
    "before the mark": "r._mark = lambda _, undoing: undoing.step.undo == 'recording' and os._exit(9)",
    "before the stamp": "s.Ledger.stamp = lambda *rest: os._exit(9)",
}


@pytest.mark.parametrize("when", DIES)
def test_a_rollback_that_died_behind_its_last_effect_is_completed_by_the_next(shop: Shop, when: str) -> None:
    shop.run("migrate")
    run_id = newest(shop)
    shop.run("drain")
    dies = f"import os, hotmig.phases.rollback as r, hotmig.ledger.store as s\n{DIES[when]}"
    assert patched(shop, dies, "runs", "rollback", run_id, "--yes").wait() == 9
    assert of(shop, run_id)["state"] == "completed"
    shop.run("runs rollback", run_id, "--yes")
    assert [(run["command"], run["state"]) for run in shop.runs()] == [
        ("runs rollback", "completed"),
        ("runs rollback", "partially_committed"),
        ("drain", "abandoned"),
        ("migrate", "rolled_back"),
    ]
    assert ("start recording", "rolled_back") in [(action, status) for action, status, _ in marks(shop, run_id)]
    assert shop.run("runs rollback", run_id, "--yes").stdout.startswith("Rollback skipped.")


# --- a rollback that fails


def test_where_one_step_fails_the_rest_is_not_tried_and_can_be_later(shop: Shop) -> None:
    assert patched(shop, STOPPED_BEHIND_THE_FENCE, "migrate", "--offline").wait() == 9
    run_id, new = newest(shop), shop.new
    other = sqlite3.connect(shop.old, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    failed = shop.run("runs rollback", run_id, "--yes", "--busy-timeout", "0.1", code=1)
    failure = failure_in(failed.stderr)
    assert "step 3 could not be undone: gave up after 0.1 s" in failure.error
    assert f"`hotmig runs rollback {run_id}`" in failure.hint
    assert new.exists(), "what can't be undone as a whole is not begun by a deletion"
    recording, fence, file = marks(shop, run_id)
    assert recording == ("start recording", "rollback_skipped", "not tried: what comes before it failed")
    assert fence == ("raise the fence", "rollback_skipped", "not tried: what comes before it failed")
    assert file[:2] == ("make the new file", "rollback_failed")
    assert "gave up after 0.1 s" in (file[2] or "")
    assert of(shop, run_id)["state"] == "partially_committed"
    own = shop.runs()[0]
    assert (own["command"], own["state"]) == ("runs rollback", "failed")
    other.execute("ROLLBACK")
    other.close()
    shop.run("runs rollback", run_id, "--yes")
    assert [action for action, _ in undone(shop)] == ["delete the new file", "lower the fence", "stop recording"]
    assert of(shop, run_id)["state"] == "rolled_back"
    assert {status for _, status, _ in marks(shop, run_id)} == {"rolled_back"}
    assert set(shop.listing()) == {shop.old.name, "schema.py"}
    assert shop.own_objects() == set()


def test_a_run_at_work_is_not_rolled_back(shop: Shop) -> None:
    held = shop.directory / "held"
    waits = (
        "import pathlib, time, hotmig.phases.migrate as m\n"
        f"m._make_file = lambda *rest: (pathlib.Path({str(held)!r}).touch(), time.sleep(600))"
    )
    process = patched(shop, waits, "migrate")
    try:
        wait_until(lambda: held.exists() or process.poll() is not None, "migrate to be at work")
        run_id = newest(shop)
        assert of(shop, run_id)["state"] == "running"
        done = shop.run("runs rollback", run_id, "--yes", code=4)
        assert f"process {process.pid} " in done.stderr
        assert shop.fence() == ("recording", None)
    finally:
        process.kill()
        process.communicate()


def test_a_run_is_named_by_the_beginning_of_its_id(shop: Shop) -> None:
    shop.run("migrate")
    run_id = newest(shop)
    shop.run("runs rollback", run_id[:-3], "--yes")
    assert of(shop, run_id)["state"] == "rolled_back"


def test_what_a_later_run_did_is_not_undone(shop: Shop) -> None:
    """The first died before its marker was made; the second made it, and the new file."""
    nothing = "import hotmig.phases.migrate as m\nm.start_recording = lambda *rest: os._exit(9)"
    assert patched(shop, nothing, "migrate").wait() == 9
    first = newest(shop)
    shop.run("migrate")
    second, new = newest(shop), shop.new
    assert "nothing that this run did is left to be undone" in shop.run("runs rollback", first, "--yes").stdout
    assert new.exists()
    assert shop.fence() == ("recording", None)
    assert of(shop, second)["state"] == "completed"


def test_a_fence_that_a_later_drain_raised_stays_up(shop: Shop) -> None:
    shop.run("migrate")
    shop.lapse()
    first = newest(shop)
    shop.run("drain --hold 300")
    assert "nothing that this run did is left to be undone" in shop.run("runs rollback", first, "--yes").stdout
    assert shop.phase() == "drained"


@pytest.mark.parametrize("as_what", ["link", "database of somebody's"])
def test_what_hotmig_was_not_building_is_never_deleted(as_what: str, shop: Shop) -> None:
    shop.run("migrate")
    run_id, new = newest(shop), shop.new
    shop.run("reset --no-ledger")
    other = shop.directory / "application.db" if as_what == "link" else new
    db = sqlite3.connect(other)
    db.executescript("CREATE TABLE precious(x); INSERT INTO precious VALUES (1);")
    db.close()
    if as_what == "link":
        new.symlink_to(other)
    shop.run("runs rollback", run_id, "--yes")
    assert new.exists()
    assert shop.ask("SELECT x FROM precious", other) == [(1,)]


def test_an_id_that_is_empty_names_no_run(shop: Shop) -> None:
    shop.run("migrate")
    for command in ("runs rollback --yes", "runs show"):
        assert "there is no run with the id" in shop.run(command, "", code=2).stderr
