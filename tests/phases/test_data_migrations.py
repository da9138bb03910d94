"""Data migrations from plan to cutover and behind it: what is run, once, in order, and what a failure leaves."""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path
from threading import Timer

import pytest

from tests.phases.data_shops import (
    cut_over,
    marks,
    module,
    numbered,
    open_data_shop,
    rewrite,
    states,
    upper,
)
from tests.phases.processes import patched
from tests.phases.shops import ROWS, Shop, failure_in, open_shop

WAYS = pytest.mark.parametrize("way", ["cutover", "drain --cutover", "migrate --offline"])
NAMES = [("item 1",), ("item 2",)]
UPPER = [("ITEM 1",), ("ITEM 2",)]
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
ENDLESS_UPDATE = f"db.execute('UPDATE item SET name = ({ENDLESS})')"
EMPTYING = "db.execute('DELETE FROM item')"
FAILING = "db.execute('UPDATE item SET name = NULL')\nraise ValueError('secret ' + 'text')"


def swallowed(body: str) -> str:
    return f"try:\n    {body}\nexcept Exception:\n    pass"


def names(shop: Shop, file: Path | None = None) -> list[tuple[str]]:
    return shop.ask("SELECT name FROM item WHERE id < 3 ORDER BY id", file)


def lead(shop: Shop, way: str, code: int = 0) -> str:
    """Up to the end that way; returns what it told on stderr."""
    if way != "migrate --offline":
        shop.run("migrate")
    if way == "cutover":
        shop.run("drain")
    return shop.run(way, code=code).stderr


def accepts(shop: Shop, file: Path) -> bool:
    try:
        shop.write("UPDATE item SET name = name WHERE id = 40", file=file)
    except sqlite3.IntegrityError:
        return False
    return True


# --- a migration like any other


