"""One write before the nth statement of a command, for many n: what random moments meet too seldom."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    references=(Reference("boss", "person", "code", "SET NULL", "CASCADE"),),
)
TASK = Table(
    "task",
    (Column("id", "INTEGER"), Column("owner", "TEXT", collation="NOCASE")),
    "integer",
    ("id",),
    references=(Reference("owner", "person", "code", "CASCADE", "CASCADE"),),
)
WORKER = Table(
    "worker",
    (Column(FRESH_KEY, "INTEGER"), PERSON.columns[0], Column("boss", "INTEGER"), Column("v", "")),
    "integer",
    (FRESH_KEY,),
    uniques=(("code",),),
    references=(Reference("boss", "worker", FRESH_KEY, "SET NULL", "CASCADE"),),
)
JOB = Table(
    "job",
    (Column("id", "INTEGER"), Column("owner", "INTEGER")),
    "integer",
    ("id",),
    references=(Reference("owner", "worker", FRESH_KEY, "CASCADE", "CASCADE"),),
)
CHANGE = Change(
    (PERSON, TASK),
    (
        NewTable(WORKER, "person", (FreshKey(), Carried("code"), Follows("boss", "refuse"), Carried("v"))),
        NewTable(JOB, "task", (Carried("id"), Follows("owner", "refuse"))),
    ),
    (),
)
FIRST = Transaction(
    (
        Insert(PERSON, "", (Text(b"ann"), None, 1)),
        Insert(PERSON, "", (Text(b"bob"), Text(b"ANN"), 1)),
        Insert(TASK, "", (1, Text(b"Ann"))),
        Insert(TASK, "", (2, Text(b"bob"))),
    )
)

WRITES: dict[str, Write] = {
    # SQLite takes the key for unchanged: no cascade touches the children, and no trigger logs them.
    "the parent's key is spelled differently": Disguise(PERSON, 0),
    "the parent's key changes": Update(PERSON, "", 0, "code", Text(b"zoe")),
    "the parent goes": Delete(PERSON, 0),
    "the parent is replaced": Insert(PERSON, "OR REPLACE", (Text(b"ANN"), None, 2)),
    "a child changes its parent": Update(TASK, "", 0, "owner", Text(b"BOB")),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("command", ["migrate", "drain"])
def test_a_write_at_any_moment_arrives(command: str, write: str, tmp_path: Path) -> None:
    for at in range(10, 240, 23):
        directory = tmp_path / str(at)
        directory.mkdir()
        schedule: dict[str, list[Moment]] = {"migrate": [], "drain": [], "cutover": []}
        schedule[command] = [Moment(at, Transaction((WRITES[write],)))]
        assert migrate(Driver(directory), CHANGE, [FIRST], schedule, "wal") == []
