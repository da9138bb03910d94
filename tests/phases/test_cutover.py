"""``cutover``: what it refuses, and that a refusal changes nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hotmig.errors import Stopped
from hotmig.phases import half_cut as half_cut_phase
from hotmig.phases import handover
from hotmig.schema.model import Schema
from tests.phases.shops import Shop, failure_in, items, open_shop
from tests.scenarios.harness import wait_until


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    return shop


def refused(shop: Shop) -> tuple[str, str]:
    """A refusal, exit 3, that changes no database; its message and its hint."""
    before = {name: told for name, told in shop.listing().items() if name.endswith(".sqlite")}
    status = shop.json("status")["phase"]
    done = shop.run("cutover", code=3)
    assert {name: told for name, told in shop.listing().items() if name.endswith(".sqlite")} == before
    assert shop.phase() == status
    assert done.stdout == ""
    failure = failure_in(done.stderr)
    assert failure.left in (None, status)
    return failure.error, failure.hint


def check_handed_over(shop: Shop) -> None:
    assert shop.phase() == "retired"
    assert shop.ask(items(name="title"), shop.new) == shop.ask(items())
    shop.write("INSERT INTO item(title) VALUES ('the new one takes it')", file=shop.new)
    with pytest.raises(sqlite3.IntegrityError, match="hotmig: this database was replaced by"):
        shop.write("DELETE FROM item")


def test_after_a_drain_it_hands_over_and_says_the_pause_and_the_files(shop: Shop) -> None:
    shop.run("drain")
    lines = shop.run("cutover").stdout.splitlines()
    assert lines[:3] == ["Cut over: the new database is ready.", f"  old: {shop.old}", f"  new: {shop.new}"]
    assert lines[3].startswith("  writes were paused for ")
    check_handed_over(shop)


def test_json_has_the_pause_and_the_files(shop: Shop) -> None:
    shop.run("drain")
    facts = shop.json("cutover")
    assert (facts["old"], facts["new"]) == (str(shop.old), str(shop.new))
    assert facts["pause"] > 0
    assert facts["finished_half_cut"] is False


def test_a_reader_of_the_new_database_is_met_before_the_old_one_is_retired(tmp_path: Path) -> None:
    """In rollback-journal mode the last commit would wait for it, and neither would accept writes meanwhile."""
    shop = open_shop(tmp_path / "shop", wal=False)
    shop.run("migrate")
    shop.run("drain")
    reader = sqlite3.connect(shop.new, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM item").fetchone()
    failure = failure_in(shop.run("cutover --busy-timeout 0.2", code=4).stderr)
    assert "waiting for the new database's readers" in failure.error
    assert shop.phase() == "drained"
    reader.close()
    shop.run("cutover")
    check_handed_over(shop)


@pytest.mark.parametrize("command", ["cutover --busy-timeout 0.2", "drain --cutover --max-pause 0.2"])
def test_a_reader_that_comes_at_the_last_moment_finds_no_way_in(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_shop(tmp_path / "shop", wal=False)
    shop.run("migrate")
    if command.startswith("cutover"):
        shop.run("drain")
    retire = handover.retire

    def read_before(old: sqlite3.Connection) -> None:
        reader = sqlite3.connect(shop.new, isolation_level=None, timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            reader.execute("SELECT * FROM item").fetchone()
        reader.close()
        retire(old)

    monkeypatch.setattr(handover, "retire", read_before)
    shop.run(command)
    check_handed_over(shop)


def test_who_writes_to_the_new_database_at_the_last_moment_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two locks that a hand-over takes."""
    shop = open_shop(tmp_path / "shop", wal=False)
    shop.run("migrate")
    shop.run("drain")
    persist = handover.persist

    def written_before(db: sqlite3.Connection, sql: str, seconds: float, what: str) -> None:
        if sql == "BEGIN EXCLUSIVE":
            shop.write("PRAGMA user_version = 77", file=shop.new)
        persist(db, sql, seconds, what)

    with monkeypatch.context() as patch:
        patch.setattr(handover, "persist", written_before)
        failure = failure_in(shop.run("cutover", code=3).stderr)
    assert "somebody wrote to the new database while it was handed over" in failure.error
    shop.run("drain")
    shop.run("cutover")
    check_handed_over(shop)