def test_a_new_data_migration_asks_for_a_new_database_though_the_catalog_is_the_same(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", upper(), numbered("002_more", when="after"))
    plan = shop.json("plan")
    assert (plan["nothing_to_do"], plan["runnable"], plan["differences"]) == (False, True, [])
    waiting = [{"name": "001_upper", "when": "cutover"}, {"name": "002_more", "when": "after"}]
    assert plan["data_migrations"] == waiting
    assert shop.json("status")["data_migrations"] == waiting
    told = shop.run("plan").stdout
    assert "  001_upper (in cutover, while writes are paused)\n" in told
    assert "  002_more (once the new database is in service)\n" in told
    assert "pending: 001_upper (in cutover, while writes are paused), 002_more" in shop.run("status").stdout


@WAYS
def test_they_are_run_on_the_new_database_in_order_and_once(tmp_path: Path, way: str) -> None:
    steps = [numbered(f"00{n}_step", f"db.execute('UPDATE item SET name = name || ?', ('-{n}',))") for n in (2, 1, 3)]
    later = numbered("004_later", "db.execute('UPDATE item SET name = name || ?', ('-4',))", when="after")
    shop = open_data_shop(tmp_path / "shop", later, *steps)
    lead(shop, way)
    assert names(shop, shop.new) == [("item 1-1-2-3-4",), ("item 2-1-2-3-4",)]
    assert names(shop) == NAMES
    assert marks(shop) == [
        (f"00{n}_{name}", True, False, None) for n, name in ((1, "step"), (2, "step"), (3, "step"), (4, "later"))
    ]
    assert shop.json("status")["data_migrations"] == []
    for command in ("plan", "migrate", "drain", "cutover", "data run"):
        shop.run(command)
    assert names(shop, shop.new) == [("item 1-1-2-3-4",), ("item 2-1-2-3-4",)]


@WAYS
def test_they_see_what_was_written_last(tmp_path: Path, way: str) -> None:
    shop = open_data_shop(tmp_path / "shop", upper())
    if way != "migrate --offline":
        shop.run("migrate")
    shop.write("UPDATE item SET name = 'written late' WHERE id = 2")
    if way == "cutover":
        shop.run("drain")
    shop.run(way)
    assert names(shop, shop.new) == [("ITEM 1",), ("WRITTEN LATE",)]


def test_the_result_and_the_ledger_name_them(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", upper(), numbered("002_after", when="after"))
    shop.run("migrate")
    shop.run("drain")
    told = shop.json("cutover")
    assert (told["data_migrations"], told["data_problem"]) == (["001_upper", "002_after"], None)
    steps = shop.steps()
    assert [step[:2] for step in steps if step[0] == "data migration"] == [
        ("data migration", "001_upper"),
        ("data migration", "002_after"),
    ]
    assert {status for _, _, status in steps} == {"done"}


def test_what_they_print_is_not_in_the_json(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_loud", "print('loud')"))
    shop.run("migrate")
    assert shop.json("drain --cutover")["data_migrations"] == ["001_loud"]


def test_they_may_import_what_lies_beside_the_module(tmp_path: Path) -> None:
    body = "from words import WORD\ndb.execute('UPDATE item SET name = ?', (WORD,))"
    shop = open_data_shop(tmp_path / "shop", numbered("001_words", body))
    (shop.directory / "words.py").write_text("WORD = 'beside'\n")
    cut_over(shop)
    assert names(shop, shop.new) == [("beside",), ("beside",)]


def test_triggers_of_the_new_schema_fire(tmp_path: Path) -> None:
    """Unlike in copy and replay: they work as the application will."""
    more = """
@table
class Renamed:
    id: Annotated[int, Key] = auto()
    was: str | None = None

trigger("CREATE TRIGGER noted AFTER UPDATE ON item BEGIN INSERT INTO renamed(was) VALUES (OLD.name); END")
"""
    shop = open_data_shop(tmp_path / "shop", upper(), more=more)
    cut_over(shop)
    assert shop.ask("SELECT count(*) FROM renamed", shop.new) == [(ROWS,)]


# --- marks


def test_what_was_applied_once_is_not_run_again_in_the_next_migration(tmp_path: Path) -> None:
    shop = open_data_shop(
        tmp_path / "shop", numbered("001_step", "db.execute(\"UPDATE item SET name = name || '-1'\")")
    )
    cut_over(shop)
    first = shop.new
    rewrite(shop, numbered("001_step", "db.execute(\"UPDATE item SET name = name || '-1'\")"), upper("002_upper"))
    cut_over(shop)
    (second,) = (path for path in shop.directory.glob("shop-*.sqlite") if path not in (shop.old, first))
    assert names(shop, second) == [("ITEM 1-1",), ("ITEM 2-1",)]
    assert [mark[:2] for mark in marks(shop, second)] == [("001_step", True), ("002_upper", True)]
    assert marks(shop, second)[0] == marks(shop, first)[0]


def test_a_first_database_is_stamped_with_all_of_them_and_none_is_run(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    (tmp_path / "schema.py").write_text(
        module(numbered("001_never", "raise ValueError"), numbered("002_after", when="after"))
    )
    shop.run("init")
    assert marks(shop) == [("001_never", True, False, None), ("002_after", True, False, None)]
    assert states(shop) == {"001_never": "applied", "002_after": "applied"}
    assert shop.json("plan")["nothing_to_do"] is True


def test_an_adopted_database_is_not(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "app.db")
    db.execute("CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT)")
    db.execute("INSERT INTO item VALUES (1, 'a'), (2, 'b')")
    db.commit()
    db.close()
    (tmp_path / "schema.py").write_text(module(upper()))
    shop = Shop(tmp_path)
    shop.run("init", str(tmp_path / "app.db"))
    assert states(shop) == {"001_upper": "pending"}
    assert shop.json("plan")["nothing_to_do"] is False
    cut_over(shop)
    (new,) = (path for path in tmp_path.glob("shop-*.sqlite") if not path.is_symlink())
    assert names(shop, new) == [("A",), ("B",)]


EARLIER = "CREATE TABLE schema_migrations(name TEXT PRIMARY KEY, applied_at TEXT);"
KEEPS = """
@table('schema_migrations')
class Earlier:
    name: Annotated[str | None, Key]
    applied_at: str | None = None
"""
TWO_ITEMS = "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO item VALUES (1, 'a'), (2, 'b');"
ADOPTS = "\nadopt_marks('schema_migrations', name='NAME', applied='applied_at')\n"


def test_the_marks_of_an_earlier_tool_count(tmp_path: Path) -> None:
    script = f"""{TWO_ITEMS} {EARLIER}
        INSERT INTO schema_migrations VALUES ('one', '2020-01-01'), ('002_two', '2020-01-02'), ('003_three', NULL),
        ('nobody knows', '2019-01-01'), (NULL, '2019-01-02');"""
    never = "raise AssertionError('applied already')"
    shop = open_data_shop(
        tmp_path / "shop",
        numbered("001_first", never, formerly=("uno", "one")), numbered("002_two", never), upper("003_three"),
        script=script, more=KEEPS + ADOPTS,
    )  # fmt: skip
    assert states(shop) == {"001_first": "applied", "002_two": "applied", "003_three": "pending"}
    cut_over(shop)
    assert names(shop, shop.new) == [("A",), ("B",)]
    found = dict(shop.ask("SELECT name, applied_utc FROM _data_migration", shop.new))
    assert (found["001_first"], found["002_two"]) == ("2020-01-01", "2020-01-02")
    assert found.keys() == {"001_first", "002_two", "003_three"}


def test_where_the_earlier_tool_applied_all_there_is_nothing_to_do(tmp_path: Path) -> None:
    script = (
        f"CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT); {EARLIER} INSERT INTO schema_migrations VALUES ('x', 1)"
    )
    shop = open_data_shop(tmp_path / "shop", numbered("001_x", formerly=["x"]), script=script, more=KEEPS + ADOPTS)
    assert shop.json("plan")["nothing_to_do"] is True
    assert "already has this schema" in shop.run("migrate").stdout


def test_a_mark_that_the_earlier_tool_makes_during_the_migration_counts_too(tmp_path: Path) -> None:
    script = f"{TWO_ITEMS} {EARLIER}"
    shop = open_data_shop(tmp_path / "shop", upper("001_upper"), script=script, more=KEEPS + ADOPTS)
    shop.run("migrate")
    shop.write("INSERT INTO schema_migrations VALUES ('001_upper', '2026-01-01')")
    shop.run("drain --cutover")
    assert names(shop, shop.new) == [("a",), ("b",)]
    assert marks(shop) == [("001_upper", True, False, None)]


@pytest.mark.parametrize(("right", "wrong"), [("_migrations", "_migration"), ("NAME", "nmae"), ("applied_at", "at")])
def test_a_spelling_mistake_in_adopt_marks_runs_nothing_again(tmp_path: Path, right: str, wrong: str) -> None:
    script = f"{TWO_ITEMS} {EARLIER} INSERT INTO schema_migrations VALUES ('001_upper', '2020-01-01')"
    adopts = ADOPTS.replace(right, wrong)
    shop = open_data_shop(tmp_path / "shop", upper(), script=script, more=KEEPS + adopts)
    (finding,) = (each for each in shop.json("plan", code=1)["findings"] if each["severity"] == "block")
    assert finding["check"] == "adopt-marks"
    before = shop.listing()
    assert "Error: migrate is blocked: adopt_marks() names the " in shop.run("migrate", code=1).stderr
    shop.run("data skip 001_upper --reason x")  # which makes the table for marks, and takes none over
    rewrite(shop, upper(), upper("002_more"), more=KEEPS + adopts)
    shop.run("plan", code=1)
    shop.run("data unskip 001_upper")
    rewrite(shop, upper(), more=KEEPS + ADOPTS)
    assert shop.json("plan")["nothing_to_do"] is True
    assert before.keys() == shop.listing().keys()


def test_adopt_marks_may_stay_when_the_table_of_the_earlier_tool_is_gone(tmp_path: Path) -> None:
    script = f"{TWO_ITEMS} {EARLIER} INSERT INTO schema_migrations VALUES ('one', '2020-01-01')"
    gone = "\nfrom hotmig.schema import dropped\ndropped('schema_migrations')\n"
    never = numbered("001_first", "raise AssertionError", formerly=("one",))
    shop = open_data_shop(tmp_path / "shop", never, script=script, more=ADOPTS + gone)
    cut_over(shop)
    rewrite(shop, never, upper("002_upper"), more=ADOPTS + gone)
    assert [each["severity"] for each in shop.json("plan")["findings"] if each["check"] == "adopt-marks"] == ["note"]
    cut_over(shop)


def test_a_first_database_never_had_the_table_of_the_earlier_tool(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    (tmp_path / "schema.py").write_text(module(upper(), more=ADOPTS))
    shop.run("init")
    shop.write("INSERT INTO item VALUES (1, 'a')", file=shop.new)
    rewrite(shop, upper(), upper("002_more"), more=ADOPTS)
    cut_over(shop)


@pytest.mark.parametrize("both", [False, True], ids=["the former name", "both names"])
def test_a_former_name_is_renamed_and_counts_as_applied(tmp_path: Path, both: bool) -> None:
    shop = open_data_shop(tmp_path / "shop", upper("001_upper"))
    cut_over(shop)
    first = shop.new
    shop.write("UPDATE _data_migration SET name = 'before', applied_utc = '2020'", file=first)
    if both:
        shop.write("INSERT INTO _data_migration(name, applied_utc) VALUES ('001_newer', '2021')", file=first)
    rewrite(shop, numbered("001_newer", "raise ValueError", formerly=("before",)), upper("002_again"))
    cut_over(shop)
    (second,) = (path for path in shop.directory.glob("shop-*.sqlite") if path not in (shop.old, first))
    applied = shop.ask("SELECT name, applied_utc FROM _data_migration ORDER BY name", second)
    assert [row[0] for row in applied] == ["001_newer", "002_again"]
    assert applied[0][1] == ("2021" if both else "2020")


# --- failures


@WAYS
def test_a_failure_rolls_back_hands_nothing_over_and_the_next_time_retries(tmp_path: Path, way: str) -> None:
    shop = open_data_shop(tmp_path / "shop", upper(), numbered("002_bad", FAILING), numbered("003_next"))
    told = failure_in(lead(shop, way, code=1))
    assert told.error == "Error: data migration 002_bad failed: ValueError: secret text"
    assert "`hotmig data skip 002_bad --reason" in told.hint
    assert names(shop, shop.new) == NAMES
    assert not any(applied for _, applied, _, _ in marks(shop))
    assert shop.ask("SELECT status FROM _migration_status", shop.new) == [("migrating",)]
    assert shop.ask("SELECT status FROM _migration_marker")[0][0] != "retired"
    # A drain that also cuts over lowers its fence; behind a drain of its own it lapses.
    assert accepts(shop, shop.old) is (way != "cutover")
    steps = [step for step in shop.runs()[0]["steps"] if step["action"] == "data migration"]
    assert [(step["object"], step["status"]) for step in steps] == [
        ("001_upper", "rolled_back"),
        ("002_bad", "failed"),
        ("003_next", "failed"),
    ]
    first, *trace, last = steps[1]["error"].splitlines()
    assert first == "data migration 002_bad failed: ValueError"
    assert last == "ValueError"
    assert [line.startswith(f'File "{shop.directory}/schema.py", line ') for line in trace] == [True]
    assert "secret" not in str(shop.runs())
    rewrite(shop, upper(), numbered("002_bad"), numbered("003_next"))
    if way == "migrate --offline":
        shop.run("migrate")
        shop.run("drain --cutover")
    else:
        shop.run(way)
    assert names(shop, shop.new) == UPPER
    assert [applied for _, applied, _, _ in marks(shop)] == [True] * 3


def test_after_a_failure_the_drain_can_be_run_again_and_so_can_the_cutover(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_bad", FAILING))
    shop.run("migrate")
    shop.run("drain --hold 0.2")
    shop.run("cutover", code=1)
    time.sleep(0.3)
    assert shop.phase() == "lapsed"
    shop.write("UPDATE item SET name = 'late' WHERE id = 1")
    rewrite(shop, upper("001_bad"))
    assert "accepted 1 write since the drain" in shop.run("cutover", code=3).stderr
    shop.run("drain")
    shop.run("cutover")
    assert names(shop, shop.new) == [("LATE",), ("ITEM 2",)]


def test_a_command_that_is_refused_does_not_forget_a_failure(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_bad", FAILING))
    lead(shop, "drain --cutover", code=1)
    (failed,) = shop.json("data status")["entries"]
    shop.run("cutover", code=3)  # not drained: it was not tried
    assert shop.json("data status")["entries"] == [failed]
    assert failed["state"] == "failed"


def test_one_that_fails_behind_an_earlier_drain_lets_the_application_write_at_once(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_bad", FAILING))
    shop.run("migrate")
    shop.run("drain")
    shop.run("drain --cutover", code=1)
    assert shop.phase() == "recording"
    shop.write("UPDATE item SET name = 'late' WHERE id = 1")


def test_a_reset_says_which_skips_go_with_the_new_file(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", upper("001_first"), upper("002_second"))
    shop.run("migrate")
    shop.run("data skip 002_second --reason no")
    assert "  no longer skipped: 002_second" in shop.run("reset --dry-run").stdout.splitlines()
    assert "  no longer skipped: 002_second" in shop.run("reset").stdout.splitlines()
    assert states(shop) == {"001_first": "pending", "002_second": "pending"}


def test_the_traceback_outlives_a_reset(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_bad", FAILING))
    lead(shop, "drain --cutover", code=1)
    failed = shop.json("data status")["entries"][0]
    assert (failed["state"], bool(failed["failed_utc"])) == ("failed", True)
    shop.run("reset")
    told = shop.run("runs show", failed["run_id"]).stdout
    assert "data migration: 001_bad" in told
    assert f'File "{shop.directory}/schema.py", line ' in told
    assert states(shop) == {"001_bad": "failed"}


@pytest.mark.parametrize("way", ["cutover", "drain --cutover", "migrate --offline"])
def test_one_of_those_behind_the_cutover_is_told_whatever_the_way(tmp_path: Path, way: str) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_bad", FAILING, when="after"))
    assert "Warning: the cutover is done, but data migration 001_bad failed: ValueError" in lead(shop, way)
    assert (shop.phase(), states(shop)) == ("retired", {"001_bad": "failed"})


def test_one_of_those_behind_the_cutover_stops_the_walk_and_not_the_cutover(tmp_path: Path) -> None:
    after = [
        upper("001_upper", when="after"),
        numbered("002_bad", FAILING, when="after"),
        upper("003_next", when="after"),
    ]
    shop = open_data_shop(tmp_path / "shop", *after)
    shop.run("migrate")
    done = shop.run("drain --cutover")
    assert "Warning: the cutover is done, but data migration 002_bad failed: ValueError: secret text" in done.stderr
    assert "  ran data migration 001_upper\n" in done.stdout
    assert names(shop, shop.new) == UPPER
    assert shop.phase() == "retired"
    assert states(shop) == {"001_upper": "applied", "002_bad": "failed", "003_next": "pending"}
    assert failure_in(shop.run("data run", code=1).stderr).error.endswith("002_bad failed: ValueError: secret text")
    assert marks(shop) == [("001_upper", True, False, None)]
    rewrite(shop, after[0], numbered("002_bad", when="after"), after[2])
    assert shop.json("data run")["data_migrations"] == ["002_bad", "003_next"]
    assert set(states(shop).values()) == {"applied"}


def test_where_the_application_holds_the_lock_the_cutover_is_done_all_the_same(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_later", FAILING, when="after"))
    cut_over(shop)
    rewrite(shop, upper("001_later", when="after"))
    application = sqlite3.connect(shop.new, isolation_level=None)
    application.execute("BEGIN IMMEDIATE")
    told = shop.run("cutover --busy-timeout 0.2").stderr
    assert "Warning: the cutover is done, but gave up after 0.2 s waiting for the database's writers" in told
    assert (
        "gave up after 0.2 s waiting for the database's writers"
        in shop.run("data run --busy-timeout 0.2", code=4).stderr
    )
    application.close()
    shop.run("data run")
    assert names(shop, shop.new) == UPPER


def test_a_cutover_with_nothing_to_do_runs_what_was_left_behind_one(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_bad", FAILING, when="after"))
    cut_over(shop)
    rewrite(shop, upper("001_bad", when="after"))
    done = shop.json("cutover")
    assert (done["skipped"], done["data_migrations"]) == ("the database already has this schema", ["001_bad"])
    assert names(shop, shop.new) == UPPER


@pytest.mark.parametrize(
    ("exception", "code"), [("KeyboardInterrupt", 130), ("SystemExit(7)", 7), ("SystemExit", 1), ("SystemExit(0)", 1)]
)
@pytest.mark.parametrize("way", ["cutover", "drain --cutover", "data run"])
def test_what_is_no_exception_is_not_swallowed(tmp_path: Path, way: str, exception: str, code: int) -> None:
    when = "after" if way == "data run" else "cutover"
    body = f"db.execute('UPDATE item SET name = NULL')\nraise {exception}"
    good, bad = numbered("001_stops", when=when), numbered("001_stops", body, when=when)
    shop = open_data_shop(tmp_path / "shop", numbered("001_stops", FAILING, when="after") if when == "after" else bad)
    if when == "after":
        cut_over(shop)
        rewrite(shop, bad)
        shop.run("data run", code=code)
    else:
        lead(shop, way, code=code)
        assert shop.phase() in ("recording", "drained")
    assert names(shop, shop.new) == NAMES
    assert shop.runs()[0]["steps"][-1]["status"] != "done" or way == "drain --cutover"
    rewrite(shop, good)
    shop.run(way)
    assert marks(shop) == [("001_stops", True, False, None)]


def test_a_signal_in_the_middle_of_a_statement_stops_the_command_and_is_no_failure_of_the_migration(
    tmp_path: Path,
) -> None:
    began = f"open({str(tmp_path / 'began')!r}, 'w').close()\n"
    body = f"{began}try:\n    db.execute({ENDLESS!r})\nexcept sqlite3.Error:\n    pass"
    shop = open_data_shop(tmp_path / "shop", numbered("001_endless", body))
    shop.run("migrate")
    process = patched(shop, "", "drain", "--cutover", "--max-pause", "60")
    while not (tmp_path / "began").exists():
        assert process.poll() is None, process.communicate()
    process.terminate()
    _, told = process.communicate(timeout=30)
    assert (process.returncode, "Error: interrupted" in told) == (143, True)
    assert (shop.phase(), accepts(shop, shop.old)) == ("recording", True)
    assert states(shop) == {"001_endless": "pending"}


# --- the budget


@pytest.mark.parametrize("way", ["cutover --max-pause 0.3", "drain --cutover --max-pause 0.3"])
@pytest.mark.parametrize(
    "body",
    [
        f"db.execute({ENDLESS!r})",
        "time.sleep(0.4)",
        "time.sleep(0.4)\ndb.execute('SELECT 1')",
        swallowed("time.sleep(0.4)\n    db.execute('SELECT 1')"),
        f"{swallowed(ENDLESS_UPDATE)}\n{swallowed(EMPTYING)}",
    ],
    ids=["one statement", "no statement", "between statements", "and swallows it", "and goes on behind it"],
)  # fmt: skip
def test_they_count_against_the_budget(tmp_path: Path, way: str, body: str) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_slow", body))
    told = failure_in(lead_with_options(shop, way, 4))
    assert told.error == "Error: data migration 001_slow did not come to its end within --max-pause"
    assert "--max-pause" in told.hint
    assert names(shop, shop.new) == NAMES
    assert shop.ask("SELECT count(*) FROM item", shop.new) == [(ROWS,)]
    assert shop.phase() == ("drained" if way.startswith("cutover") else "recording")
    assert states(shop) == {"001_slow": "failed"}
    rewrite(shop, numbered("001_slow"))
    shop.run(way.split(" --max")[0])
    assert shop.phase() == "retired"


def lead_with_options(shop: Shop, way: str, code: int) -> str:
    shop.run("migrate")
    if way.startswith("cutover"):
        shop.run("drain")
    return shop.run(way, code=code).stderr


def test_behind_one_fence_there_is_no_budget(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_slow", "time.sleep(2.2)"))
    shop.run("migrate --offline")
    assert marks(shop) == [("001_slow", True, False, None)]


def test_the_last_replay_and_they_have_one_budget_together(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_slow", "time.sleep(0.6)"))
    shop.run("migrate")
    slow = """
import time
import hotmig.phases.pause as p
replay = p.replay
p.replay = lambda *rest, **named: (time.sleep(0.6), replay(*rest, **named))[1]
"""
    process = patched(shop, slow, "drain", "--cutover", "--max-pause", "1")
    _, told = process.communicate(timeout=60)
    assert process.returncode == 4, told
    assert "data migration 001_slow did not come to its end within --max-pause" in told
    assert (shop.phase(), accepts(shop, shop.old)) == ("recording", True)


def test_a_cutover_that_waited_for_a_lock_takes_nothing_from_them(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_slow", "time.sleep(0.3)"))
    shop.run("migrate")
    shop.run("drain")
    application = sqlite3.connect(shop.old, isolation_level=None, check_same_thread=False)
    application.execute("BEGIN IMMEDIATE")
    release = Timer(1.2, application.close)
    release.start()
    shop.run("cutover --max-pause 1")
    release.join()
    assert marks(shop) == [("001_slow", True, False, None)]


# --- cut in two


@pytest.mark.parametrize("way_on", ["mend", "skip"])
@pytest.mark.parametrize("wal", [True, False], ids=["wal", "delete"])
def test_a_cutover_that_was_cut_in_two_runs_them_again(tmp_path: Path, wal: bool, way_on: str) -> None:
    """The old database is retired, the new one is as it was: with its transaction went what they did."""
    shop = open_data_shop(tmp_path / "shop", upper(), wal=wal)
    shop.run("migrate")
    patch = """
import hotmig.phases.handover as handover
persist = handover.persist
def killed_between(db, sql, seconds, what):
    persist(db, sql, seconds, what)
    if what == "the old database's readers":
        os.kill(os.getpid(), signal.SIGKILL)
handover.persist = killed_between
"""
    assert patched(shop, patch, "drain", "--cutover").wait() == -9
    assert shop.phase() == "half-cut"
    assert names(shop, shop.new) == NAMES
    assert states(shop) == {"001_upper": "pending"}
    assert shop.json("status")["data_migrations"] == [{"name": "001_upper", "when": "cutover"}]
    rewrite(shop, numbered("001_upper", FAILING))
    assert "001_upper failed" in shop.run("cutover", code=1).stderr
    assert shop.phase() == "half-cut"
    if way_on == "skip":
        shop.run("data skip 001_upper --reason x")
        shop.run("cutover")
        assert marks(shop) == [("001_upper", False, True, "x")]
    else:
        rewrite(shop, upper())
        assert "ran data migration 001_upper" in shop.run("cutover").stdout
    assert names(shop, shop.new) == (NAMES if way_on == "skip" else UPPER)
    assert shop.phase() == "retired"


def test_a_half_that_is_not_as_it_was_drained_is_proved_before_they_run(tmp_path: Path) -> None:
    """They see the rows of the old database, and what fails then leaves the half as it was."""
    shop = open_data_shop(tmp_path / "shop", upper(), numbered("002_bad", FAILING))
    shop.run("migrate")
    shop.run("drain")
    drained = shop.directory / "drained"
    shutil.copyfile(shop.new, drained)
    shop.write("UPDATE _migration_marker SET status = 'recording', fence_from = NULL, fence_until = NULL")
    shop.write("UPDATE item SET name = 'late' WHERE id = 2")
    shop.run("drain")
    shop.write("UPDATE _migration_marker SET status = 'retired'")  # the first of the two commits
    shutil.copyfile(drained, shop.new)
    for side in ("-wal", "-shm", "-journal"):
        shop.new.with_name(shop.new.name + side).unlink(missing_ok=True)
    assert "002_bad failed" in shop.run("cutover", code=1).stderr
    assert (shop.phase(), names(shop, shop.new)) == ("half-cut", [("item 1",), ("late",)])
    assert [step[1:] for step in shop.steps() if step[0] == "data migration"] == [
        ("001_upper", "rolled_back"),
        ("002_bad", "failed"),
    ]
    rewrite(shop, upper(), numbered("002_bad"))
    assert shop.json("cutover")["data_migrations"] == ["001_upper", "002_bad"]
    assert (shop.phase(), names(shop, shop.new)) == ("retired", [("ITEM 1",), ("LATE",)])


def test_the_way_out_of_one_that_can_not_succeed_is_to_skip_it(tmp_path: Path) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_bad", FAILING), upper("002_upper"))
    lead(shop, "cutover", code=1)
    shop.run("data skip 001_bad", "--reason", "done by hand")
    shop.run("cutover")
    assert names(shop, shop.new) == UPPER
    assert marks(shop) == [("001_bad", False, True, "done by hand"), ("002_upper", True, False, None)]


# --- a module that is older than the database

OTHERS = (
    "plan", "migrate", "drain", "cutover", "cleanup-old", "reset", "path", "inspect", "init", "runs list",
    "runs show x", "runs rollback x --dry-run", "runs prune --older-than 1", "data status", "data run",
    "data skip 001_upper --reason x", "data unskip 001_upper", "cleanup-old --dry-run", "reset --print-sql",
)  # fmt: skip


@pytest.fixture
def newer(tmp_path: Path) -> Shop:
    """A database that went through the second data migration, and a module that has the first alone."""
    shop = open_data_shop(tmp_path / "shop", upper(), numbered("002_newer"))
    cut_over(shop)
    rewrite(shop, upper())
    return shop


@pytest.mark.parametrize("command", OTHERS)
def test_every_command_but_status_refuses_a_database_of_a_newer_version(newer: Shop, command: str) -> None:
    before = newer.everything()
    done = newer.run(command, code=3)
    assert done.stderr.startswith(
        f"Error: {newer.new.name} has data migration 002 (002_newer), which the schema module does not know:"
        " it goes to 001 (001_upper)\nHint: "
    )
    assert newer.everything() == before


def test_status_says_it(newer: Shop) -> None:
    assert any("has data migration 002 (002_newer)" in told for told in newer.json("status")["attention"])
    newer.run("status --check", code=1)


def test_a_module_without_any_is_older_too(newer: Shop) -> None:
    (newer.directory / "schema.py").write_text(module())
    assert "it has none (000)" in newer.run("plan", code=3).stderr


def test_a_module_that_can_not_be_loaded_keeps_nobody_from_the_runs(newer: Shop) -> None:
    (newer.directory / "schema.py").write_text("no python")
    newer.run("runs list")


def test_a_name_that_was_changed_has_to_say_so(newer: Shop) -> None:
    rewrite(newer, upper(), numbered("002_other"))
    newer.run("plan", code=3)
    rewrite(newer, upper(), numbered("002_other", formerly=("002_newer",)))
    plan = newer.json("plan")
    assert (plan["nothing_to_do"], plan["new"] == str(newer.new)) == (True, False)
    newer.run("data run")  # which has nothing to run, and renames nothing
    assert [mark[0] for mark in marks(newer)] == ["001_upper", "002_newer"]
    more = numbered("003_more", when="after")
    rewrite(newer, upper(), numbered("002_other", formerly=("002_newer",)), more)
    newer.run("data skip 003_more --reason x")
    assert [mark[0] for mark in marks(newer)] == ["001_upper", "002_other", "003_more"]


# --- nothing of this without data migrations


def test_without_data_migrations_there_is_no_table_for_them(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    cut_over(shop)
    assert shop.ask("SELECT name FROM sqlite_schema WHERE name = '_data_migration'", shop.new) == []


def test_a_deploy_script_and_an_application_find_the_same(tmp_path: Path) -> None:
    """As a deploy script runs it, and the application asks."""
    shop = open_data_shop(tmp_path / "shop", upper())
    for command in ("migrate", "drain", "cutover"):
        assert patched(shop, "", command).wait() == 0
    process = patched(shop, "", "path")
    out, _ = process.communicate()
    assert names(shop, Path(out.strip())) == UPPER
