"""The collection of logged keys: each once, as it is, up to a log row; and the tables of which every row counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.sqlite import execute
from hotmig.transfer.copy import copy_all
from hotmig.transfer.keys import LoggedKeys
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from hotmig.transfer.session import Session
from tests.model.driver import chunks_of
from tests.transfer.building import Case, rules, schema

T = "CREATE TABLE t(id INTEGER PRIMARY KEY, v)"
S = "CREATE TABLE s(name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, v) WITHOUT ROWID"
MARK = "INSERT INTO _migration_log(operation, table_name) VALUES ('table', '{}')"


@contextmanager
def collecting(
    directory: Path, *old: str, wanted: Sequence[str] = (), rows: Sequence[str] = ()
) -> Iterator[tuple[Case, LoggedKeys]]:
    """A recorded database, and the keys that are logged from now on."""
    case = Case(directory, [*old, *rows], schema(wanted or old))
    case.record()
    with case.session() as session:
        yield case, LoggedKeys(session, 0)


def collected(keys: LoggedKeys, table: str) -> list[tuple[object, ...]]:
    step = next(step for step in keys.session.steps if step.source_key.table == table)
    return sorted(execute(keys.session.db, f"SELECT * FROM {step.keys}").fetchall())


def load(keys: LoggedKeys, most: int | None = None) -> int:
    with keys.session.snapshot():
        return keys.load(most)


def test_each_key_is_collected_once_and_only_what_was_logged_since_is_looked_at(tmp_path: Path) -> None:
    with collecting(tmp_path, T, S) as (case, keys):
        assert load(keys) == 0
        case.write("INSERT INTO t VALUES (5, 0)", "UPDATE t SET v = 1", "UPDATE t SET v = 2")
        assert load(keys) == 3
        assert (collected(keys, "t"), collected(keys, "s")) == ([(5,)], [])
        case.write("INSERT INTO s VALUES ('a', 0)", "DELETE FROM t")
        logged = keys.session.last_log_id()
        assert load(keys) == logged - 3
        assert load(keys) == 0
        assert (collected(keys, "t"), collected(keys, "s"), keys.upto) == ([(5,)], [("a",)], logged)


def test_it_looks_at_no_more_log_rows_than_it_is_told(tmp_path: Path) -> None:
    with collecting(tmp_path, T) as (case, keys):
        case.write(*(f"INSERT INTO t VALUES ({number}, 0)" for number in range(1, 6)))
        assert [load(keys, 2), keys.upto, len(collected(keys, "t"))] == [2, 2, 2]
        assert [load(keys, 2), keys.upto, len(collected(keys, "t"))] == [2, 4, 4]
        assert [load(keys, 2), keys.upto, len(collected(keys, "t"))] == [1, 5, 5]


def test_a_long_backlog_is_collected_in_portions_but_for_the_latest(tmp_path: Path) -> None:
    with collecting(tmp_path, T) as (case, keys), chunks_of(3):
        case.write(*(f"INSERT INTO t VALUES ({number}, 0)" for number in range(1, 12)))
        keys.load_backlog()
        assert (keys.upto, len(collected(keys, "t"))) == (9, 9)
        assert load(keys) == 2


def test_what_is_logged_meanwhile_does_not_make_a_backlog_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collecting(tmp_path, T) as (case, keys), chunks_of(3):
        numbers = iter(range(1, 100))
        case.write(*(f"INSERT INTO t VALUES ({next(numbers)}, 0)" for _ in range(11)))

        def write(_session: Session, _worked: float = 0.0) -> None:
            case.write(*(f"INSERT INTO t VALUES ({next(numbers)}, 0)" for _ in range(3)))

        monkeypatch.setattr(Session, "let_writers_in", write)
        keys.load_backlog()
        assert keys.upto == 9


def test_what_was_replayed_is_forgotten(tmp_path: Path) -> None:
    with collecting(tmp_path, T) as (case, keys):
        case.write("INSERT INTO t VALUES (1, 0)", MARK.format("t"))
        load(keys)
        assert keys.whole == {keys.session.steps[0].step.number}
        keys.forget(keys.upto)
        assert (collected(keys, "t"), keys.whole, keys.is_empty(keys.session.steps[0])) == ([], set(), True)
        case.write("INSERT INTO t VALUES (2, 0)")
        assert load(keys) == 1
        assert collected(keys, "t") == [(2,)]


def test_a_log_that_is_shorter_than_what_was_replayed_is_refused(tmp_path: Path) -> None:
    with collecting(tmp_path, T) as (case, keys):
        case.write("INSERT INTO t VALUES (1, 0)")
        keys.upto = 2
        with pytest.raises(Refused, match="the log ends at row 1, and 2 were replayed"):
            load(keys)


def test_keys_are_told_apart_letter_by_letter_and_by_number(tmp_path: Path) -> None:
    with collecting(tmp_path, T, S) as (case, keys):
        case.write("INSERT INTO s VALUES ('bob', 0)", "UPDATE s SET name = 'BOB'", "INSERT INTO t VALUES (7, 0)")
        load(keys)
        assert collected(keys, "s") == [("BOB",), ("bob",)]
        by_name = {step.source_key.table: step for step in keys.session.steps}
        for table, value, logged in (
            ("s", "'bob'", 1), ("s", "'BOB'", 1), ("s", "'Bob'", 0), ("s", "'b'", 0), ("s", "7", 0),
            ("t", "7", 1), ("t", "7.0", 1), ("t", "8", 0), ("t", "'7'", 0),
        ):  # fmt: skip
            question = f"SELECT {keys.unlogged(by_name[table], [value])}"
            assert execute(keys.session.db, question).fetchone() == (1 - logged,), (table, value)


def test_all_of_a_composite_key_must_be_logged(tmp_path: Path) -> None:
    table = "CREATE TABLE t(a TEXT NOT NULL, b INTEGER NOT NULL, v, PRIMARY KEY (b, a))"
    with collecting(tmp_path, table) as (case, keys):
        case.write("INSERT INTO t VALUES ('x', 1, 0), ('y', 2, 0)")
        load(keys)
        assert collected(keys, "t") == [(1, "x"), (2, "y")]
        (step,) = keys.session.steps
        questions = (["1", "'x'"], ["2", "'x'"], ["1", "'y'"])
        found = [execute(keys.session.db, f"SELECT {keys.unlogged(step, key)}").fetchone()[0] for key in questions]
        assert found == [0, 1, 1]


def test_a_table_that_is_not_carried_over_has_no_keys_and_no_mark(tmp_path: Path) -> None:
    with collecting(tmp_path, T, S, wanted=[T]) as (case, keys):
        case.write("INSERT INTO s VALUES ('a', 0)", "INSERT INTO t VALUES (1, 0)", MARK.format("s"))
        load(keys)
        assert (collected(keys, "t"), keys.whole) == ([(1,)], set())


ROWS = "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')"


@pytest.mark.parametrize("mapped", [False, True])
def test_of_a_table_with_a_whole_table_mark_nothing_is_copied_and_everything_is_replayed(
    tmp_path: Path, mapped: bool
) -> None:
    old = T if not mapped else "CREATE TABLE t(id TEXT PRIMARY KEY NOT NULL, v)"
    new = (
        "CREATE TABLE t(w, id INTEGER PRIMARY KEY, v)"
        if not mapped
        else "CREATE TABLE t(number INTEGER PRIMARY KEY, id TEXT NOT NULL, v)"
    )
    question = "SELECT CAST(id AS INTEGER), v FROM t ORDER BY 1"
    case = Case(tmp_path, [old, ROWS], schema([new]))
    case.record()
    with case.session() as session:
        case.write(MARK.format("t"))
        copy_all(session, {}, lambda *_: None)
        assert case.new_rows(question) == []
        replay(session)
        assert case.new_rows(question) == [(1, "a"), (2, "b"), (3, "c")]
        # What no trigger saw: the mark alone says that the table has to be compared, both ways.
        for event in ("before_insert", "after_insert", "before_update", "after_update", "before_delete"):
            case.write(f"DROP TRIGGER IF EXISTS _migration_capture_1_{event}")
        case.write("DELETE FROM t WHERE v = 'a'", "UPDATE t SET v = 'B' WHERE v = 'b'", "INSERT INTO t VALUES (4, 'd')")
        replay(session)
        assert case.new_rows(question) == [(1, "a"), (2, "b"), (3, "c")]
        case.write(MARK.format("t"))
        replay(session, finish=True)
        assert case.new_rows(question) == [(2, "B"), (3, "c"), (4, "d")]
        prove(session, lambda *_: None)


def test_a_mark_concerns_its_own_table(tmp_path: Path) -> None:
    new = S.replace("v)", "w, v)")  # row by row, not as it is
    case = Case(tmp_path, [T, S, ROWS, "INSERT INTO s VALUES ('a', 0)"], schema([T, new], [rules("t")]))
    case.record()
    with case.session() as session:
        case.write(MARK.format("s"))
        copied = copy_all(session, {}, lambda *_: None)
        assert copied.rows == {"t": 3, "s": 0}
        replay(session)
        assert prove(session, lambda *_: None).rows == 4