def test_told_to_stop_behind_the_second_half_it_has_done_its_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deploy script would take exit 143 for a cutover that failed."""
    shop = half_cut(tmp_path)
    make_ready = half_cut_phase.make_ready

    def stopped_behind_the_commit(new: sqlite3.Connection, schema: Schema, **named: Any) -> None:
        make_ready(new, schema, **named)
        new.execute("COMMIT")
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(half_cut_phase, "make_ready", stopped_behind_the_commit)
        shop.run("cutover")
    assert [status for action, _, status in shop.steps() if action == "make ready"] == ["done"]
    assert shop.runs()[0]["state"] == "completed"
    check_handed_over(shop)


def test_before_migrate_there_is_nothing_to_cut_over_to(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    error, hint = refused(shop)
    assert error == f"Error: {shop.old.name} has no _migration_marker: no migration is recording there"
    assert "`hotmig migrate`" in hint


def test_without_drain_it_refuses(shop: Shop) -> None:
    assert refused(shop) == (
        "Error: the migration is not drained",
        "Hint: run `hotmig drain`, then `hotmig cutover`",
    )
    shop.run("drain")
    shop.run("cutover")
    check_handed_over(shop)


@pytest.mark.parametrize(("writes", "said"), [(1, "1 write"), (3, "3 writes")])
def test_after_new_writes_it_refuses(shop: Shop, writes: int, said: str) -> None:
    shop.lapse()
    wait_until(lambda: shop.phase() == "lapsed", "the fence to lapse")
    shop.write(*["INSERT INTO item(name) VALUES ('written since')"] * writes)
    error, hint = refused(shop)
    assert error == f"Error: the old database accepted {said} since the drain: its fence has lapsed"
    assert "run `hotmig drain` again, then `hotmig cutover`" in hint
    shop.run("drain")
    shop.run("cutover")
    check_handed_over(shop)


def set_clock(shop: Shop, seconds: int) -> None:
    """When the clock is set on, the fence's times lie further back."""
    shop.write(f"""UPDATE _migration_marker SET fence_from = fence_from - {seconds} / 86400.0,
        fence_until = fence_until - {seconds} / 86400.0""")


@pytest.mark.parametrize(("seconds", "said"), [(3600, "on by 3,600 s"), (-3600, "back by 3,600 s")])
def test_a_clock_that_is_set_lets_writes_through_and_that_is_told(shop: Shop, seconds: int, said: str) -> None:
    shop.run("drain")
    set_clock(shop, seconds)
    shop.write("INSERT INTO item(name) VALUES ('written since')")
    error, hint = refused(shop)
    lapsed = f"its fence has lapsed, because the clock was set {said}"
    assert error == f"Error: the old database accepted 1 write since the drain: {lapsed}"
    assert "run `hotmig drain` again" in hint
    attention = shop.json("status")["attention"]
    told = f"the fence lapsed before the cutover because the clock was set {said}: writes flow again, and are recorded"
    assert told in attention
    shop.run("drain")
    shop.run("cutover")
    check_handed_over(shop)


@pytest.mark.parametrize(("seconds", "said"), [(30, "on by 30 s"), (-5, "back by 5 s")])
def test_a_clock_that_is_set_while_the_fence_is_up_is_told(shop: Shop, seconds: int, said: str) -> None:
    shop.run("drain --hold 600")
    shop.write("UPDATE _migration_marker SET fence_from = fence_from - 60 / 86400.0")
    uptime = shop.ask("SELECT fence_uptime FROM _migration_marker")[0][0]
    boot, since = uptime.split()  # a minute ago, by both clocks
    shop.write(f"UPDATE _migration_marker SET fence_uptime = '{boot} {float(since) - 60:.3f}'")
    assert shop.phase() == "drained"
    set_clock(shop, seconds)
    found = shop.json("status")
    assert found["phase"] == "drained"
    assert f"the clock was set {said} since then, and the fence goes by the clock" in found["attention"]


