"""A migration with data migrations in it, and a death: each one's work is in the new database once."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.crash import truth
from tests.crash.harness import (
    PACE,
    ROWS,
    Death,
    check_after_death,
    check_nothing_lost,
    check_states,
    die,
    finish,
    go_on,
    prepare,
    report,
    wait_for_new,
)
from tests.scenarios import exact
from tests.scenarios.harness import Project, live
from tests.scenarios.shapes import SHAPES

# A table of its own: what the application writes to the others is judged as in every other test.
MIGRATIONS = """

import sqlite3
from hotmig.schema import auto as _auto, data_migration, table as _table

@_table("tally")
class Tally:
    id: Annotated[int, Key] = _auto()
    name: str

@data_migration("001_first")
def _first(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO tally(name) VALUES ('001_first')")
    db.execute("INSERT INTO tally(name) SELECT '001_first' FROM tally WHERE name = '001_first'")

@data_migration("002_second")
def _second(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM tally WHERE id = 2")
    db.execute("INSERT INTO tally(name) SELECT '002_second' WHERE (SELECT count(*) FROM tally) = 1")

@data_migration("003_later", when="after")
def _later(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO tally(name) SELECT '003_later' WHERE (SELECT count(*) FROM tally) = 2")
"""


def adopt(directory: Path, journal_mode: str, name: str = "text") -> Project:
    shape = SHAPES[name]
    return Project.adopt(directory / "app", shape, journal_mode, rows=ROWS, module=shape.schema_module + MIGRATIONS)


def check_once(project: Project) -> None:
    """Each did its work once, saw that of the one before, and says so."""
    db = sqlite3.connect(project.new, timeout=10)
    assert db.execute("SELECT id, name FROM tally ORDER BY id").fetchall() == [
        (1, "001_first"),
        (2, "002_second"),
        (3, "003_later"),
    ]
    names = db.execute("SELECT name FROM _data_migration WHERE applied_utc IS NOT NULL ORDER BY name").fetchall()
    assert [name for (name,) in names] == ["001_first", "002_second", "003_later"]
    db.close()


def check_marks(project: Project) -> None:
    """At once after a death: work and mark are there together, and in a new database that is not ready neither is."""
    found = truth.facts(project)
    new = [path for path in project.directory.glob("app-*.sqlite") if path != project.old]
    for path in new:
        worked = {str(name) for (name,) in truth.ask(path, "SELECT DISTINCT name FROM tally")}
        marked = {str(name) for (name,) in truth.ask(path, "SELECT name FROM _data_migration")}
        assert worked == marked
        assert found.status == "ready" or not worked


def survive(directory: Path, shape: str, journal_mode: str, death: Death, before: tuple[str | Death, ...] = ()) -> bool:
    """The whole sequence with a writer beside it, and a death in it; returns whether it died there."""
    project = adopt(directory, journal_mode, shape)
    contents = exact.contents_of(project.old, project.shape.old_tables)
    with live(project, writers=1, pace=PACE) as application:
        prepare(project, before)
        died = die(project, death)
        check_after_death(project)
        check_marks(project)
        finish(project)
        wait_for_new(project, application)
        application.stop()
    go_on(project, "data run")  # what a death behind the cutover left: any later deploy's cutover runs it too
    check_once(project)
    check_nothing_lost(project, contents, application)
    check_states(project)
    assert {entry["state"] for entry in report(project, "data status")["entries"]} == {"applied"}
    assert list(project.directory.glob("*-reserve")) == []
    return died
