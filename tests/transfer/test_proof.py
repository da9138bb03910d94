"""The proof finds every kind of difference, with table and key, and nothing where there is none."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.transfer import proof
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from tests.model.driver import chunks_of
from tests.transfer.building import Case, rules, schema, seed

T = "CREATE TABLE t(id INTEGER PRIMARY KEY, v, n TEXT COLLATE NOCASE)"
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)"
ROWS = "INSERT INTO t VALUES (1, 1, 'a'), (2, 0.0, 'b'), (3, x'61', NULL)"
NOT_AS_OLD = 'the proof failed: table "{}" has {} not as the old database says: {}'
TOO_MANY = 'the proof failed: table "{}" has rows that the old database does not have: {}'


def ignore(_table: str, _rows: int) -> None:
    pass


def copied(directory: Path, old: Sequence[str], wanted: Sequence[str], *said: object) -> Case:
    """A new database that is up to date."""
    case = Case(directory, old, schema(wanted, said))  # type: ignore[arg-type]
    case.record()
    with case.session() as session:
        case.copy(session)
        replay(session)
        prove(session, ignore)
    return case


def tamper(case: Case, *statements: str, parameters: Sequence[object] = ()) -> None:
    """What no trigger saw, the other way round: the new rows change, and the old ones do not."""
    db = sqlite3.connect(case.new_path, isolation_level=None)
    for sql in statements:
        db.execute(sql, parameters)
    db.close()


def refusal(case: Case) -> str:
    with case.session() as session, pytest.raises(Refused) as caught:
        prove(session, ignore)
    return caught.value.message


def proved(case: Case) -> int:
    with case.session() as session:
        return prove(session, ignore).rows


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("DELETE FROM t WHERE id = 2", NOT_AS_OLD.format("t", "1 row", 2)),
        ("INSERT INTO t VALUES (4, 1, 'a')", TOO_MANY.format("t", 4)),
        ("INSERT INTO t VALUES (-9, 1, 'a'), (99, 1, 'a')", TOO_MANY.format("t", "-9, 99")),
        ("UPDATE t SET v = 1.0 WHERE id = 1", NOT_AS_OLD.format("t", "1 row", 1)),
        ("UPDATE t SET v = '1' WHERE id = 1", NOT_AS_OLD.format("t", "1 row", 1)),
        ("UPDATE t SET v = NULL WHERE id = 1", NOT_AS_OLD.format("t", "1 row", 1)),
        ("UPDATE t SET v = 'a' WHERE id = 3", NOT_AS_OLD.format("t", "1 row", 3)),
        ("UPDATE t SET v = x'6100' WHERE id = 3", NOT_AS_OLD.format("t", "1 row", 3)),
        ("UPDATE t SET v = -0.0 WHERE id = 2", NOT_AS_OLD.format("t", "1 row", 2)),
        ("UPDATE t SET n = 'A' WHERE id = 1", NOT_AS_OLD.format("t", "1 row", 1)),
        ("UPDATE t SET n = '' WHERE id = 3", NOT_AS_OLD.format("t", "1 row", 3)),
        ("UPDATE t SET n = 'a' || char(0) WHERE id = 1", NOT_AS_OLD.format("t", "1 row", 1)),
        ("UPDATE t SET id = 7 WHERE id = 1", NOT_AS_OLD.format("t", "1 row", 1)),
        ("UPDATE t SET v = 'x'", NOT_AS_OLD.format("t", "3 rows", "1, 2, 3")),
        ("DELETE FROM t", NOT_AS_OLD.format("t", "3 rows", "1, 2, 3")),
    ],
)  # fmt: skip
def test_every_kind_of_difference_is_found_with_table_and_key(tmp_path: Path, change: str, found: str) -> None:
    case = copied(tmp_path, [T, ROWS], [T])
    tamper(case, change)
    assert refusal(case) == found


@pytest.mark.parametrize("extra", ["('a', 2.5, 0)", "('A', 1, 0)", "('', 1, 0)", "('zz', 9, 0)"])
@pytest.mark.parametrize("without_rowid", ["", " WITHOUT ROWID"])
def test_a_row_too_many_is_found_whatever_its_key(tmp_path: Path, extra: str, without_rowid: str) -> None:
    t = f"CREATE TABLE t(a TEXT NOT NULL, b NUMERIC NOT NULL, v, PRIMARY KEY (b, a)){without_rowid}"
    case = copied(tmp_path, [t, "INSERT INTO t VALUES ('a', 1, 0), ('b', 1, 0), ('a', 2, 0)"], [t])
    tamper(case, f"INSERT INTO t VALUES {extra}")
    a, b, _ = extra.strip("()").split(", ")
    assert refusal(case) == TOO_MANY.format("t", f"({b}, {a})")


def test_a_key_that_is_spelled_otherwise_is_another_key(tmp_path: Path) -> None:
    t = "CREATE TABLE t(id TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, v)"
    case = copied(tmp_path, [t, "INSERT INTO t VALUES ('bob', 1)"], [t])
    tamper(case, "UPDATE t SET id = 'BOB'")
    assert refusal(case) == NOT_AS_OLD.format("t", "1 row", "'bob'")


KEYS = {
    "integer": ("id INTEGER PRIMARY KEY, v)", "(id, v) VALUES ({0}, {0})"),
    "rowid": ("v)", "(rowid, v) VALUES ({0}, {0})"),
    "nocase": ("id TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, v)", "VALUES (char(65 + {0} + {0} / 2 % 2 * 32), {0})"),
    "two spellings": (
        "id TEXT NOT NULL COLLATE NOCASE, v, UNIQUE (id COLLATE BINARY))",
        "VALUES (char(65 + {0} / 2 + {0} % 2 * 32), {0})",
    ),
    "composite": (
        "a TEXT NOT NULL, b INTEGER NOT NULL, v, PRIMARY KEY (a, b))",
        "VALUES (char(97 + {0} / 5), {0} % 5, {0})",
    ),
    "composite nocase": (
        "a TEXT NOT NULL COLLATE NOCASE, b INTEGER NOT NULL, v, PRIMARY KEY (a, b DESC)) WITHOUT ROWID",
        "VALUES (char(97 + {0} / 5 - {0} % 2 * 32), {0}, {0})",
    ),
    "mixed types": ("id BLOB NOT NULL PRIMARY KEY, v)", "VALUES (iif({0} % 3, {0}, 'x' || {0}), {0})"),
}  # fmt: skip
EVEN = range(0, 14, 2)
ODD = range(-1, 15, 2)


@pytest.fixture
def small_chunks() -> Iterator[None]:
    with chunks_of(2):
        yield


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("key", KEYS)
def test_no_row_falls_between_two_chunks(tmp_path: Path, key: str) -> None:
    """Each row in turn is another one, and one too many stands before and behind each: chunks have two rows."""
    columns, values = KEYS[key]
    table = f"CREATE TABLE t({columns}"
    case = copied(tmp_path, [table, *(f"INSERT INTO t {values.format(even)}" for even in EVEN)], [table])
    assert proved(case) == len(EVEN)
    for even in EVEN:
        tamper(case, f"UPDATE t SET v = 'other' WHERE v = {even}")
        assert "1 row not as the old database says: " in refusal(case), even
        tamper(case, f"UPDATE t SET v = {even} WHERE v = 'other'")
    for odd in ODD:
        tamper(case, f"INSERT INTO t {values.format(odd)}")
        assert "rows that the old database does not have: " in refusal(case), odd
        tamper(case, f"DELETE FROM t WHERE v = {odd}")
    assert proved(case) == len(EVEN)


@pytest.mark.usefixtures("small_chunks")
def test_logged_rows_are_left_out_and_only_they(tmp_path: Path) -> None:
    case = copied(tmp_path, [T, f"{NUMBERS} INSERT INTO t SELECT i, i, i FROM n"], [T])
    case.write(
        "UPDATE t SET v = 'late' WHERE id IN (1, 2, 5)", "DELETE FROM t WHERE id = 9", "INSERT INTO t(id) VALUES (30)"
    )
    assert proved(case) == 20 - 4
    tamper(case, "UPDATE t SET v = 'wrong' WHERE id IN (2, 3)")
    assert refusal(case) == NOT_AS_OLD.format("t", "1 row", 3)
    tamper(case, "UPDATE t SET v = id WHERE id = 3", "INSERT INTO t(id) VALUES (30), (31)")
    assert refusal(case) == TOO_MANY.format("t", 31)


@pytest.mark.usefixtures("small_chunks")
def test_what_is_logged_while_it_walks_is_left_out_of_later_chunks(tmp_path: Path) -> None:
    case = copied(tmp_path, [T, f"{NUMBERS} INSERT INTO t SELECT i, i, i FROM n"], [T])
    late = iter([f"UPDATE t SET v = -1 WHERE id = {id}" for id in range(20, 0, -1)])
    with case.session() as session:
        assert 0 < prove(session, lambda _table, _rows: case.write(next(late, "SELECT 1"))).rows < 20


def test_a_table_with_a_whole_table_mark_is_left_to_the_replay(tmp_path: Path) -> None:
    case = copied(tmp_path, [T, ROWS], [T])
    case.write("INSERT INTO _migration_log(operation, table_name) VALUES ('table', 't')")
    tamper(case, "DELETE FROM t WHERE id = 2", "INSERT INTO t VALUES (7, 7, 7)", "UPDATE t SET v = 1.0 WHERE id = 1")
    assert proved(case) == 0
    with case.session() as session:
        replay(session, finish=True)
        assert prove(session, ignore).rows == 3


def test_seed_rows_are_no_rows_too_many_and_are_part_of_what_is_expected(tmp_path: Path) -> None:
    said = rules(
        "t", seeds=[seed(id=1, v="won"), seed(True, id=2, v="yields"), seed(id=50, v="new"), seed(True, id=51)]
    )
    case = copied(tmp_path, [T, ROWS], [T], said)
    assert proved(case) == 3
    tamper(case, "UPDATE t SET v = 1 WHERE id = 1")
    assert refusal(case) == NOT_AS_OLD.format("t", "1 row", 1)
    tamper(case, "UPDATE t SET v = 'won' WHERE id = 1", "INSERT INTO t(id) VALUES (49), (52)")
    assert refusal(case) == TOO_MANY.format("t", "49, 52")


PARENT = "CREATE TABLE parent(code TEXT PRIMARY KEY NOT NULL, v)"
CHILD = "CREATE TABLE child(id INTEGER PRIMARY KEY, parent TEXT REFERENCES parent(code))"
FAMILY = [
    PARENT,
    CHILD,
    "INSERT INTO parent VALUES ('a', 0), ('b', 0), ('c', 1)",
    "INSERT INTO child VALUES (1, 'a'), (2, 'b'), (3, NULL)",
]
NUMBERED = [
    "CREATE TABLE parent(id INTEGER PRIMARY KEY, code TEXT NOT NULL, v)",
    "CREATE TABLE child(id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent(id))",
]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (["UPDATE child SET parent_id = 2 WHERE id = 1"], NOT_AS_OLD.format("child", "1 row", 1)),
        (["UPDATE child SET parent_id = NULL WHERE id = 1"], NOT_AS_OLD.format("child", "1 row", 1)),
        (["UPDATE child SET parent_id = 1 WHERE id = 3"], NOT_AS_OLD.format("child", "1 row", 3)),
        (["UPDATE parent SET id = 9 WHERE id = 3"], NOT_AS_OLD.format("parent", "1 row", "'c'")),
        (["DELETE FROM parent WHERE code = 'c'"], NOT_AS_OLD.format("parent", "1 row", "'c'")),
        (["UPDATE parent SET v = 1.0 WHERE code = 'c'"], NOT_AS_OLD.format("parent", "1 row", "'c'")),
        (["INSERT INTO parent VALUES (9, 'd', 0)"], 'the proof failed: table "parent" has 4 rows for 3 mapped keys: 4'),
        (
            ["UPDATE _id_mapping SET new_id = 3 - new_id WHERE old_id IN ('a', 'b')"],
            NOT_AS_OLD.format("parent", "2 rows", "'a', 'b'"),
        ),
        (
            # All parents have their rows: only the children tell that two were exchanged.
            [
                "UPDATE _id_mapping SET new_id = 3 - new_id WHERE old_id IN ('a', 'b')",
                "UPDATE parent SET code = CASE code WHEN 'a' THEN 'b' ELSE 'a' END WHERE id < 3",
            ],
            NOT_AS_OLD.format("child", "2 rows", "1, 2"),
        ),
        (["DELETE FROM _id_mapping WHERE old_id = 'c'"], NOT_AS_OLD.format("parent", "1 row", "'c'")),
    ],
    ids=[
        "points elsewhere", "points nowhere", "points at all", "another key", "missing", "value", "extra", "mappings",
        "exchanged", "no mapping",
    ],
)  # fmt: skip
def test_mapped_keys_and_what_points_at_them(tmp_path: Path, changes: list[str], found: str) -> None:
    case = copied(tmp_path, FAMILY, NUMBERED, rules("child", parent_id={"was": "parent"}))
    tamper(case, *changes)
    assert refusal(case) == found


def test_seed_rows_beside_mapped_ones_are_no_rows_too_many(tmp_path: Path) -> None:
    said = rules("parent", seeds=[seed(id=70, code="s"), seed(True, id=71, code="t")])
    case = copied(tmp_path, FAMILY, NUMBERED, said, rules("child", parent_id={"was": "parent"}))
    assert proved(case) == 6
    tamper(case, "INSERT INTO parent VALUES (90, 'u', NULL)")
    assert refusal(case) == 'the proof failed: table "parent" has 6 rows for 3 mapped keys: 6'


def test_a_foreign_key_that_is_new_must_hold_in_the_end(tmp_path: Path) -> None:
    old = ["CREATE TABLE a(id INTEGER PRIMARY KEY)", "CREATE TABLE b(id INTEGER PRIMARY KEY, a_id INTEGER)"]
    new = [old[0], "CREATE TABLE b(id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a(id))"]
    case = copied(tmp_path, [*old, "INSERT INTO a VALUES (1)", "INSERT INTO b VALUES (1, 1), (2, NULL)"], new)
    tamper(case, "UPDATE b SET a_id = 5 WHERE id = 2")
    raw = sqlite3.connect(case.old_path, isolation_level=None)
    raw.execute("DROP TRIGGER _migration_capture_2_before_update")
    raw.execute("UPDATE b SET a_id = 5 WHERE id = 2")
    raw.close()
    assert refusal(case) == (
        'a foreign key of the new schema is broken: "b" (a_id) refers to no row of "a"'
        ' (old table "b", row with id 2: a_id 5)'
    )


def test_under_the_fence_the_keys_of_the_last_replay_are_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a replay that only says that it changed the row, the proof alone can tell."""
    case = copied(tmp_path, [T, ROWS], [T])
    case.write("UPDATE t SET v = 'late' WHERE id = 2")
    monkeypatch.setattr("hotmig.transfer.replay._change_in_place", lambda *_: 1)
    with case.session() as session, pytest.raises(Refused) as caught:
        replay(session, finish=True)
    assert caught.value.message == NOT_AS_OLD.format("t", "1 row", 2)
    assert case.new_rows("SELECT drain_completed FROM _migration_progress") == [(0,)]


