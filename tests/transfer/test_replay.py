"""Replay makes the new rows equal to the old rows again, for every logged key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.schema.model import ReplayTrigger
from hotmig.transfer.copy import copy_all
from hotmig.transfer.proof import prove
from hotmig.transfer.ranges import FIRST_ROWS, ChunkSize
from hotmig.transfer.replay import catch_up, replay
from hotmig.transfer.session import Session
from tests.transfer.building import PLACE, Case, rules, schema, seed

NUMBERS = "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 5000)"


def ignore(_table: str, _rows: int) -> None:
    pass


@pytest.mark.parametrize("wal", [True, False])
def test_writes_before_during_and_after_the_copy_arrive(tmp_path: Path, wal: bool) -> None:
    wanted = schema(
        ["CREATE TABLE customer(id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, tier TEXT NOT NULL DEFAULT 'basic')"],
        [rules("customer", was="client", full_name={"source": "first || ' ' || last"})],
    )
    case = Case(
        tmp_path,
        [
            "CREATE TABLE client(id INTEGER PRIMARY KEY, first TEXT, last TEXT)",
            "INSERT INTO client VALUES (1, 'Ada', 'L'), (2, 'Bob', 'M'), (3, 'Cy', 'N')",
        ],
        wanted,
        wal=wal,
    )
    case.record()
    case.write("UPDATE client SET last = 'X' WHERE id = 1")
    with case.session() as session:
        case.copy(session)
        assert case.new_rows("SELECT id FROM customer") == [(2,), (3,)]
        case.write("DELETE FROM client WHERE id = 2", "INSERT INTO client VALUES (4, 'Di', 'O')")
        done = replay(session)
        assert (done.keys, done.deleted, done.inserted) == (3, 1, 2)
        assert prove(session, ignore).rows == 3
    assert case.new_rows("SELECT * FROM customer ORDER BY id") == [
        (1, "Ada X", "basic"),
        (3, "Cy N", "basic"),
        (4, "Di O", "basic"),
    ]


def test_a_text_key_gets_an_integer_in_its_place_and_children_follow(tmp_path: Path) -> None:
    wanted = schema(
        [
            "CREATE TABLE product(id INTEGER PRIMARY KEY, sku TEXT NOT NULL UNIQUE)",
            "CREATE TABLE line(id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL REFERENCES product(id))",
        ],
        [rules("line", product_id={"was": "sku"})],
    )
    case = Case(
        tmp_path,
        [
            "CREATE TABLE product(sku TEXT PRIMARY KEY NOT NULL COLLATE NOCASE)",
            "CREATE TABLE line(id INTEGER PRIMARY KEY, sku TEXT NOT NULL REFERENCES product(sku))",
            "INSERT INTO product VALUES ('b'), ('a'), ('c')",
            "INSERT INTO line VALUES (1, 'A'), (2, 'c'), (3, 'b')",
        ],
        wanted,
    )
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows("SELECT l.id, p.sku FROM line l JOIN product p ON p.id = l.product_id ORDER BY 1") == [
            (1, "a"),
            (2, "c"),
            (3, "b"),
        ]
        case.write(
            "UPDATE product SET sku = 'A' WHERE sku = 'a'",
            "INSERT INTO product VALUES ('d')",
            "INSERT INTO line VALUES (4, 'D')",
            "DELETE FROM line WHERE id = 2",
            "DELETE FROM product WHERE sku = 'c'",
        )
        replay(session)
        assert prove(session, ignore).rows == 6
    assert case.new_rows("SELECT l.id, p.sku FROM line l JOIN product p ON p.id = l.product_id ORDER BY 1") == [
        (1, "A"),
        (3, "b"),
        (4, "d"),
    ]


def test_unique_values_that_were_swapped_do_not_conflict(tmp_path: Path) -> None:
    ddl = ["CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE)"]
    case = Case(tmp_path, [*ddl, "INSERT INTO t VALUES (1, 'a'), (2, 'b')"], schema(ddl))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(
            "BEGIN",
            "UPDATE t SET u = 'z' WHERE id = 1",
            "UPDATE t SET u = 'a' WHERE id = 2",
            "UPDATE t SET u = 'b' WHERE id = 1",
            "COMMIT",
        )
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT * FROM t") == [(1, "b"), (2, "a")]


def test_a_duplicate_for_a_new_unique_is_refused_and_nothing_has_changed(tmp_path: Path) -> None:
    wanted = schema(["CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE)"])
    case = Case(tmp_path, ["CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT)", "INSERT INTO t VALUES (1, 'a')"], wanted)
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write("INSERT INTO t VALUES (2, 'a')")
        with pytest.raises(Refused, match="UNIQUE"):
            replay(session)
        case.write("DELETE FROM t WHERE id = 2")
        replay(session)
        assert prove(session, ignore).rows == 1


def test_seed_rows_win_at_their_key_and_come_back_when_the_old_row_goes(tmp_path: Path) -> None:
    ddl = ["CREATE TABLE kind(code TEXT PRIMARY KEY NOT NULL, label TEXT, rank INTEGER DEFAULT 7)"]
    wanted = schema(ddl, [rules("kind", seeds=[seed(code="a", label="Alpha"), seed(True, code="b", label="Beta")])])
    case = Case(tmp_path, [*ddl, "INSERT INTO kind VALUES ('a', 'x', 1), ('b', 'y', 2), ('c', 'z', 3)"], wanted)
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows("SELECT * FROM kind ORDER BY 1") == [("a", "Alpha", 1), ("b", "y", 2), ("c", "z", 3)]
        case.write("DELETE FROM kind WHERE code IN ('a', 'b')", "UPDATE kind SET label = 'zz' WHERE code = 'c'")
        replay(session)
        prove(session, ignore)
        assert case.new_rows("SELECT * FROM kind ORDER BY 1") == [("a", "Alpha", 7), ("b", "Beta", 7), ("c", "zz", 3)]
        case.write("INSERT INTO kind VALUES ('a', 'again', 5)")
        replay(session)
        prove(session, ignore)
        assert case.new_rows("SELECT * FROM kind WHERE code = 'a'") == [("a", "Alpha", 5)]


def test_a_write_that_no_trigger_saw_fails_the_proof(tmp_path: Path) -> None:
    ddl = ["CREATE TABLE t(id INTEGER PRIMARY KEY, v)"]
    case = Case(tmp_path, [*ddl, "INSERT INTO t VALUES (1, 1), (2, 2)"], schema(ddl))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write("DROP TRIGGER _migration_capture_1_before_update", "UPDATE t SET v = 1.0 WHERE id = 1")
        replay(session)
        with pytest.raises(Refused, match=r'table "t" has 1 row not as the old database says: 1'):
            prove(session, ignore)


def test_a_bare_rowid_is_carried_over(tmp_path: Path) -> None:
    ddl = ["CREATE TABLE t(v)"]
    case = Case(tmp_path, [*ddl, "INSERT INTO t(rowid, v) VALUES (5, 'a'), (9, 'b')"], schema(ddl))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(
            "UPDATE t SET v = 'c' WHERE rowid = 9", "DELETE FROM t WHERE rowid = 5", "INSERT INTO t VALUES ('d')"
        )
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT rowid, v FROM t ORDER BY 1") == [(9, "c"), (10, "d")]


def test_a_trigger_that_asks_for_replayed_rows_fires_by_what_happened_to_them(tmp_path: Path) -> None:
    old = ["CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, u TEXT UNIQUE)"]
    ddl = [
        *old,
        "CREATE TABLE audit(event TEXT, id INTEGER, was TEXT, now TEXT)",
        "CREATE TRIGGER ins AFTER INSERT ON t BEGIN INSERT INTO audit VALUES ('insert', NEW.id, NULL, NEW.v); END",
        "CREATE TRIGGER upd AFTER UPDATE OF v ON t WHEN NEW.v <> OLD.v BEGIN"
        " INSERT INTO audit VALUES ('update', NEW.id, OLD.v, NEW.v); END",
        "CREATE TRIGGER del BEFORE DELETE ON t BEGIN INSERT INTO audit VALUES ('delete', OLD.id, OLD.v, NULL); END",
    ]
    wanted = schema(ddl)
    wanted = replace(wanted, replay_triggers=tuple(ReplayTrigger(name, PLACE) for name in ("ins", "upd", "del")))
    case = Case(tmp_path, [*old, "INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'z')"], wanted)
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows("SELECT * FROM audit") == []
        case.write(
            "BEGIN",
            "DELETE FROM t WHERE id = 3",
            "INSERT INTO t VALUES (4, 'd', 'w')",
            "UPDATE t SET u = 'q' WHERE id = 1",
            "UPDATE t SET u = 'x', v = 'B' WHERE id = 2",
            "UPDATE t SET u = 'y' WHERE id = 1",
            "COMMIT",
        )
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT * FROM audit ORDER BY id") == [
        ("update", 2, "b", "B"),
        ("delete", 3, "c", None),
        ("insert", 4, None, "d"),
    ]


@pytest.mark.parametrize("wal", [True, False])
def test_a_long_log_is_replayed_in_portions_and_the_application_writes_between_them(tmp_path: Path, wal: bool) -> None:
    ddl = ["CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"]
    case = Case(tmp_path, ddl, schema(ddl), wal=wal)
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(f"{NUMBERS} INSERT INTO t SELECT n, 0 FROM i")
        entries = []
        for portion in catch_up(session):
            entries.append(portion.entries)
            case.write("UPDATE t SET n = n + 1 WHERE id % 2000 = 0")
        assert entries[0] == FIRST_ROWS
        assert len(entries) > 1
        assert [done.entries for done in catch_up(session)] == [2], "what was written behind the last portion"
        assert prove(session, ignore).rows == 5000
    assert case.new_rows("SELECT id, n FROM t WHERE n > 0") == [(2000, len(entries)), (4000, len(entries))]


def test_a_portion_that_only_the_rest_of_the_log_puts_right_is_undone(tmp_path: Path) -> None:
    ddl = ["CREATE TABLE t(id INTEGER PRIMARY KEY, u INTEGER UNIQUE)"]
    case = Case(tmp_path, [*ddl, "INSERT INTO t VALUES (0, 1)"], schema(ddl))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(
            f"{NUMBERS} INSERT INTO t SELECT n, -n FROM i",
            # The first portion has the row that takes the value over, and only the last the one that gave it up.
            "UPDATE t SET u = 0 WHERE id = 0",
            "UPDATE t SET u = 1 WHERE id = 1",
        )
        assert [done.inserted for done in catch_up(session)] == [5001]
        prove(session, ignore)
    assert case.new_rows("SELECT u FROM t WHERE id < 3") == [(0,), (1,), (-2,)]


def test_a_row_that_does_not_fit_in_the_end_is_refused_though_its_portion_is_tried_again(tmp_path: Path) -> None:
    wanted = schema(["CREATE TABLE t(id INTEGER PRIMARY KEY, u INTEGER UNIQUE)"])
    case = Case(tmp_path, ["CREATE TABLE t(id INTEGER PRIMARY KEY, u INTEGER)"], wanted)
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(
            f"{NUMBERS} INSERT INTO t SELECT n, max(n, 2) FROM i",
        )
        with pytest.raises(Refused, match="UNIQUE"):
            list(catch_up(session))
    assert case.new_rows("SELECT count(*) FROM t") == [(0,)]


def test_portions_come_to_an_end_where_the_application_writes_as_fast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ChunkSize, "took", lambda *_: None)
    ddl = ["CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"]
    case = Case(tmp_path, ddl, schema(ddl))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(f"{NUMBERS} INSERT INTO t SELECT n, 0 FROM i")
        portions = []
        for portion in islice(catch_up(session), 100):
            portions.append(portion.entries)
            if portion.upto < session.last_log_id():
                case.write(f"UPDATE t SET n = n + 1 WHERE id <= {FIRST_ROWS}")
        assert portions[:-1] == [FIRST_ROWS] * (len(portions) - 1)
        assert portions[-1] == 5000, "the rest, at once"
        prove(session, ignore)


@pytest.fixture
def slow_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time goes by in commits alone, a minute in each."""
    now, snapshot = [0.0], Session.snapshot

    @contextmanager
    def slow(session: Session) -> Iterator[None]:
        with snapshot(session):
            yield
            now[0] += 60

    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(Session, "snapshot", slow)