def test_a_migration_that_began_in_the_future_is_told(shop: Shop) -> None:
    shop.write("UPDATE _migration_marker SET started_utc = '2999-01-01T00:00:00.000Z'")
    (told,) = shop.json("status")["attention"]
    assert told == "the migration began at 2999-01-01T00:00:00.000Z, which is not yet: the clock was set back"


@pytest.mark.parametrize(
    ("ddl", "said"),
    [
        ("ALTER TABLE item ADD COLUMN price", "price"),
        ("CREATE TABLE surprise(id INTEGER PRIMARY KEY)", "surprise"),
        ("DROP TRIGGER _migration_capture_1_after_insert", "_migration_capture_1_after_insert dropped"),
    ],
)
def test_a_changed_schema_of_the_old_database_is_refused(shop: Shop, ddl: str, said: str) -> None:
    shop.run("drain")
    shop.write(ddl)
    error, hint = refused(shop)
    assert error.startswith("Error: the old database was changed while it was recorded: ")
    assert said in error
    assert hint == "Hint: run `hotmig reset`, then `hotmig migrate`"


def test_after_a_changed_schema_the_hint_leads_to_the_end(shop: Shop) -> None:
    shop.run("drain")
    shop.write("CREATE INDEX ix ON item(name)")
    refused(shop)
    shop.run("reset")
    shop.run("migrate")
    shop.run("drain")
    shop.run("cutover")
    check_handed_over(shop)


def test_what_touched_the_schema_and_changed_nothing_asks_for_another_drain(shop: Shop) -> None:
    shop.run("drain")
    shop.write("ANALYZE")
    error, hint = refused(shop)
    assert error == "Error: the old database's schema was touched since the drain (an ANALYZE is enough)"
    assert "run `hotmig drain` again, then `hotmig cutover`" in hint


def test_the_drain_that_is_asked_for_after_an_analyze_leads_to_the_end(shop: Shop) -> None:
    shop.run("drain")
    shop.write("ANALYZE")
    refused(shop)
    shop.run("drain")
    shop.run("cutover")
    check_handed_over(shop)


@pytest.mark.parametrize("drained", [False, True], ids=["recording", "drained"])
def test_with_the_marker_gone_it_refuses_and_reset_helps(shop: Shop, drained: bool) -> None:
    if drained:
        shop.run("drain")
    shop.write("DROP TABLE _migration_marker")
    error, hint = refused(shop)
    assert error == f"Error: {shop.old.name} has no _migration_marker: no migration is recording there"
    assert "`hotmig reset`" in hint
    shop.run("reset")
    assert shop.own_objects() == set()
    for command in ("migrate", "drain", "cutover"):
        shop.run(command)
    check_handed_over(shop)


def test_with_the_row_of_the_marker_gone_it_refuses_too(shop: Shop) -> None:
    shop.run("drain")
    shop.write("DELETE FROM _migration_marker")
    error, hint = refused(shop)
    assert error == f"Error: {shop.old.name} has no _migration_marker: no migration is recording there"
    assert "`hotmig reset`" in hint


def test_a_new_database_that_is_gone_is_refused(shop: Shop) -> None:
    shop.run("drain")
    new = shop.new
    new.unlink()
    error, hint = refused(shop)
    assert error == f"Error: the new database {new.name} is missing or empty"
    assert hint == "Hint: run `hotmig migrate` to build it again"


def test_with_another_schema_module_it_refuses(shop: Shop) -> None:
    shop.run("drain")
    module = shop.directory / "schema.py"
    module.write_text(module.read_text() + "    rank: int = 0\n")
    error, hint = refused(shop)
    assert error.startswith(f"Error: the migration under way builds {shop.new.name}, but the schema module asks for ")
    assert "`hotmig reset`" in hint