def test_a_row_that_only_the_old_columns_type_would_take_for_its_own(tmp_path: Path) -> None:
    old = ["CREATE TABLE tag(code NUMERIC NOT NULL PRIMARY KEY)", "INSERT INTO tag VALUES (5)"]
    case = Case(tmp_path, old, schema(["CREATE TABLE tag(code NOT NULL PRIMARY KEY)"]))
    case.record()
    with case.session() as session:
        case.copy(session)
        session.db.execute("INSERT INTO tag VALUES ('5')")
        with pytest.raises(Refused, match="rows that the old database does not have: '5'"):
            prove(session, lambda *_: None)


# --- counting in place of looking back


def test_a_new_key_is_looked_up_once_for_each_row(tmp_path: Path) -> None:
    """Not once for each comparison, which asks for its type too."""
    case = copied(tmp_path, FAMILY, NUMBERED, rules("child", parent_id={"was": "parent"}))
    asked: list[str] = []
    with case.session() as session:
        session.db.set_trace_callback(asked.append)
        prove(session, ignore)
        session.db.set_trace_callback(None)
        plans = [
            [row[3] for row in session.db.execute(f"EXPLAIN QUERY PLAN {sql}")]
            for sql in asked
            if sql.startswith("SELECT count(*), count(CASE")
        ]
    assert [sum("SEARCH m USING PRIMARY KEY" in line for line in plan) for plan in plans] == [1, 1]


