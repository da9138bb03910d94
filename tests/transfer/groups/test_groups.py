"""Rows that become one: duplicates and merges, in the copy and in the replay, without commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.sqlite import execute
from hotmig.transfer import ranges
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from hotmig.transfer.session import Session
from tests.planning.planned import schema_of
from tests.transfer.building import Case, replayed

PEOPLE = [
    "CREATE TABLE person(id INTEGER PRIMARY KEY, email TEXT, seen INTEGER)",
    "CREATE TABLE visit(id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person(id) ON DELETE CASCADE)",
    "INSERT INTO person VALUES (1, 'a@x', 5), (2, 'A@x', 9), (3, 'b@x', 1), (4, NULL, 1), (5, NULL, 1)",
    "INSERT INTO visit VALUES (10, 1), (20, 2), (30, 3), (40, NULL)",
]
UNIQUE = """
@table(duplicates=Duplicates(key="email", compare=(), prefer="seen DESC"))
class Person:
    id: Annotated[int, Key] = auto()
    email: Annotated[str | None, Unique(collate="NOCASE")] = None
    seen: int | None = None

@table
class Visit:
    id: Annotated[int, Key] = auto()
    person: Annotated[Person | None, References(on_delete="CASCADE")] = None
"""
BOTH = "SELECT 'p', id, email FROM person UNION ALL SELECT 'v', id, person_id FROM visit ORDER BY 1, 2"


def test_a_loser_goes_and_its_children_follow_to_the_winner(tmp_path: Path) -> None:
    case = Case(tmp_path, PEOPLE, schema_of(UNIQUE))
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows(BOTH) == [
            ("p", 2, "A@x"), ("p", 3, "b@x"), ("p", 4, None), ("p", 5, None),
            ("v", 10, 2), ("v", 20, 2), ("v", 30, 3), ("v", 40, None),
        ]  # fmt: skip
        # The loser becomes the winner; another one appears; a third leaves its group.
        assert replayed(BOTH, case, session, "UPDATE person SET seen = 10 WHERE id = 1") == [
            ("p", 1, "a@x"), ("p", 3, "b@x"), ("p", 4, None), ("p", 5, None),
            ("v", 10, 1), ("v", 20, 1), ("v", 30, 3), ("v", 40, None),
        ]  # fmt: skip
        assert replayed(BOTH, case, session, "INSERT INTO person VALUES (6, 'B@X', 7)")[1] == ("p", 4, None)
        assert replayed(BOTH, case, session, "UPDATE person SET email = 'c@x' WHERE id = 2") == [
            ("p", 1, "a@x"), ("p", 2, "c@x"), ("p", 4, None), ("p", 5, None), ("p", 6, "B@X"),
            ("v", 10, 1), ("v", 20, 2), ("v", 30, 6), ("v", 40, None),
        ]  # fmt: skip


def test_a_logged_row_is_read_alone_with_its_fates(tmp_path: Path) -> None:
    """SQLite has to take the projection's joins into the question: else each replay would read the whole table."""
    case = Case(tmp_path, PEOPLE, schema_of(UNIQUE))
    case.record()
    with case.session() as session:
        case.copy(session)
        for step in session.steps:
            plan = execute(session.db, f"EXPLAIN QUERY PLAN SELECT p.* FROM {step.logged_rows}").fetchall()
            first, *others = (row[3] for row in plan)
            assert first == "SCAN k"
            assert len(others) == 2
            assert all(each.startswith("SEARCH ") for each in others)


def test_what_another_process_looked_at_and_did_not_replay_is_replayed_all_the_same(tmp_path: Path) -> None:
    """The proof brings the groups up to its snapshot and commits them; the rows are still to be read."""
    case = Case(tmp_path, PEOPLE, schema_of(UNIQUE))
    case.record()
    with case.session() as session:
        case.copy(session)
        replay(session)
        case.write("UPDATE person SET email = 'z@x' WHERE id = 2")
        prove(session, lambda *_: None)
    with case.session() as session:
        assert replayed(BOTH, case, session)[0:2] == [("p", 1, "a@x"), ("p", 2, "z@x")]


def test_a_collision_that_is_written_meanwhile_is_refused(tmp_path: Path) -> None:
    case = Case(tmp_path, PEOPLE, schema_of(UNIQUE))
    case.record()
    message = (
        r'table "person": rows with the same email collide, and Duplicates does not say which of them stays'
        r' \(old table "person", rows with id 1 and 2: email \'a@x\' and email \'A@x\'\)'
    )
    with case.session() as session:
        case.copy(session)
        case.write("UPDATE person SET seen = 9")
        with pytest.raises(Refused, match=message):
            replay(session)
        assert replayed(BOTH, case, session, "UPDATE person SET seen = 8 WHERE id = 1")[0] == ("p", 2, "A@x")


def test_a_table_that_refers_to_itself_follows_its_own_merge(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE topic(id INTEGER PRIMARY KEY, name TEXT, up INTEGER REFERENCES topic(id))",
        "INSERT INTO topic VALUES (1, 'sun', NULL), (2, 'sol', NULL), (3, 'x', 2), (4, 'y', 3)",
    ]
    module = """
@table(merge=Merge(by="name", mapping={"sol": "sun", "why": "x"}))
class Topic:
    id: Annotated[int, Key] = auto()
    name: str | None = None
    up: Annotated[int | None, References("Topic")] = None
"""
    rows = "SELECT id, up FROM topic ORDER BY id"
    case = Case(tmp_path, old, schema_of(module))
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows(rows) == [(1, None), (3, 1), (4, 3)]
        # Every row of the group is written, so that none comes to the logged keys by the group alone.
        both = (
            "BEGIN",
            "UPDATE topic SET name = 'z' WHERE id = 2",
            "UPDATE topic SET name = 'sun' WHERE id = 1",
            "COMMIT",
        )
        assert replayed(rows, case, session, *both) == [(1, None), (2, None), (3, 2), (4, 3)]
        assert replayed(rows, case, session, "UPDATE topic SET name = 'why' WHERE id = 4") == [
            (1, None),
            (2, None),
            (3, 2),
        ]


def test_a_canonical_row_that_became_an_alias_behind_its_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands in the new table under its old name until the replay: the row that is made in its place has to wait."""
    old = ["CREATE TABLE topic(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)"]
    old.append("INSERT INTO topic VALUES (1, 'sun'), (2, 'sol'), (3, 'x'), (4, 'y')")
    module = """
@table(merge=Merge(by="name", mapping={"sol": "sun", "helios": "sun"}, create={"id": "900"}))
class Topic:
    id: Annotated[int, Key] = auto()
    name: Annotated[str, Unique]
"""
    case = Case(tmp_path, old, schema_of(module))
    case.record()
    copied = []

    def write(session: Session, _worked: float = 0.0) -> None:
        copied.append(session.db.execute("SELECT count(*) FROM main.topic").fetchone()[0])
        if copied[-1] == 1:
            case.write("UPDATE topic SET name = 'helios' WHERE id = 1")

    monkeypatch.setattr(ranges.ChunkSize, "for_session", classmethod(lambda cls, _session: cls(1.0, 1, 1)))
    monkeypatch.setattr(ranges, "LARGEST_ROWS", 1)
    monkeypatch.setattr(Session, "let_writers_in", write)
    with case.session() as session:
        case.copy(session)
        assert 1 in copied
        topics = "SELECT id, name FROM topic ORDER BY id"
        assert replayed(topics, case, session) == [(3, "x"), (4, "y"), (900, "sun")]