def test_a_half_cut_migration_is_finished_by_cutover_alone(shop: Shop) -> None:
    shop.run("drain")
    shop.write("UPDATE _migration_marker SET status = 'retired'")  # the first of the two commits
    assert shop.phase() == "half-cut"
    for command in ("reset", "cleanup-old"):
        assert "`hotmig cutover` to finish it" in shop.run(command, code=3).stderr
    for command in ("migrate", "drain"):  # a deploy script goes on to cutover
        assert shop.run(command).stdout.splitlines()[1:] == [
            "  the old database is retired already: a cutover was cut in two, and `hotmig cutover` finishes it"
        ]
    assert shop.phase() == "half-cut"
    assert "a cutover that was killed half-way is finished" in shop.run("cutover").stdout
    check_handed_over(shop)


def test_a_second_cutover_has_nothing_to_do(shop: Shop) -> None:
    shop.run("drain --cutover")
    assert shop.run("cutover").stdout == "Cutover skipped.\n  the database already has this schema\n"


def told_next(shop: Shop) -> tuple[str | None, list[str]]:
    told = shop.json("status")
    return told["next"], told["attention"]


def test_status_leads_to_the_drain_that_an_analyze_asks_for(shop: Shop) -> None:
    shop.run("drain")
    assert told_next(shop)[0] == "hotmig cutover"
    shop.write("ANALYZE")
    assert told_next(shop)[0] == "hotmig drain"
    told = shop.run("cutover", code=3).stderr
    assert "run `hotmig drain` again" in failure_in(told).hint
    assert f"\nNext: hotmig drain --dir {shop.directory}\n" in told
    shop.run("drain")
    shop.run("cutover")
    check_handed_over(shop)


def test_a_fence_with_gaps_is_told_and_a_drain_raises_a_whole_one(shop: Shop) -> None:
    shop.run("drain")
    shop.write("DROP TRIGGER _migration_fence_1_insert", "INSERT INTO item(name) VALUES ('got in')")
    assert told_next(shop) == ("hotmig drain", ["the fence has gaps: it lets writes into item"])
    screen = shop.run("status").stdout
    assert "with gaps: writes get into 1 table" in screen
    assert "writes refused" not in screen
    failure = failure_in(shop.run("cutover", code=3).stderr)
    assert "run `hotmig drain` again" in failure.hint
    shop.run("drain")
    assert shop.ask("SELECT count(*) FROM sqlite_schema WHERE name GLOB '_migration_fence*'") == [(3,)]
    shop.run("cutover")
    assert shop.ask("SELECT count(*) FROM item WHERE title = 'got in'", shop.new) == [(1,)]


EVERY_TRIGGER = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name GLOB '_migration_*'"


def half_cut(tmp_path: Path) -> Shop:
    shop = open_shop(tmp_path / "shop")
    shop.run("migrate")
    shop.run("drain")
    shop.write("UPDATE _migration_marker SET status = 'retired'")
    assert shop.phase() == "half-cut"
    return shop


def test_a_table_that_appears_between_the_two_halves_is_refused_with_a_way_back(tmp_path: Path) -> None:
    shop = half_cut(tmp_path)
    shop.write("CREATE TABLE extra(a)", "INSERT INTO extra VALUES (1)")
    error, hint = refused(shop)
    assert error == "Error: the old database was changed behind its retirement: table extra appeared"
    assert "SET status = 'recording'" in hint
    following, told = told_next(shop)
    assert following is None
    assert any("table extra appeared" in each and "SET status = 'recording'" in each for each in told)
    shop.write("DROP TABLE extra")
    assert told_next(shop)[0] == "hotmig cutover"
    shop.run("cutover")
    check_handed_over(shop)


@pytest.mark.parametrize("wrote", [False, True])
def test_behind_triggers_that_were_dropped_between_the_two_halves_every_row_is_proved(
    tmp_path: Path, wrote: bool
) -> None:
    shop = half_cut(tmp_path)
    shop.write(*(f"DROP TRIGGER {name}" for (name,) in shop.ask(EVERY_TRIGGER)))
    if wrote:
        shop.write("INSERT INTO item(name) VALUES ('unseen')")
        failure = failure_in(shop.run("cutover", code=3).stderr)
        assert failure.error.startswith("Error: the proof failed")
        assert "SET status = 'recording'" in failure.hint
        shop.run("cutover", code=3)  # a second time it is not taken for known
        return
    shop.run("cutover")
    check_handed_over(shop)
