"""What each command writes down of what it does, read from the ledger afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.phases.processes import patched
from tests.phases.shops import Shop, open_shop
from tests.scenarios.test_hostile_states import KILLED_BEFORE_THE_COPY

# A text key that becomes an integer: keys are mapped, and a reference follows them.
SCRIPT = """CREATE TABLE kind(code TEXT PRIMARY KEY NOT NULL, name TEXT) WITHOUT ROWID;
    CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, kind TEXT REFERENCES kind(code));
    INSERT INTO kind VALUES ('a', 'first'), ('b', 'second');
    INSERT INTO item VALUES (1, 'one', 'a'), (2, 'two', 'b');"""
MODULE = """from typing import Annotated

from hotmig.schema import Index, Key, Unique, Was, auto, table

database = "shop"

@table
class Kind:
    id: Annotated[int, Key] = auto()
    code: Annotated[str, Unique]
    name: str | None = None

@table(indexes=[Index("title")])
class Item:
    id: Annotated[int, Key] = auto()
    title: Annotated[str | None, Was("name")] = None
    kind: Annotated[Kind | None, Was("kind")] = None
"""
DROPS = "drop"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return open_shop(tmp_path / "shop", script=SCRIPT, module=MODULE)


def done(*steps: tuple[str, str]) -> list[tuple[str, str, str | None]]:
    return [(action, name, "done") for action, name in steps]


def copying(shop: Shop) -> list[tuple[str, str, str | None]]:
    return done(
        ("make the new file", shop.new.name),
        ("map keys", "kind"),
        ("copy", "kind"),
        ("index", "kind"),
        ("copy", "item"),
        ("index", "item"),
        ("finish", shop.new.name),
    )


def undoable(shop: Shop) -> dict[str, str]:
    return {step["action"]: step["undo"] for step in shop.runs()[0]["steps"] if step["undo"]}


def test_migrate_writes_down_recording_the_new_file_and_what_is_done_with_each_table(shop: Shop) -> None:
    shop.run("migrate")
    assert shop.steps() == done(("start recording", shop.old.name)) + copying(shop)
    assert undoable(shop) == {"start recording": "recording", "make the new file": "new file"}


def test_migrate_with_wal_writes_the_switch_down_first(shop: Shop) -> None:
    shop.run("migrate --wal")
    assert shop.steps()[:2] == done(("switch to WAL", shop.old.name), ("start recording", shop.old.name))


def test_a_migrate_that_goes_on_writes_down_what_was_left_to_do(shop: Shop) -> None:
    assert patched(shop, KILLED_BEFORE_THE_COPY, "migrate").wait() == 9
    assert shop.steps() == done(("start recording", shop.old.name), ("make the new file", shop.new.name))
    shop.run("migrate")
    assert shop.steps() == copying(shop)[1:]


def test_a_migrate_with_nothing_to_do_writes_no_step_down(shop: Shop) -> None:
    shop.run("migrate")
    shop.run("migrate")
    assert (shop.steps(), shop.runs()[0]["state"]) == ([], "completed")


DRAINING = ("raise the fence", "replay the rest", "complete the drain")
HANDING_OVER = ("retire", "make ready")
TIDYING = ("_id_mapping", "_migration_progress", "_migration_copy")


def catching_up(shop: Shop) -> Iterator[tuple[str, str, str | None]]:
    """Takes the rounds of replay, the proof and the guard off a drain, and checks them; then what is left."""
    new = shop.new.name
    first, *steps = shop.steps()
    assert first == ("forget an earlier drain", new, "done")
    before = [step for step in steps if step[0] in ("replay", "prove", "raise the guard")]
    assert before[0] == before[-1] == ("replay", new, "done")
    assert before.count(("raise the guard", new, "done")) == 1
    assert before.count(("prove", new, "done")) == 1
    assert steps[: len(before)] == before
    yield from steps[len(before) :]


def test_drain_writes_down_each_round_the_proof_the_fence_and_the_rest(shop: Shop) -> None:
    shop.run("migrate")
    shop.write("INSERT INTO item VALUES (3, 'three', 'a')")
    shop.run("drain")
    old, new = shop.old.name, shop.new.name
    assert list(catching_up(shop)) == done(*zip(DRAINING, (old, new, new), strict=True))
    assert undoable(shop) == {"raise the fence": "fence"}


def test_drain_and_cutover_in_one_writes_down_the_hand_over_too(shop: Shop) -> None:
    shop.run("migrate")
    shop.run("drain --cutover")
    old, new = shop.old.name, shop.new.name
    expected = done(*zip((*DRAINING, *HANDING_OVER), (old, new, new, old, new), strict=True))
    assert list(catching_up(shop)) == expected + done(*((DROPS, name) for name in TIDYING))


def test_cutover_writes_down_both_commits_and_what_it_drops(shop: Shop) -> None:
    shop.run("migrate")
    shop.run("drain")
    shop.run("cutover")
    expected = done(("retire", shop.old.name), ("make ready", shop.new.name))
    assert shop.steps() == expected + done(*((DROPS, name) for name in TIDYING))
    assert undoable(shop) == {}


def test_a_schema_that_was_touched_is_taken_for_known_behind_the_forgotten_drain(shop: Shop) -> None:
    shop.run("migrate")
    shop.run("drain")
    shop.write("ANALYZE")
    shop.run("drain")
    assert shop.steps()[:2] == done(
        ("forget an earlier drain", shop.new.name), ("take the schema for known", shop.old.name)
    )


def test_a_cutover_that_was_cut_in_two_writes_down_its_second_half(shop: Shop) -> None:
    shop.run("migrate")
    shop.run("drain")
    shop.write("UPDATE _migration_marker SET status = 'retired'")
    shop.run("cutover")
    assert shop.steps()[0] == ("make ready", shop.new.name, "done")
    assert "retire" not in [action for action, _, _ in shop.steps()]


def test_offline_writes_down_the_fence_before_the_first_row(shop: Shop) -> None:
    shop.run("migrate --offline")
    steps, old = shop.steps(), shop.old.name
    expected = done(("start recording", old), ("raise the fence", old)) + copying(shop)
    assert steps[: len(expected)] == expected
    assert [step for step in steps if step[0] in HANDING_OVER] == done(("retire", old), ("make ready", shop.new.name))
    assert {status for _, _, status in steps} == {"done"}


def test_cleanup_writes_down_each_drop_and_each_deletion(shop: Shop) -> None:
    shop.run("migrate --offline")
    own = shop.own_objects()
    shop.run("cleanup-old")
    steps = shop.runs()[0]["steps"]
    dropped = {step["detail"].split('"')[1] for step in steps if step["action"] == DROPS}
    assert dropped == own
    left = [step["detail"] for step in steps if step["action"] == "leave a fence that stands by itself"]
    assert [detail.split()[2].partition("(")[0] for detail in left[:2]] == ["_migration_retired"] * 2
    assert {step["object"] for step in steps} == {shop.old.name}
    reader = sqlite3.connect(shop.old)
    reader.execute("SELECT count(*) FROM item").fetchone()
    shop.run("cleanup-old --delete")
    reader.close()
    deleted = [name for action, name, status in shop.steps() if (action, status) == ("delete", "done")]
    assert deleted[0] == shop.old.name
    assert set(deleted) <= {f"{shop.old.name}{suffix}" for suffix in ("", "-wal", "-shm")}


def test_reset_writes_down_each_deletion_and_the_end_of_recording(shop: Shop) -> None:
    shop.run("migrate")
    new = shop.new
    reader = sqlite3.connect(new)
    reader.execute("SELECT count(*) FROM item").fetchone()
    shop.run("reset")
    reader.close()
    assert shop.steps() == done(
        *(("delete", f"{new.name}{suffix}") for suffix in ("", "-wal", "-shm")), ("stop recording", shop.old.name)
    )


def test_init_writes_down_what_it_makes(shop: Shop) -> None:
    shop.old.rename(shop.directory / "app.db")
    (shop.directory / "schema.py").unlink()
    link = Path(shop.json("init", str(shop.directory / "app.db"))["database"])
    assert shop.steps() == done(("make the link", link.name), ("write the schema module", "schema.py"))
    shop.run("init", str(shop.directory / "app.db"))
    assert shop.steps() == []


def test_init_writes_the_first_database_down(tmp_path: Path) -> None:
    shop = open_shop(tmp_path / "shop")
    shop.old.unlink()
    shop.run("init")
    assert shop.steps() == done(("make the first database", shop.new.name))


# --- failures


def test_of_a_failed_proof_the_error_is_written_down_and_no_fence(shop: Shop) -> None:
    shop.run("migrate")
    db = sqlite3.connect(shop.new, isolation_level=None)
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE name LIKE '%guard%'").fetchall():
        db.execute(f'DROP TRIGGER "{name}"')
    db.execute("UPDATE item SET title = 'other' WHERE id = 1")
    db.close()
    shop.run("drain", code=3)
    (*before, last) = shop.steps()
    assert {status for _, _, status in before} == {"done"}
    assert last == ("prove", shop.new.name, "failed")
    failed = shop.runs()[0]
    assert (failed["state"], failed["error"]) == ("failed", failed["steps"][-1]["error"])


def test_a_fence_that_comes_down_after_a_failure_is_written_down(tmp_path: Path) -> None:
    whole = "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT);" + (
        "INSERT INTO item WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
        " SELECT i, 'item ' || i FROM n;"
    )
    shop = open_shop(tmp_path / "shop", script=whole)
    shop.run("migrate")
    # One log row, which says that the whole table is to be compared: quick by the count of rows, and it is not.
    late = (
        "import sqlite3, hotmig.phases.pause as p\nunder = p._under_fence\n"
        "def late(*rest, **named):\n"
        f"    db = sqlite3.connect({str(shop.old)!r})\n"
        "    db.execute('UPDATE item SET name = name || 1')\n    db.commit()\n    db.close()\n"
        "    return under(*rest, **named)\n"
        "p._under_fence, p.ASSUMED_KEYS_PER_SECOND = late, 1e12"
    )
    assert patched(shop, late, "drain", "--max-pause", "0.001").wait() == 4
    steps = shop.runs()[0]["steps"]
    told = [(step["action"], step["status"], step["error"]) for step in steps if step["action"] != "replay"]
    assert [action for action, *_ in told[:3]] == ["forget an earlier drain", "prove", "raise the guard"]
    told = told[2:]
    assert told[1:] == [
        ("raise the fence", "done", None),
        ("replay the rest", "failed", told[2][2]),
        ("complete the drain", "failed", "not reached"),
        ("lower the fence", "done", None),
    ]
    assert "--max-pause" in (told[2][2] or "")
