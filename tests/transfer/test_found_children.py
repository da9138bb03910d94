"""Widening finds the very children that a foreign key finds: by the parent's type and collation, whatever they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from tests.transfer.building import Case, rules, schema


@dataclass(frozen=True)
class Pair:
    """What a child holds, under its type, and the parent that it refers to by that."""

    parent_type: str
    parent: str
    child_type: str
    child: str
    other: str = "'other'"


PAIRS = {
    "a number for a text": Pair("TEXT", "'71'", "", "71"),
    "a REAL that its text cuts short": Pair("TEXT", "'0.3'", "REAL", "0.30000000000000004"),
    "a text of another length": Pair("TEXT COLLATE RTRIM", "'DE'", "TEXT", "'DE '"),
    "a text for a number": Pair("INT", "7", "", "'7'", "8"),
    "no number for a number": Pair("INT", "'x'", "TEXT", "'x'", "8"),
    "a text of more digits": Pair("INT", "7", "TEXT", "'07'", "8"),
    "a text of another case": Pair("TEXT COLLATE NOCASE", "'de'", "TEXT", "'DE'"),
}
NEW_CHILD = "CREATE TABLE c(id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p(id))"
# What the new parent still has of the column by which the child refers to it.
NEW_PARENTS = {
    "the same": "CREATE TABLE p(id INTEGER PRIMARY KEY, code {0}, note TEXT)",
    "without a type": "CREATE TABLE p(id INTEGER PRIMARY KEY, code, note TEXT)",
    "nothing": "CREATE TABLE p(id INTEGER PRIMARY KEY, note TEXT)",
}
EACH_PAIR = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())


def follow(case: Case, steps: Sequence[str], old: str, new: str) -> list[object]:
    """After each step both databases answer alike, and the proof passes; what they answered for the child."""
    case.record()
    answers: list[object] = []
    with case.session() as session:
        case.copy(session)
        for step in steps:
            case.write(step)
            replay(session)
            assert case.new_rows(new) == case.app.execute(old).fetchall(), step
            prove(session, lambda *_: None)
            answers.append(case.new_rows(new)[0][1])
    return answers


@pytest.mark.parametrize("parent", NEW_PARENTS.values(), ids=NEW_PARENTS.keys())
@EACH_PAIR
def test_by_a_column_that_is_not_the_key(tmp_path: Path, pair: Pair, parent: str) -> None:
    old = [
        f"CREATE TABLE p(id INTEGER PRIMARY KEY, code {pair.parent_type} NOT NULL UNIQUE, note TEXT)",
        f"CREATE TABLE c(id INTEGER PRIMARY KEY, ref {pair.child_type} REFERENCES p(code))",
        f"INSERT INTO p VALUES (1, {pair.other}, NULL)",
        f"INSERT INTO c VALUES (10, {pair.child}), (11, {pair.other})",
    ]
    new = [parent.format(pair.parent_type), NEW_CHILD]
    case = Case(tmp_path, old, schema(new, [rules("c", p_id={"was": "ref", "orphans": "null"})]))
    steps = [
        f"INSERT INTO p VALUES (2, {pair.parent}, NULL)",
        "UPDATE p SET code = 5 WHERE id = 2",
        f"UPDATE p SET code = {pair.parent} WHERE id = 1",
        "DELETE FROM p WHERE id = 1",
    ]
    found = "SELECT o.id, (SELECT q.id FROM p AS q WHERE q.code = +o.ref) FROM c AS o ORDER BY 1"
    assert follow(case, steps, found, "SELECT id, p_id FROM c ORDER BY 1") == [2, None, 1, None]


@EACH_PAIR
def test_by_the_key_itself(tmp_path: Path, pair: Pair) -> None:
    old = [
        f"CREATE TABLE p(code {pair.parent_type} NOT NULL PRIMARY KEY, note TEXT)",
        f"CREATE TABLE c(id INTEGER PRIMARY KEY, ref {pair.child_type} REFERENCES p(code))",
        f"INSERT INTO p VALUES ({pair.other}, NULL)",
        f"INSERT INTO c VALUES (10, {pair.child}), (11, {pair.other})",
    ]
    new = [f"CREATE TABLE p(id INTEGER PRIMARY KEY, code {pair.parent_type}, note TEXT)", NEW_CHILD]
    case = Case(tmp_path, old, schema(new, [rules("c", p_id={"was": "ref", "orphans": "null"})]))
    steps = [
        f"INSERT INTO p VALUES ({pair.parent}, 'two')",
        f"DELETE FROM p WHERE code = {pair.parent}",
        f"UPDATE p SET code = {pair.parent}, note = 'one'",
        "UPDATE p SET code = 5",
    ]
    joined = "SELECT {0}.id, p.note FROM c AS {0} LEFT JOIN p ON {1} ORDER BY 1"
    questions = joined.format("o", "p.code = +o.ref"), joined.format("c", "p.id = c.p_id")
    assert follow(case, steps, *questions) == ["two", None, "one", None]


def test_by_several_columns_each_in_its_own_way(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT NOT NULL COLLATE RTRIM, UNIQUE (a, b))",
        "CREATE TABLE c(id INTEGER PRIMARY KEY, a, b TEXT, FOREIGN KEY (a, b) REFERENCES p(a, b))",
        "INSERT INTO c VALUES (10, 71, 'x ')",
    ]
    new = ["CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT, b TEXT COLLATE RTRIM)", NEW_CHILD]
    case = Case(tmp_path, old, schema(new, [rules("c", p_id={"together": ("a", "b"), "orphans": "null"})]))
    steps = ["INSERT INTO p VALUES (1, '71', 'x')", "UPDATE p SET b = 'y'", "UPDATE p SET b = 'x  '", "DELETE FROM p"]
    found = "SELECT o.id, (SELECT q.id FROM p AS q WHERE q.a = +o.a AND q.b = +o.b) FROM c AS o"
    assert follow(case, steps, found, "SELECT id, p_id FROM c") == [1, None, 1, None]
