"""Triggers that asked for replayed rows fire by what happened to each: replay takes it out and puts it in again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.schema.model import ReplayTrigger, TableRules
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from tests.phases.shops import open_shop
from tests.transfer.building import PLACE, Case, rules, schema, seed

T = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, u TEXT UNIQUE)"
AUDIT = "CREATE TABLE audit(event TEXT, id, was, now)"
INSERTED = (
    "CREATE TRIGGER inserted AFTER INSERT ON t BEGIN INSERT INTO audit VALUES ('insert', NEW.id, NULL, NEW.v); END"
)
UPDATED = (
    "CREATE TRIGGER updated AFTER UPDATE ON t BEGIN INSERT INTO audit VALUES ('update', NEW.id, OLD.v, NEW.v); END"
)
DELETED = "CREATE TRIGGER deleted AFTER DELETE ON t BEGIN INSERT INTO audit VALUES ('delete', OLD.id, OLD.v, NULL); END"
THREE = "INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'y'), (3, 'c', 'z')"


def asked(
    directory: Path,
    old: Sequence[str],
    new: Sequence[str],
    triggers: Sequence[str],
    said: Sequence[TableRules] = (),
    also: Sequence[str] = (),
) -> Case:
    """A migration to tables with triggers, all of which asked for replayed rows; ``also`` are triggers that did not."""
    wanted = schema([*new, *triggers, *also], said)
    names = [sql.split()[2] for sql in triggers]
    case = Case(directory, old, replace(wanted, replay_triggers=tuple(ReplayTrigger(name, PLACE) for name in names)))
    case.record()
    return case


def fired(
    case: Case, *writes: str, question: str = "SELECT * FROM audit ORDER BY id, event"
) -> list[tuple[object, ...]]:
    """What the triggers wrote when one replay carried the writes over, all of them at once."""
    with case.session() as session:
        case.copy(session)
        replay(session)
        assert case.new_rows("SELECT * FROM audit") == [], "a trigger fired for a row that was copied"
        case.write("BEGIN", *writes, "COMMIT")
        replay(session)
        prove(session, lambda *_: None)
    return case.new_rows(question)


@pytest.mark.parametrize(
    ("writes", "events"),
    [
        (["INSERT INTO t VALUES (4, 'd', 'w')"], [("insert", 4, None, "d")]),
        (["UPDATE t SET v = 'B' WHERE id = 2"], [("update", 2, "b", "B")]),
        (["DELETE FROM t WHERE id = 3"], [("delete", 3, "c", None)]),
        (
            [
                "UPDATE t SET u = 'q' WHERE id = 1",
                "UPDATE t SET u = 'x', v = 'B' WHERE id = 2",
                "UPDATE t SET u = 'y' WHERE id = 1",
            ],
            [("update", 1, "a", "a"), ("update", 2, "b", "B")],
        ),
        (["REPLACE INTO t VALUES (2, 'e', 'x')"], [("delete", 1, "a", None), ("update", 2, "b", "e")]),
        (["DELETE FROM t WHERE id = 3", "INSERT INTO t VALUES (3, 'f', 'z')"], [("update", 3, "c", "f")]),
        (["UPDATE t SET id = 9 WHERE id = 3"], [("delete", 3, "c", None), ("insert", 9, None, "c")]),
        (["UPDATE t SET v = 'one'", "UPDATE t SET v = 'two' WHERE id = 1"], [
            ("update", 1, "a", "two"), ("update", 2, "b", "one"), ("update", 3, "c", "one"),
        ]),
    ],
    ids=["insert", "update", "delete", "unique values swap", "replace", "deleted, inserted", "another key", "twice"],
)  # fmt: skip
def test_it_fires_by_what_happened_to_the_row(
    tmp_path: Path, writes: list[str], events: list[tuple[object, ...]]
) -> None:
    case = asked(tmp_path, [T, THREE], [T, AUDIT], [INSERTED, UPDATED, DELETED])
    assert fired(case, *writes) == events


@pytest.mark.parametrize(
    "writes",
    [
        ["UPDATE t SET v = v"],
        ["INSERT INTO t VALUES (1, 'z', 'z1') ON CONFLICT (id) DO UPDATE SET v = v"],
        ["UPDATE t SET v = 'z' WHERE id = 1", "UPDATE t SET v = 'a' WHERE id = 1"],
        ["INSERT INTO t VALUES (9, 'z', NULL)", "DELETE FROM t WHERE id = 9"],
        ["DELETE FROM t", THREE],
    ],
    ids=["update", "upsert", "there and back", "come and gone", "gone and come"],
)
def test_what_changed_nothing_fires_nothing(tmp_path: Path, writes: list[str]) -> None:
    case = asked(tmp_path, [T, THREE], [T, AUDIT], [INSERTED, UPDATED, DELETED])
    assert fired(case, *writes) == []


def test_each_replay_fires_for_its_own_writes(tmp_path: Path) -> None:
    case = asked(tmp_path, [T, THREE], [T, AUDIT], [INSERTED, UPDATED, DELETED])
    assert fired(case, "UPDATE t SET v = 'B' WHERE id = 2") == [("update", 2, "b", "B")]
    with case.session() as session:
        replay(session)
        case.write("DELETE FROM t WHERE id = 2")
        replay(session)
    assert case.new_rows("SELECT * FROM audit") == [("update", 2, "b", "B"), ("delete", 2, "B", None)]


def test_a_column_that_is_not_carried_over_makes_no_update(tmp_path: Path) -> None:
    new = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)"
    case = asked(tmp_path, [T, THREE], [new, AUDIT], [UPDATED])
    assert fired(case, "UPDATE t SET u = 'q' WHERE id = 1") == []


WATCHING = "CREATE TRIGGER {} BEGIN INSERT INTO audit VALUES ('watched', NEW.id, OLD.v, NEW.v); END"


@pytest.mark.parametrize(
    ("trigger", "ids"),
    [
        ("watch AFTER UPDATE ON t", [1, 2, 3]),
        ("watch AFTER UPDATE OF v ON t", [2, 3]),
        ("watch AFTER UPDATE OF w, V ON t", [2, 3]),
        ('watch AFTER UPDATE OF "u" ON t FOR EACH ROW', [1, 3]),
        ("watch AFTER UPDATE OF u ON t WHEN NEW.id > 1 OR NEW.id < 0", [3]),
        ("watch AFTER UPDATE OF v ON t FOR EACH ROW WHEN CASE WHEN NEW.begin THEN 1 ELSE 0 END -- begin\n", [3]),
        ("watch BEFORE UPDATE ON t WHEN NEW.v <> OLD.v", [2, 3]),
        ("watch UPDATE OF w ON main.t", []),
        ("watch UPDATE OF v ON main.t", [2, 3]),
        ("watch UPDATE ON main . t WHEN NEW.id = 2", [2]),
    ],
)
def test_when_and_update_of_say_for_which_updates(tmp_path: Path, trigger: str, ids: list[int]) -> None:
    t = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, u TEXT, w, begin INTEGER)"
    rows = "INSERT INTO t VALUES (1, 'a', 'x', 0, 0), (2, 'b', 'y', 0, 0), (3, 'c', 'z', 0, 1)"
    case = asked(tmp_path, [t, rows], [t, AUDIT], [WATCHING.format(trigger)])
    writes = [
        "UPDATE t SET u = 'q' WHERE id = 1",
        "UPDATE t SET v = 'B' WHERE id = 2",
        "UPDATE t SET v = 1, u = 1 WHERE id = 3",
    ]
    assert fired(case, *writes, question="SELECT id FROM audit ORDER BY id") == [(each,) for each in ids]


def test_update_of_tells_values_apart_that_are_equal(tmp_path: Path) -> None:
    t = "CREATE TABLE t(id INTEGER PRIMARY KEY, v, c TEXT COLLATE NOCASE)"
    case = asked(
        tmp_path,
        [t, "INSERT INTO t VALUES (1, 1, 'a'), (2, 0.0, 'a'), (3, NULL, 'a'), (4, 1, 'a')"],
        [t, AUDIT],
        [WATCHING.format("of_v AFTER UPDATE OF v ON t"), WATCHING.format("of_c AFTER UPDATE OF c ON t")],
    )
    writes = [
        "UPDATE t SET v = 1.0 WHERE id = 1",
        "UPDATE t SET v = -0.0 WHERE id = 2",
        "UPDATE t SET v = 0 WHERE id = 3",
        "UPDATE t SET c = 'A' WHERE id = 4",
    ]
    assert fired(case, *writes, question="SELECT id FROM audit ORDER BY id") == [(1,), (2,), (3,), (4,)]


def test_old_and_new_are_the_rows_of_the_new_table(tmp_path: Path) -> None:
    old = "CREATE TABLE client(id INTEGER PRIMARY KEY, name TEXT, price)"
    new = (
        "CREATE TABLE t(id INTEGER PRIMARY KEY, full_name TEXT, cents INTEGER, twice AS (cents * 2), rest DEFAULT 'r')"
    )
    trigger = (
        "CREATE TRIGGER seen AFTER UPDATE ON t BEGIN INSERT INTO audit"
        " VALUES (OLD.full_name || NEW.full_name, NEW.id, OLD.cents || '/' || OLD.twice, NEW.twice || NEW.rest); END"
    )
    said = rules("t", was="client", full_name={"was": "name"}, cents={"source": "price * 100"})
    case = asked(tmp_path, [old, "INSERT INTO client VALUES (1, 'a', 1)"], [new, AUDIT], [trigger], [said])
    assert fired(case, "UPDATE client SET name = 'b', price = 2") == [("ab", 1, "100/200", "400r")]


@pytest.mark.parametrize("declared", ["v ANY", "v"])
def test_values_keep_their_types(tmp_path: Path, declared: str) -> None:
    t = f"CREATE TABLE t(id INTEGER PRIMARY KEY, {declared}){' STRICT' if 'ANY' in declared else ''}"
    values = ["'007'", "1.0", "1", "x'00ff'", "NULL", "'a' || char(0) || 'b'"]
    rows = ", ".join(f"({number}, 'before')" for number in range(len(values)))
    case = asked(tmp_path, [t, f"INSERT INTO t VALUES {rows}"], [t, AUDIT], [UPDATED])
    writes = [f"UPDATE t SET v = {value} WHERE id = {number}" for number, value in enumerate(values)]
    found = fired(case, *writes, question="SELECT typeof(now), now FROM audit ORDER BY id")
    assert found == case.app.execute("SELECT typeof(v), v FROM t ORDER BY id").fetchall()


def test_a_type_may_have_any_name_and_keeps_its_affinity(tmp_path: Path) -> None:
    t = 'CREATE TABLE t(id INTEGER PRIMARY KEY, v "my-(type", u "HIDDEN INT" COLLATE NOCASE)'
    trigger = "CREATE TRIGGER g AFTER UPDATE ON t WHEN OLD.u = 'X' BEGIN INSERT INTO audit VALUES (1, 1, 1, NEW.v); END"
    case = asked(tmp_path, [t, "INSERT INTO t VALUES (1, 'a', 'x')"], [t, AUDIT], [trigger])
    assert fired(case, "UPDATE t SET v = '5'") == [("1", 1, 1, 5)]


@pytest.mark.parametrize("name", ["rowid", "oid", "_rowid_", "id"])
def test_the_rowid_has_all_its_names(tmp_path: Path, name: str) -> None:
    t = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)"
    triggers = [
        f"CREATE TRIGGER a AFTER UPDATE ON t BEGIN INSERT INTO audit VALUES ('u', OLD.{name}, NEW.{name}, 0); END",
        f"CREATE TRIGGER b AFTER INSERT ON t BEGIN INSERT INTO audit VALUES ('i', NEW.{name}, 0, 0); END",
        f"CREATE TRIGGER c AFTER DELETE ON t BEGIN INSERT INTO audit VALUES ('d', OLD.{name}, 0, 0); END",
    ]
    case = asked(tmp_path, [t, "INSERT INTO t VALUES (70, 'a'), (80, 'b')"], [t, AUDIT], triggers)
    writes = ["UPDATE t SET v = 'c' WHERE id = 80", "INSERT INTO t VALUES (75, 'd')", "DELETE FROM t WHERE id = 70"]
    assert fired(case, *writes) == [("d", 70, 0, 0), ("i", 75, 0, 0), ("u", 80, 80, 0)]


def test_a_table_without_a_key_goes_by_its_rowid(tmp_path: Path) -> None:
    t = "CREATE TABLE t(v TEXT, oid)"
    trigger = "CREATE TRIGGER g UPDATE ON t BEGIN INSERT INTO audit VALUES (NEW.rowid, NEW.oid, OLD.v, NEW.v); END"
    case = asked(
        tmp_path, [t, "INSERT INTO t(rowid, v, oid) VALUES (5, 'a', 'o'), (6, 'b', 'p')"], [t, AUDIT], [trigger]
    )
    assert fired(case, "UPDATE t SET v = 'c' WHERE rowid = 6") == [("6", "p", "b", "c")]


@pytest.mark.parametrize(
    "t",
    [
        "CREATE TABLE t(id TEXT NOT NULL COLLATE NOCASE, v TEXT, UNIQUE (id COLLATE BINARY))",
        "CREATE TABLE t(id TEXT NOT NULL COLLATE NOCASE, v TEXT, PRIMARY KEY (id COLLATE BINARY)) WITHOUT ROWID",
    ],
)
def test_keys_that_the_column_holds_equal_are_two_rows(tmp_path: Path, t: str) -> None:
    case = asked(
        tmp_path, [t, "INSERT INTO t VALUES ('bob', 'a'), ('BOB', 'b')"], [t, AUDIT], [INSERTED, UPDATED, DELETED]
    )
    writes = ["UPDATE t SET v = 'c' WHERE id = 'bob' COLLATE BINARY", "INSERT INTO t VALUES ('Bob', 'd')"]
    assert fired(case, *writes) == [("insert", "Bob", None, "d"), ("update", "bob", "a", "c")]


def test_every_trigger_of_every_table_fires_and_sees_the_other_tables_as_they_are_in_the_end(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)",
        "CREATE TABLE s(id INTEGER PRIMARY KEY, t_id INTEGER REFERENCES t(id))",
        "INSERT INTO t VALUES (1, 'a')",
        "INSERT INTO s VALUES (10, 1)",
    ]
    triggers = [
        UPDATED,
        "CREATE TRIGGER again AFTER UPDATE ON t BEGIN"
        " INSERT INTO audit SELECT 'sees', NEW.id, NULL, count(*) FROM s; END",
        "CREATE TRIGGER other AFTER INSERT ON s BEGIN"
        " INSERT INTO audit SELECT 'joins', NEW.id, NULL, v FROM t WHERE id = NEW.t_id; END",
    ]
    case = asked(tmp_path, old, [*old[:2], AUDIT], triggers)
    assert fired(case, "UPDATE t SET v = 'b'", "INSERT INTO s VALUES (11, 1)") == [
        ("sees", 1, None, 2),
        ("update", 1, "a", "b"),
        ("joins", 11, None, "b"),
    ]


def test_rows_whose_keys_are_mapped_have_their_new_keys(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE t(sku TEXT PRIMARY KEY NOT NULL, v TEXT)",
        "CREATE TABLE line(id INTEGER PRIMARY KEY, sku TEXT NOT NULL REFERENCES t(sku))",
        "INSERT INTO t VALUES ('x', 'a'), ('y', 'b'), ('z', 'c')",
        "INSERT INTO line VALUES (1, 'x'), (2, 'y')",
    ]
    new = [
        "CREATE TABLE t(id INTEGER PRIMARY KEY, sku TEXT NOT NULL UNIQUE, v TEXT)",
        "CREATE TABLE line(id INTEGER PRIMARY KEY, t_id INTEGER NOT NULL REFERENCES t(id))",
        AUDIT,
    ]
    on_line = (
        "CREATE TRIGGER l AFTER UPDATE ON line BEGIN INSERT INTO audit VALUES ('line', 9, OLD.t_id, NEW.t_id); END"
    )
    case = asked(tmp_path, old, new, [INSERTED, UPDATED, DELETED, on_line], [rules("line", t_id={"was": "sku"})])
    writes = [
        "UPDATE t SET v = 'B' WHERE sku = 'y'",
        "DELETE FROM t WHERE sku = 'z'",
        "INSERT INTO t VALUES ('w', 'd')",
        "UPDATE line SET sku = 'y' WHERE id = 1",
    ]
    assert fired(case, *writes) == [
        ("update", 2, "b", "B"),
        ("delete", 3, "c", None),
        ("insert", 4, None, "d"),
        ("line", 9, 1, 2),
    ]


def test_a_seed_row_that_takes_the_place_of_a_row_makes_an_update_of_it(tmp_path: Path) -> None:
    said = rules("t", seeds=[seed(id=1, v="seed"), seed(True, id=9, v="new")])
    case = asked(tmp_path, [T, THREE], [T, AUDIT], [INSERTED, UPDATED, DELETED], [said])
    assert fired(case, "DELETE FROM t WHERE id <> 2") == [("update", 1, "seed", "seed"), ("delete", 3, "c", None)]
    assert case.new_rows("SELECT id, v, u FROM t ORDER BY id") == [(1, "seed", None), (2, "b", "y"), (9, "new", None)]


def test_neither_triggers_that_did_not_ask_fire_nor_those_that_fired_in_the_old_database(tmp_path: Path) -> None:
    both = "CREATE TRIGGER both AFTER UPDATE ON t BEGIN INSERT INTO audit VALUES ('twice', NEW.id, 0, 0); END"
    case = asked(tmp_path, [T, AUDIT, both, THREE], [T, AUDIT], [both], also=[UPDATED])
    assert fired(case, "UPDATE t SET v = 'B' WHERE id = 2") == [("twice", 2, 0, 0)]


def test_one_that_refuses_a_row_stops_the_replay_and_nothing_has_changed(tmp_path: Path) -> None:
    strict = "CREATE TRIGGER no BEFORE DELETE ON t WHEN OLD.id = 3 BEGIN SELECT RAISE(ABORT, 'not this one'); END"
    case = asked(tmp_path, [T, THREE], [T, AUDIT], [UPDATED, strict])
    with case.session() as session:
        case.copy(session)
        case.write("DELETE FROM t WHERE id = 3", "UPDATE t SET v = 'B' WHERE id = 2")
        with pytest.raises(Refused, match="not this one"):
            replay(session)
        assert case.new_rows("SELECT id, v FROM t") == [(1, "a"), (2, "b"), (3, "c")]
        case.write(THREE.split(" VALUES ")[0] + " VALUES (3, 'c', 'z')")
        replay(session)
    assert case.new_rows("SELECT * FROM audit") == [("update", 2, "b", "B")]


def test_its_work_grows_with_the_number_of_rows_and_not_with_its_square(tmp_path: Path) -> None:
    steps = []
    for rows in (500, 4000):
        (directory := tmp_path / str(rows)).mkdir()
        fill = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO t"
        case = asked(directory, [T, f"{fill} SELECT i, 'a', i FROM n"], [T, AUDIT], [INSERTED, UPDATED, DELETED])
        count = 0

        def look() -> None:
            nonlocal count
            count += 1

        with case.session() as session:
            case.copy(session)
            case.write("UPDATE t SET v = 'b'")
            session.db.set_progress_handler(look, 1000)
            replay(session)
            session.db.set_progress_handler(None, 0)
        assert case.new_rows("SELECT count(*) FROM audit") == [(rows,)]
        steps.append(count)
    assert steps[1] < 16 * steps[0]


MODULE = '''
from typing import Annotated
from hotmig.schema import From, Key, auto, table, trigger

database = "shop"

@table
class Item:
    id: Annotated[int, Key] = auto()
    cents: Annotated[int, From("price * 100")]

@table
class Change:
    id: Annotated[int, Key] = auto()
    what: str
    item: int
    before: int | None
    after: int | None

trigger("""CREATE TRIGGER came AFTER INSERT ON item BEGIN
    INSERT INTO change(what, item, after) VALUES ('came', NEW.id, NEW.cents); END""", on_replay=True)
trigger("""CREATE TRIGGER went AFTER DELETE ON item BEGIN
    INSERT INTO change(what, item, before) VALUES ('went', OLD.id, OLD.cents); END""", on_replay=True)
trigger("""CREATE TRIGGER moved AFTER UPDATE OF cents ON item WHEN NEW.cents > OLD.cents BEGIN
    INSERT INTO change(what, item, before, after) VALUES ('rose', NEW.id, OLD.cents, NEW.cents); END""", on_replay=True)
trigger("""CREATE TRIGGER unasked AFTER UPDATE ON item BEGIN
    INSERT INTO change(what, item) VALUES ('unasked', NEW.id); END""")
'''


def test_from_migrate_to_cutover_and_beyond(tmp_path: Path) -> None:
    old = """CREATE TABLE item(id INTEGER PRIMARY KEY, price INTEGER NOT NULL);
        INSERT INTO item VALUES (1, 1), (2, 2), (3, 3);"""
    shop = open_shop(tmp_path / "shop", script=old, module=MODULE)
    shop.run("migrate")
    shop.write("UPDATE item SET price = 5 WHERE id = 1", "UPDATE item SET price = 0 WHERE id = 2")
    shop.lapse()
    shop.write(
        "DELETE FROM item WHERE id = 3", "INSERT INTO item VALUES (4, 4)", "UPDATE item SET price = 6 WHERE id = 1"
    )
    shop.run("drain")
    shop.run("cutover")
    changes = "SELECT what, item, before, after FROM change ORDER BY item, id"
    replayed = [("rose", 1, 100, 500), ("rose", 1, 500, 600), ("went", 3, 300, None), ("came", 4, None, 400)]
    assert shop.ask(changes, shop.new) == replayed
    shop.write("UPDATE item SET cents = 401 WHERE id = 4", file=shop.new)
    assert sorted(shop.ask(changes, shop.new)[4:]) == [("rose", 4, 400, 401), ("unasked", 4, None, None)]


@pytest.mark.parametrize("name", ["last_row", "keys_1", "latest_1", "rows_1", "moved", "lower_bound", "replayed_1"])
def test_a_trigger_writes_to_the_table_that_it_names(tmp_path: Path, name: str) -> None:
    """In a copy of a trigger that is temporary itself, a bare name means a temporary table first."""
    trigger = INSERTED.replace("audit", name)
    case = asked(tmp_path, [T], [T, AUDIT.replace("audit", name), AUDIT], [trigger])
    found = fired(case, "INSERT INTO t VALUES (1, 'a', 'x')", question=f"SELECT * FROM {name}")
    assert found == [("insert", 1, None, "a")]
