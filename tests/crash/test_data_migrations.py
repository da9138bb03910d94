"""A command dies around a data migration: no write is lost, and each migration's work is in the new database once."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path

import pytest

from tests.crash import truth
from tests.crash.harness import (
    PACE,
    ROWS,
    Death,
    _go_on,
    _wait_for_new,
    check_after_death,
    check_nothing_lost,
    check_states,
    die,
    finish,
    points,
    report,
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
WAYS = {"drain --cutover": ("migrate",), "cutover": ("migrate", "drain"), "migrate --offline": ()}
AT_CUTOVER = (
    "INSERT INTO _data_migration(name, applied_utc)",
    "INSERT INTO tally(name) VALUES ('001_first')",
    "DELETE FROM tally",
    "INSERT INTO tally(name) SELECT '002_second'",
    "UPDATE _data_migration SET applied_utc",
    "UPDATE _migration_status",
    "COMMIT behind UPDATE _migration_marker SET status = 'retired'",
    "COMMIT behind UPDATE _migration_status",
    "INSERT INTO tally(name) SELECT '003_later'",
    "COMMIT behind UPDATE _data_migration SET applied_utc",
)
MOMENTS = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


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


def survive(directory: Path, journal_mode: str, death: Death, before: tuple[str, ...], shape: str = "text") -> bool:
    """The whole sequence with a writer beside it, and a death in it; returns whether it died there."""
    project = adopt(directory, journal_mode, shape)
    contents = exact.contents_of(project.old, project.shape.old_tables)
    with live(project, writers=1, pace=PACE) as application:
        for command in before:
            _go_on(project, command)
        died = die(project, death)
        check_after_death(project)
        check_marks(project)
        finish(project)
        _wait_for_new(project, application)
        application.stop()
    _go_on(project, "data run")  # what a death behind the cutover left: any later deploy's cutover runs it too
    check_once(project)
    check_nothing_lost(project, contents, application)
    check_states(project)
    assert {entry["state"] for entry in report(project, "data status")["entries"]} == {"applied"}
    assert list(project.directory.glob("*-reserve")) == []
    return died


@MOMENTS
@pytest.mark.parametrize("at", AT_CUTOVER)
def test_nothing_is_lost_and_each_is_run_once(at: str, after: bool, tmp_path: Path, record_property) -> None:
    """Each kind of step once before and once after, the ways and journal modes in turn."""
    place = AT_CUTOVER.index(at) + after
    way, mode = list(WAYS)[place % len(WAYS)], ("wal", "delete")[place % 2]
    assert survive(tmp_path, mode, Death(way, at, after), WAYS[way]), "the point was never reached"
    record_property("kills survived", 1)


@MOMENTS
@pytest.mark.parametrize(
    "at",
    [
        "INSERT INTO tally(name) SELECT '002_second'",
        "COMMIT behind UPDATE _migration_marker SET status = 'retired'",
        "os.replace",  # the report
        "DROP TABLE _migration_fate_",
        "INSERT INTO tally(name) SELECT '003_later'",
    ],
)
def test_so_it_is_where_rows_become_one(at: str, after: bool, tmp_path: Path, record_property) -> None:
    mode = "delete" if after else "wal"
    assert survive(tmp_path, mode, Death("drain --cutover", at, after), ("migrate",), "merged"), "it was never reached"
    record_property("kills survived", 1)


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT], ids=str)
def test_told_to_stop_in_one_it_is_rolled_back(by: signal.Signals, tmp_path: Path) -> None:
    assert survive(tmp_path, "wal", Death("drain --cutover", "DELETE FROM tally", True, by), ("migrate",))


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT], ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_told_to_stop_in_one_behind_the_cutover_it_is_rolled_back_and_the_cutover_stands(
    way: str, by: signal.Signals, tmp_path: Path
) -> None:
    project = adopt(tmp_path, "wal")
    for command in WAYS[way]:
        _go_on(project, command)
    later = "INSERT INTO tally(name) SELECT '003_later'"
    assert not die(project, Death(way, later, True, by)), (
        "it exits 0: a deploy script would start the old version again"
    )
    check_marks(project)
    states = {entry["name"]: entry["state"] for entry in report(project, "data status")["entries"]}
    assert (truth.facts(project).status, states["003_later"]) == ("ready", "pending")
    _go_on(project, "data run")
    check_once(project)


@MOMENTS
@pytest.mark.parametrize(
    "at", ["INSERT INTO _data_migration(name, skipped_utc", "COMMIT behind INSERT INTO _data_migration"]
)
def test_a_skip_is_made_as_a_whole_or_not_at_all(at: str, after: bool, tmp_path: Path) -> None:
    project = adopt(tmp_path, "wal")
    _go_on(project, "migrate")
    assert die(project, Death("data skip 002_second --reason x", at, after))
    check_after_death(project)
    states = {entry["name"]: entry["state"] for entry in report(project, "data status")["entries"]}
    assert states["002_second"] == ("skipped" if after and at.startswith("COMMIT") else "pending")
    if states["002_second"] == "skipped":
        _go_on(project, "data unskip 002_second")
    finish(project)
    check_once(project)


@pytest.mark.parametrize("way", WAYS)
def test_no_statement_passes_unseen(way: str, tmp_path: Path) -> None:
    project = adopt(tmp_path, "wal")
    for command in WAYS[way]:
        _go_on(project, command)
    found = points(project, way)
    assert len([what for what in found["seen"] if not what.startswith("os.")]) == len(found["traced"])
    assert [what for what in found["seen"] if "tally" in what and "CREATE" not in what and "main." not in what]
    check_once(project)