@pytest.mark.usefixtures("slow_commits")
def test_where_a_commit_takes_its_time_no_chunk_gets_shorter(tmp_path: Path) -> None:
    """In short ones all of the time would go by in commits, and a log that grows meanwhile never be replayed."""
    ddl = ["CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"]
    case = Case(tmp_path, [*ddl, f"{NUMBERS} INSERT INTO t SELECT n, 0 FROM i"], schema(ddl), wal=False)
    case.record()
    copied, proved = [], []
    with case.session() as session:
        copy_all(session, {}, lambda _, rows: copied.append(rows))
        case.write("UPDATE t SET n = 1")
        replayed = [done.entries for done in catch_up(session)]
        prove(session, lambda _, rows: proved.append(rows))
    assert copied == replayed == proved[:2] == [FIRST_ROWS, 4 * FIRST_ROWS]


# --- rows that change in place

INDEXED = (
    "CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, u INTEGER UNIQUE, plain TEXT, part TEXT, said TEXT)",
    "CREATE INDEX by_k ON t(k)",
    "CREATE INDEX by_part ON t(u) WHERE part = 'x'",
    "CREATE INDEX by_lower ON t(lower(said))",
)


def test_columns_that_no_index_knows_are_changed_in_place(tmp_path: Path) -> None:
    case = Case(
        tmp_path, [*INDEXED, f"{NUMBERS} INSERT INTO t SELECT n, n % 7, n, 'p', 'x', 'S' FROM i"], schema(INDEXED)
    )
    case.record()
    with case.session() as session:
        case.copy(session)
        (step,) = session.steps
        assert step.comparison.change_in_place is not None
        assert 'SET "plain" = ' in step.comparison.change_in_place
        session.db.execute("CREATE TEMP TABLE taken_out(id)")
        session.db.execute(
            "CREATE TEMP TRIGGER see AFTER DELETE ON main.t BEGIN INSERT INTO taken_out VALUES (OLD.id); END"
        )
        case.write(
            "UPDATE t SET plain = 'changed' WHERE id <= 1000",
            "UPDATE t SET plain = 'both', k = k + 1 WHERE id = 7",
            "UPDATE t SET part = 'y' WHERE id = 8",
            "UPDATE t SET said = 's' WHERE id = 9",
            "UPDATE t SET u = u + 10000, plain = NULL WHERE id = 10",
            "DELETE FROM t WHERE id = 11",
            "INSERT INTO t VALUES (9000, 1, -1, 'new', 'x', 'S')",
        )
        done = replay(session)
        assert (done.keys, done.deleted, done.inserted) == (1001, 1000, 5)
        assert session.db.execute("SELECT id FROM taken_out ORDER BY id").fetchall() == [(7,), (8,), (9,), (10,), (11,)]
        prove(session, ignore)
    assert case.new_rows("SELECT * FROM t") == case.app.execute("SELECT * FROM t").fetchall()
    assert case.new_rows("PRAGMA integrity_check") == [("ok",)]


