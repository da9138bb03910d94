"""The data of a merge: projects under eleven names each, and what is known about them, as in schemas/memory_v1.py.

Of each ten rows of a project one stands twice: one half of these is the same, the other half has another value and is
not active. Nothing collides.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from tests.benchmarks.data import COUNT, FIRST_HASH, NAME, Project

ALIASES = 10  # of each project; each has a row of its own
STATES = 100  # of each project, under all its names
# Under which alias a row stands that is the nth of its project, 0 for none.
ALIAS_OF_ROW = {
    "a tenth of the rows under an alias": "CASE WHEN nth % 10 = 9 THEN 1 + nth / 10 % 10 ELSE 0 END",
    "ten of eleven rows under an alias": "nth % 11",
}

TABLES = (
    "CREATE TABLE projects(id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT)",
    "CREATE TABLE project_state(id TEXT NOT NULL PRIMARY KEY, project_id TEXT NOT NULL REFERENCES projects(id)"
    " ON DELETE CASCADE, category TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, status TEXT NOT NULL,"
    " updated_at TEXT NOT NULL, UNIQUE (project_id, category, key))",
)
# Row i is of project i % :projects, and the i / :projects -th that is known of it.
FILL = (
    f"{COUNT} INSERT INTO projects SELECT printf('P%06d', i), 'project ' || ((i - 1) % :projects)"
    " || CASE WHEN i > :projects THEN ' alias ' || ((i - 1) / :projects) ELSE '' END, NULL FROM n",
    f"{COUNT}, known(i, project, nth) AS (SELECT i, (i - 1) % :projects, (i - 1) / :projects FROM n)"
    " INSERT INTO project_state SELECT printf('S%07d', i), printf('P%06d', 1 + project + ({alias}) * :projects),"
    " 'category ' || (nth / 10), 'key ' || (nth - (nth % 10 = 9)), 'value ' || project || ' '"
    " || CASE WHEN nth % 10 = 9 AND project % 2 THEN 'once' ELSE 'now' END,"
    " CASE WHEN nth % 10 = 9 AND project % 2 THEN 'superseded' ELSE 'active' END, '2026-01-01T00:00:00Z' FROM known",
)

MODULE = '''"""The benchmark's schema {title}."""

from typing import Annotated

from hotmig.schema import Duplicates, Key, Merge, References, Unique, from_json, table

database = "{name}"


@table("projects"{merge})
class Project:
    id: Annotated[str, Key]
    name: Annotated[str, Unique]
    revision: int = 1  # in the middle: row by row with the rules and without
    description: str | None = None


@table("project_state", unique=[("project_id", "category", "key")]{duplicates})
class ProjectState:
    id: Annotated[str, Key]
    project: Annotated[Project, References(on_delete="CASCADE")]
    revision: int = 1
    category: str
    key: str
    value: str
    status: str = "active"
    updated_at: str
'''
MERGE = """, merge=Merge(
    by="name",
    mapping=from_json("registry.json", items="projects", canonical="id", aliases="aliases"),
    fold_case=True,
    create={"id": "lower(hex(randomblob(16)))"},
    touch={"updated_at": "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"},
)"""
DUPLICATES = """, duplicates=Duplicates(
    key=("project_id", "category", "key"),
    compare="value",
    prefer="status = 'active' DESC, _canonical DESC, updated_at DESC, id",
    collide="status = 'active'",
)"""


def make_merge_project(directory: Path, states: int, shape: str) -> Project:
    """A directory with ``states`` rows of what is known, and the registry of names; ``shape`` is of ALIAS_OF_ROW."""
    directory.mkdir(parents=True)
    database, projects = directory / f"{NAME}-{FIRST_HASH}.sqlite", max(states // STATES, 1)
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("BEGIN")
    for sql in TABLES:
        db.execute(sql)
    for sql, rows in zip(FILL, (projects * (ALIASES + 1), states), strict=True):
        db.execute(sql.replace("{alias}", ALIAS_OF_ROW[shape]), {"rows": rows, "projects": projects})
    db.execute("COMMIT")
    db.execute("PRAGMA journal_mode = WAL")
    db.close()
    names = [
        {"id": f"project {number}", "aliases": [f"PROJECT {number} Alias {alias}" for alias in range(1, ALIASES + 1)]}
        for number in range(projects)
    ]
    (directory / "registry.json").write_text(json.dumps({"projects": names}), encoding="utf-8")
    return Project(directory, database, states + projects * (ALIASES + 1))


def put_merge_schema(project: Project, *, merged: bool) -> None:
    """The same tables with the rules that make one of eleven names, or without."""
    text = MODULE.format(
        title="with one name for each project" if merged else "as it is copied without a rule",
        name=NAME,
        merge=MERGE if merged else "",
        duplicates=DUPLICATES if merged else "",
    )
    if not merged:
        text = text.replace("Duplicates, Key, Merge, References, Unique, from_json,", "Key, References, Unique,")
    (project.directory / "schema.py").write_text(text, encoding="utf-8")
