"""A value that the new type can't give back is refused whenever it was written: no constraint would stop it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from tests.transfer.building import Case, rules, schema

MESSAGE = (
    'table "t" of the new schema: code would not keep what is there: its type changes'
    r""" \(old table "t", row with {} {}: code '0123'\)"""
)


def ignore(_table: str, _rows: int) -> None:
    pass


def case_of(path: Path, key: str = "id INTEGER PRIMARY KEY") -> Case:
    """TEXT becomes INTEGER, in which '12' and NULL keep what they say."""
    wanted = schema([f"CREATE TABLE t({key}, code INTEGER)"], [rules("t")])
    return Case(path, [f"CREATE TABLE t({key}, code TEXT)", "INSERT INTO t VALUES (1, '12'), (2, NULL)"], wanted)


KEYS = {"integer": "id INTEGER PRIMARY KEY", "text": "id TEXT COLLATE NOCASE PRIMARY KEY NOT NULL", "rowid": "id INT"}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_one_that_is_written_while_recording(tmp_path: Path, key: str) -> None:
    case = case_of(tmp_path, key)
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write("INSERT INTO t VALUES (3, '0123')")
        found = "'3'" if "TEXT" in key else "3"
        name = "rowid" if key == KEYS["rowid"] else "id"
        with pytest.raises(Refused, match=MESSAGE.format(name, found)):
            replay(session)
        case.write("UPDATE t SET code = '123' WHERE id = 3")
        replay(session)
        assert prove(session, ignore).rows == 3
    assert case.new_rows("SELECT code FROM t WHERE id = 3") == [(123,)]


def test_one_that_is_written_between_plan_and_recording(tmp_path: Path) -> None:
    case = case_of(tmp_path)
    case.write("UPDATE t SET code = '0123' WHERE id = 2")
    case.record()
    with case.session() as session:
        case.copy(session)
        replay(session)
        with pytest.raises(Refused, match=MESSAGE.format("id", "2")):
            prove(session, ignore)