def test_what_does_not_fit_in_place_is_told_by_its_key(tmp_path: Path) -> None:
    old = "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER)"
    new = "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER CHECK (n < 10))"
    case = Case(tmp_path, [old, "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)"], schema([new]))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write("UPDATE t SET n = 5 WHERE id = 1", "UPDATE t SET n = 50 WHERE id = 2")
        with pytest.raises(Refused, match=r"CHECK constraint failed.*row with id 2"):
            replay(session)
        case.write("UPDATE t SET n = 6 WHERE id = 2")
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT * FROM t") == [(1, 5), (2, 6), (3, 3)]


@pytest.mark.parametrize(
    "key",
    ["id INTEGER PRIMARY KEY", "id TEXT NOT NULL PRIMARY KEY", "id TEXT COLLATE NOCASE NOT NULL PRIMARY KEY",
     "id BLOB NOT NULL PRIMARY KEY", "id NOT NULL PRIMARY KEY"],
)  # fmt: skip
@pytest.mark.parametrize("options", ["", " WITHOUT ROWID"])
def test_what_is_logged_leads_to_the_new_row_and_not_the_other_way(tmp_path: Path, key: str, options: str) -> None:
    """Otherwise each round, the last one under the fence too, reads the whole table."""
    ddl = [f"CREATE TABLE t({key}, n INTEGER){options}"]
    case = Case(tmp_path, ddl, schema(ddl))
    case.record()
    with case.session() as session:
        (step,) = session.steps
        assert step.comparison.change_in_place is not None
        plan = [row[3] for row in session.db.execute(f"EXPLAIN QUERY PLAN {step.comparison.change_in_place}")]
    assert [line.split()[:2] for line in plan[:2]] == [["SCAN", "r"], ["SEARCH", "n"]], plan


def test_an_old_row_in_the_place_of_a_seed_gets_the_defaults_that_the_seed_set(tmp_path: Path) -> None:
    old = "CREATE TABLE t(code TEXT NOT NULL PRIMARY KEY, label TEXT)"
    new = "CREATE TABLE t(code TEXT NOT NULL PRIMARY KEY, label TEXT, colour TEXT NOT NULL DEFAULT 'none')"
    seeds = [seed(if_absent=True, code="b", label="Beta", colour="red")]
    case = Case(tmp_path, [old, "INSERT INTO t VALUES ('a', 'own')"], schema([new], [rules("t", seeds=seeds)]))
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows("SELECT * FROM t") == [("a", "own", "none"), ("b", "Beta", "red")]
        case.write("INSERT INTO t VALUES ('b', 'own')")
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT * FROM t") == [("a", "own", "none"), ("b", "own", "none")]
