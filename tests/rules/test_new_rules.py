"""A module with new rules alone, which change no row: a deploy finds nothing to do, and the application starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.rules.project import Project

OLD = "CREATE TABLE t(id INTEGER PRIMARY KEY, g TEXT NOT NULL); INSERT INTO t VALUES (1, 'x'), (2, 'science fiction');"
RULES = """
@table
class T:
    id: Annotated[int, Key] = auto()
    g: Annotated[str, Mapped({ALIASES}, fold_case=True)]
"""


def begin(tmp_path: Path, *, wal: bool = True) -> Project:
    return Project.begin(tmp_path, OLD, RULES.replace("ALIASES", '"rom": "romance"'), wal=wal)


def skipped(project: Project, command: str) -> str | None:
    told: str | None = json.loads(project.run(command, "--json").stdout)["skipped"]
    return told


@pytest.mark.parametrize("wal", [True, False])
def test_what_is_written_under_an_alias_later_leaves_the_application_where_it_is(tmp_path: Path, wal: bool) -> None:
    project = begin(tmp_path, wal=wal)
    service = project.run("path").stdout
    assert skipped(project, "migrate") == "the database already has this schema"
    project.write("INSERT INTO t VALUES (4, 'Rom')")
    assert project.run("path").stdout == service
    for command in ("drain", "cutover"):
        assert skipped(project, command) == "the database already has this schema"


def test_the_next_deploy_brings_it_to_its_canonical_value(tmp_path: Path) -> None:
    project = begin(tmp_path)
    assert skipped(project, "migrate")
    project.write("INSERT INTO t VALUES (4, 'Rom')")
    assert skipped(project, "migrate") is None
    project.run("path", code=1)  # the new one is on its way
    project.run("drain", "--cutover")
    assert project.new("SELECT g FROM t WHERE id = 4") == [("romance",)]


def test_what_nobody_has_looked_at_waits_for_its_migration(tmp_path: Path) -> None:
    project = begin(tmp_path)
    project.write("INSERT INTO t VALUES (4, 'Rom')")
    project.run("path", code=1)


def test_a_migration_that_is_given_up_leaves_nothing_settled(tmp_path: Path) -> None:
    project = begin(tmp_path)
    assert skipped(project, "migrate")
    project.write("INSERT INTO t VALUES (4, 'Rom')")
    project.run("migrate")
    project.run("reset")
    project.run("path", code=1)
    project.run("drain", code=3)


def test_another_module_asks_again(tmp_path: Path) -> None:
    project = begin(tmp_path)
    assert skipped(project, "migrate")
    project.change(RULES.replace("ALIASES", '"x": "horror"'))
    project.run("path", code=1)


def test_a_table_that_was_altered_since_does_not_have_the_schema(tmp_path: Path) -> None:
    project = begin(tmp_path)
    assert skipped(project, "migrate")
    project.write("INSERT INTO t VALUES (4, 'Rom')", "ALTER TABLE t ADD COLUMN more TEXT")
    project.run("path", code=1)


def test_a_migrate_that_is_blocked_since_is_not_taken_for_done(tmp_path: Path) -> None:
    key = 'duplicates=Duplicates(key="g", compare=(), prefer="g")'
    project = Project.begin(tmp_path, OLD, RULES.replace("@table", f"@table({key})").replace("ALIASES", '"a": "b"'))
    assert skipped(project, "migrate") == "the database already has this schema"
    project.write("INSERT INTO t VALUES (4, 'x')")
    assert skipped(project, "drain") == "the database already has this schema"
    project.run("migrate", code=1)
    for command in ("drain", "cutover"):
        project.run(command, code=3)
    project.run("path")  # the application starts all the same