@pytest.mark.parametrize(
    ("ddl", "counted"),
    [
        ("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", True),
        ("CREATE TABLE t(id TEXT NOT NULL PRIMARY KEY, v)", True),
        ("CREATE TABLE t(a INTEGER NOT NULL, b TEXT NOT NULL, v, PRIMARY KEY (a, b)) WITHOUT ROWID", True),
        ("CREATE TABLE t(v)", False),  # by its bare rowid
    ],
)
def test_where_both_sides_have_one_order_as_many_rows_are_no_others(
    tmp_path: Path, ddl: str, counted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = copied(
        tmp_path, [ddl, *(f"INSERT INTO t(v) VALUES ({n})" for n in range(9) if "NOT NULL" not in ddl)], [ddl]
    )
    looked: list[str] = []
    monkeypatch.setattr(proof, "_back", lambda *_: looked.append("back"))
    with case.session() as session:
        prove(session, ignore)
    assert looked == ([] if counted else ["back"])


@pytest.mark.parametrize("extra", [-5, 0, 15, 21, 1000])
@pytest.mark.parametrize("rows", [0, 20])
def test_a_row_too_many_is_found_in_every_range_and_behind_the_last(tmp_path: Path, extra: int, rows: int) -> None:
    ddl = "CREATE TABLE t(id INTEGER PRIMARY KEY, v)"
    fill = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
    some = [f"{fill} INSERT INTO t SELECT i, i FROM n WHERE i <> 15"] if rows else []
    case = copied(tmp_path, [ddl, *some], [ddl])
    tamper(case, f"INSERT INTO t VALUES ({extra}, 'nobody knows')")
    with chunks_of(5), case.session() as session, pytest.raises(Refused) as refused:
        prove(session, ignore)
    assert str(refused.value) == TOO_MANY.format("t", extra)


def test_a_number_whose_leading_zero_a_changed_type_would_take_is_found(tmp_path: Path) -> None:
    """Somebody made a TEXT column an INTEGER behind SQLite's back: both sides are numeric, and compare as numbers."""
    old = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, w)"
    change = "UPDATE sqlite_schema SET sql = replace(sql, 'v TEXT', 'v INTEGER') WHERE name = 't'"
    new = "CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER, w TEXT)"
    script = [old, "INSERT INTO t VALUES (1, '0123', 'x')", "PRAGMA writable_schema = 1", change]
    case = Case(tmp_path, [*script, "PRAGMA writable_schema = RESET"], schema([new]))
    case.record()
    with case.session() as session:
        case.copy(session)
        with pytest.raises(Refused) as refused:
            prove(session, ignore)
    assert str(refused.value) == NOT_AS_OLD.format("t", "1 row", "1")


def test_a_table_of_which_old_and_new_have_many_columns_is_proved(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(1_900)]
    old = f"CREATE TABLE t(id INTEGER PRIMARY KEY, {', '.join(names)})"
    new = f"CREATE TABLE t(id INTEGER PRIMARY KEY, {', '.join(names[:300])}, many TEXT)"
    said = rules("t", many={"source": "||".join(names[300:320])})
    copied(tmp_path, [old, "INSERT INTO t(id, c1) VALUES (1, 'x')"], [new], said)
