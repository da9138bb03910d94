from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hotmig.sqlite import execute
from hotmig.transfer import id_mapping
from hotmig.transfer.replay import replay
from tests.transfer.building import Case, schema

OLD = ("CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO item VALUES (1, 'one'), (2, 'two')")
NEW = ("CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT)", "CREATE INDEX ix_item_name ON item(name)")
UPDATE = "UPDATE item SET name = 'written' WHERE id = 1"


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """An old database in rollback-journal mode, whose application does not wait for locks."""
    case = Case(tmp_path, OLD, schema(NEW), wal=False)
    case.record()
    case.app.execute("PRAGMA busy_timeout = 0")
    return case


def test_a_snapshot_of_a_database_with_a_rollback_journal_holds_its_writers_up(case: Case) -> None:
    with case.session() as session, session.snapshot(), pytest.raises(sqlite3.OperationalError, match="locked"):
        case.write(UPDATE)


def test_building_in_the_new_file_alone_does_not(case: Case) -> None:
    with case.session() as session, session.building():
        execute(session.db, "CREATE TABLE main.something(a)")
        case.write(UPDATE)


def test_writers_go_on_while_an_index_is_built(case: Case) -> None:
    built: list[str] = []

    def write(sql: str) -> None:
        if sql.startswith("CREATE INDEX"):
            case.write(UPDATE)
            built.append(sql)

    with case.session() as session:
        session.db.set_trace_callback(write)
        case.copy(session)
        session.db.set_trace_callback(None)
        assert built == [NEW[1]]
        assert replay(session).keys == 1


def test_all_mappings_are_read_only_once_for_the_last_key_that_was_given_out(tmp_path: Path) -> None:
    old = ("CREATE TABLE item(code TEXT NOT NULL PRIMARY KEY)", "INSERT INTO item VALUES ('a'), ('b')")
    new = ("CREATE TABLE item(id INTEGER PRIMARY KEY, code TEXT NOT NULL)",)
    case = Case(tmp_path, old, schema(new))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write("INSERT INTO item VALUES ('c'), ('d')")
        replay(session)
        assert id_mapping.last_assigned(session, session.steps[0]) == 4
    with case.session() as session:
        replay(session)
        statements: list[str] = []
        session.db.set_trace_callback(statements.append)
        case.write("INSERT INTO item VALUES ('e')")
        replay(session)
        session.db.set_trace_callback(None)
    assert [sql for sql in statements if "max(new_id)" in sql] == []
    assert case.new_rows("SELECT id, code FROM item ORDER BY id") == [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")]
