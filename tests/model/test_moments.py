"""One write before the nth statement of a command, for many n: what random moments meet too seldom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.model import test_bites
from tests.model.driver import Driver, Moment
from tests.model.schemas import FRESH_KEY, Carried, Change, Column, Follows, FreshKey, NewTable, Reference, Table
from tests.model.test_migration_property import migrate
from tests.model.writes import Delete, Disguise, Insert, Transaction, Update, Write
from tests.scenarios.exact import Text

PERSON = Table(
    "person",
    (Column("code", "TEXT", True, None, "NOCASE"), Column("boss", "TEXT", collation="NOCASE"), Column("v", "")),
    "primary",
    ("code",),
    references=(Reference(("boss",), "person", ("code",), "SET NULL", "CASCADE"),),
)
TASK = Table(
    "task",
    (Column("id", "INTEGER"), Column("owner", "TEXT", collation="NOCASE")),
    "integer",
    ("id",),
    references=(Reference(("owner",), "person", ("code",), "CASCADE", "CASCADE"),),
)
WORKER = Table(
    "worker",
    (Column(FRESH_KEY, "INTEGER"), PERSON.columns[0], Column("boss", "INTEGER"), Column("v", "")),
    "integer",
    (FRESH_KEY,),
    uniques=(("code",),),
    references=(Reference(("boss",), "worker", (FRESH_KEY,), "SET NULL", "CASCADE"),),
)
JOB = Table(
    "job",
    (Column("id", "INTEGER"), Column("owner", "INTEGER")),
    "integer",
    ("id",),
    references=(Reference(("owner",), "worker", (FRESH_KEY,), "CASCADE", "CASCADE"),),
)
# A reference inside a key, and a reference of two columns to that key.
SEAT = Table(
    "seat",
    (Column("owner", "TEXT", True, None, "NOCASE"), Column("n", "INTEGER", True), Column("v", "")),
    "primary",
    ("owner", "n"),
    references=(Reference(("owner",), "person", ("code",), "CASCADE", "CASCADE"),),
)
NOTE = Table(
    "note",
    (Column("id", "INTEGER"), Column("owner", "TEXT", collation="NOCASE"), Column("n", "INTEGER")),
    "integer",
    ("id",),
    references=(Reference(("owner", "n"), "seat", ("owner", "n"), "SET NULL", "CASCADE"),),
)
NEW_SEAT = replace(
    SEAT,
    columns=(Column("owner", "INTEGER", True), *SEAT.columns[1:]),
    references=(Reference(("owner",), "worker", (FRESH_KEY,), "CASCADE", "CASCADE"),),
)
NEW_NOTE = replace(NOTE, columns=(NOTE.columns[0], Column("owner", "INTEGER"), NOTE.columns[2]))
CHANGE = Change(
    (PERSON, TASK, SEAT, NOTE),
    (
        NewTable(WORKER, "person", (FreshKey(), Carried("code"), Follows("boss", "refuse"), Carried("v"))),
        NewTable(JOB, "task", (Carried("id"), Follows("owner", "refuse"))),
        NewTable(NEW_SEAT, "seat", (Follows("owner", "refuse"), Carried("n"), Carried("v"))),
        NewTable(NEW_NOTE, "note", (Carried("id"), Follows("owner", "refuse"), Follows("n", "refuse"))),
    ),
    (),
)
FIRST = Transaction(
    (
        Insert(PERSON, "", (Text(b"ann"), None, 1)),
        Insert(PERSON, "", (Text(b"bob"), Text(b"ANN"), 1)),
        Insert(TASK, "", (1, Text(b"Ann"))),
        Insert(TASK, "", (2, Text(b"bob"))),
        Insert(SEAT, "", (Text(b"Ann"), 1, None)),
        Insert(SEAT, "", (Text(b"ANN"), 2, None)),
        Insert(SEAT, "", (Text(b"bob"), 1, None)),
        Insert(NOTE, "", (1, Text(b"ANN"), 1)),
        Insert(NOTE, "", (2, Text(b"Bob"), 1)),
        Insert(NOTE, "", (3, None, None)),
    )
)

WRITES: dict[str, Write] = {
    # SQLite takes the key for unchanged: no cascade touches the children, and no trigger logs them.
    "the parent's key is spelled differently": Disguise(PERSON, 0),
    "the parent's key changes": Update(PERSON, "", 0, "code", Text(b"aaa")),
    "the parent goes": Delete(PERSON, 0),
    "the parent is replaced": Insert(PERSON, "OR REPLACE", (Text(b"ANN"), None, 2)),
    "a child changes its parent": Update(TASK, "", 0, "owner", Text(b"BOB")),
    "a key with a reference inside is spelled differently": Disguise(SEAT, 0),
    "a key with a reference inside changes": Update(SEAT, "", 0, "n", 7),
    "a parent with a reference inside its key changes its own parent": Insert(SEAT, "OR REPLACE", (Text(b"BOB"), 1, 5)),
    "a child of two columns loses its parent": Delete(SEAT, 0),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("command", ["migrate", "drain"])
def test_a_write_at_any_moment_arrives(command: str, write: str, tmp_path: Path) -> None:
    for at in range(10, 460, 75):
        directory = tmp_path / str(at)
        directory.mkdir()
        schedule: dict[str, list[Moment]] = {"migrate": [], "drain": [], "cutover": []}
        schedule[command] = [Moment(at, Transaction((WRITES[write],)))]
        assert migrate(Driver(directory, chunk_rows=2), CHANGE, [FIRST], schedule, "wal") == []


@pytest.mark.parametrize("write", WRITES)
def test_a_write_between_the_mapping_of_a_table_and_that_of_its_children_arrives(
    write: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key with a reference inside is mapped by the parent's new key, which must be known by then."""
    rows = tuple(row for row in FIRST.writes if isinstance(row, Insert))
    case = test_bites.Case(PERSON, rows, (WRITES[write],))
    assert test_bites.migrate(tmp_path, case, "after the first chunk of the copy", monkeypatch, CHANGE) == []
