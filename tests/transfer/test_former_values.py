"""An application without foreign keys renames a parent and leaves its children behind: they are read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from tests.transfer.building import Case, rules, schema

OLD = {
    "by a unique code": "CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE)",
    "by a key that may be NULL": "CREATE TABLE p(id INTEGER, code TEXT PRIMARY KEY)",
}
NEW_C = "CREATE TABLE c(id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p(id))"
WRITES = {
    "renamed": "UPDATE p SET code = 'z' WHERE code = 'x'",
    "gone": "DELETE FROM p WHERE code = 'x'",
}


def case_of(tmp_path: Path, old: str, orphans: str) -> Case:
    wanted = schema(
        ["CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT UNIQUE)", NEW_C],
        [rules("c", p_id={"was": "code", "orphans": orphans})],
    )
    old_ddl = [
        old,
        "CREATE TABLE c(id INTEGER PRIMARY KEY, code TEXT REFERENCES p(code))",
        "INSERT INTO p VALUES (1, 'x'), (2, 'y')",
        "INSERT INTO c VALUES (10, 'x'), (11, 'y'), (12, 'x'), (13, NULL)",
    ]
    return Case(tmp_path, old_ddl, wanted)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
@pytest.mark.parametrize("old", OLD.values(), ids=OLD.keys())
def test_children_that_were_left_behind_lose_their_parent(tmp_path: Path, old: str, write: str) -> None:
    case = case_of(tmp_path, old, "null")
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(write)
        assert replay(session).keys == 3, "the parent, and the two children that have its former name"
        prove(session, lambda *_: None)
        case.write("UPDATE p SET code = 'x' WHERE code = 'z'", "INSERT OR IGNORE INTO p VALUES (1, 'x')")
        replay(session)
        prove(session, lambda *_: None)
    joined = "SELECT c.id, p.code FROM c LEFT JOIN p ON p.id = c.p_id ORDER BY 1"
    assert case.new_rows(joined) == [(10, "x"), (11, "y"), (12, "x"), (13, None)]


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
@pytest.mark.parametrize("old", OLD.values(), ids=OLD.keys())
def test_where_they_may_not_they_are_refused(tmp_path: Path, old: str, write: str) -> None:
    case = case_of(tmp_path, old, "refuse")
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write(write)
        with pytest.raises(Refused, match=r"refers to no row of .*rows with id 10: code 'x'; 12: code 'x'"):
            replay(session)
