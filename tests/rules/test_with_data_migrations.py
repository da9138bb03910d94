"""Rows that become one, and data migrations behind them, in one module: each sees what the other has done."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.rules.memory import begin
from tests.rules.project import Project

HEAD = "\n\nimport sqlite3\n\nfrom hotmig.schema import data_migration\n"
COUNT = "UPDATE projects SET description = (SELECT count(*) FROM project_state AS s WHERE s.project_id = projects.id)"
LATE = (
    "INSERT INTO project_state VALUES ('s90', 'p2', 'late', 'k', 'x', 'active', 't9')",
    "INSERT INTO projects VALUES ('p90', 'LANTERN-OLD', 'late')",
    "INSERT INTO project_state VALUES ('s91', 'p90', 'later', 'k', 'x', 'active', 't9')",
)
WAYS = (("migrate", "drain --cutover"), ("migrate", "drain", "cutover"), ("migrate --offline",))


def numbered(name: str, sql: str, when: str = "cutover") -> str:
    above = f"\n\n@data_migration({name!r}, when={when!r})\ndef _(db: sqlite3.Connection) -> None:\n"
    return f"{above}    db.execute({sql!r})\n"


def append(project: Project, *texts: str) -> None:
    module = project.directory / "schema.py"
    module.write_text(module.read_text() + "".join(texts))


def lead(project: Project, way: Sequence[str]) -> None:
    """Through the commands, with writes under old names before the first, or behind the copy."""
    first, *others = way
    if not others:
        project.write(*LATE)
    project.run(first)
    if others:
        project.write(*LATE)
    for command in others:
        project.run(command)


def check_counted(project: Project) -> None:
    """The function ran behind the last replay: it counted the late rows, under the canonical project."""
    counted = (
        "SELECT name, description, (SELECT count(*) FROM project_state WHERE project_id = p.id) FROM projects AS p"
    )
    found = {name: (told, real) for name, told, real in project.new(counted)}
    assert all(int(told) == real for told, real in found.values())
    assert found["lantern"][1] == 8, "of s1 to s10 the six that are left, and the two late ones"
    assert not {"Shadow", "HARBOR", "port", "LANTERN-OLD"} & set(found)


@pytest.mark.parametrize("wal", [True, False], ids=["wal", "delete"])
@pytest.mark.parametrize("way", WAYS, ids=", ".join)
def test_functions_see_rows_that_have_become_one_also_those_written_last(
    tmp_path: Path, way: Sequence[str], wal: bool
) -> None:
    project = begin(tmp_path, wal=wal)
    late = "UPDATE interactions SET project = upper(project)"
    append(project, HEAD, numbered("001_count_states", COUNT), numbered("002_shout", late, "after"))
    plan = project.plan()
    assert [each["name"] for each in plan["data_migrations"]] == ["001_count_states", "002_shout"]
    assert {each["table"] for each in plan["groups"]} >= {"projects", "project_state"}
    lead(project, way)
    check_counted(project)
    assert ("LANTERN",) in project.new("SELECT project FROM interactions")
    left = project.new("SELECT name FROM sqlite_schema WHERE name LIKE '\\_migration\\_%' ESCAPE '\\'")
    assert left == [("_migration_status",)]


def test_a_second_migration_has_no_row_to_merge_and_runs_the_new_function_alone(tmp_path: Path) -> None:
    project = begin(tmp_path)
    append(project, HEAD, numbered("001_count_states", COUNT))
    lead(project, WAYS[0])
    assert project.plan()["nothing_to_do"]
    before = project.new("SELECT * FROM project_state ORDER BY id")
    append(project, numbered("002_reset", "UPDATE projects SET description = 'anew'"))
    plan = project.plan()
    assert (plan["nothing_to_do"], plan["runnable"]) == (False, True)
    assert not any(kind["count"] for each in plan["groups"] for kind in each.values() if isinstance(kind, dict))
    assert plan["data_migrations"] == [{"name": "002_reset", "when": "cutover"}]
    project.run("migrate")
    done = json.loads(project.run("drain", "--cutover", "--json").stdout)
    assert done["data_migrations"] == ["002_reset"]
    assert project.new("SELECT DISTINCT description FROM projects") == [("anew",)]
    assert project.new("SELECT * FROM project_state ORDER BY id") == before
    assert project.plan()["nothing_to_do"]


@pytest.mark.parametrize("kind", ["member", "fate", "created", "pending", "grouped", "constant"])
def test_a_function_cannot_write_to_what_says_which_rows_become_one(tmp_path: Path, kind: str) -> None:
    project = begin(tmp_path)
    schema = project.directory / "schema.py"
    module = schema.read_text()
    append(project, HEAD, numbered("001_meddles", COUNT))
    target = Path(project.plan()["new"])
    project.run("migrate")
    db = sqlite3.connect(target)
    named = "SELECT max(name) FROM sqlite_schema WHERE type = 'table' AND name GLOB ?"
    ((table,),) = db.execute(named, (f"_migration_{kind}*",)).fetchall()
    db.close()
    schema.write_text(module)
    append(project, HEAD, numbered("001_meddles", f"DELETE FROM {table}"))
    refused = project.run("drain", "--cutover", code=1)
    assert f"{table} is written to by hotmig alone" in refused.stderr
    project.write(*LATE)  # the application goes on


def test_one_that_fails_leaves_rows_that_become_one_to_be_replayed_again(tmp_path: Path) -> None:
    project = begin(tmp_path)
    schema = project.directory / "schema.py"
    module = schema.read_text()
    append(project, HEAD, numbered("001_count_states", "SELECT no_such_column"))
    project.run("migrate")
    project.run("drain", "--cutover", code=1)
    project.write(*LATE)
    schema.write_text(module)
    append(project, HEAD, numbered("001_count_states", COUNT))
    project.run("drain", "--cutover")
    check_counted(project)
