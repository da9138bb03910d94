"""The acceptance case: projects under several names, in the real schemas."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from hotmig.schema.load import load
from tests.rules.project import Project

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
ROWS = (
    "INSERT INTO projects VALUES ('p1', 'lantern', 'canonical'), ('p2', 'Shadow', 'alias'), ('p3', 'HARBOR', 'alone'),"
    " ('p4', 'orchard', 'as it is'), ('p5', 'elsewhere', 'in no registry'), ('p6', 'port', 'alone, too')",
    # (category, key) says which line of the table of cases it is.
    "INSERT INTO project_state VALUES"
    " ('s1', 'p2', 'alone', 'active', 'a', 'active', 't1'), ('s2', 'p2', 'alone', 'old', 'a', 'invalid', 't1'),"
    " ('s3', 'p1', 'same', 'k', 'v', 'active', 't1'), ('s4', 'p2', 'same', 'k', 'v', 'superseded', 't2'),"
    " ('s5', 'p1', 'wins', 'k', 'old', 'superseded', 't3'), ('s6', 'p2', 'wins', 'k', 'new', 'active', 't1'),"
    " ('s7', 'p1', 'drops', 'k', 'now', 'active', 't1'), ('s8', 'p2', 'drops', 'k', 'then', 'invalid', 't9'),"
    " ('s9', 'p1', 'drops', 'k2', 'now', 'invalid', 't1'), ('s10', 'p2', 'drops', 'k2', 'then', 'invalid', 't9'),"
    " ('s11', 'p3', 'harbour', 'k', 'x', 'active', 't1'), ('s12', 'p4', 'orchard', 'k', 'x', 'active', 't1')",
    "INSERT INTO memories VALUES"
    " ('m1', 'fact', 'c', 'lantern', 'active', 't1'), ('m2', 'fact', 'c', 'shadow', 'active', 't2'),"
    " ('m3', 'fact', 'd', 'lantern', 'active', 't1'), ('m4', 'fact', 'd', 'SHADOW ', 'active', 't1'),"
    " ('m5', 'fact', 'e', 'Port', 'active', 't1'), ('m6', 'fact', 'f', NULL, 'active', 't1')",
    "INSERT INTO interactions VALUES ('i1', 'The Lantern', 'a'), ('i2', '', 'b'), ('i3', 'unknown', 'c')",
)


def begin(directory: Path, *more: str, wal: bool = True) -> Project:
    """The old database with these rows, and the new module with its registry beside it."""
    schema = directory / "schema.py"
    shutil.copy(SCHEMAS / "memory_v1.py", schema)
    shutil.copy(SCHEMAS / "project-registry.json", directory)
    project = Project(directory, sqlite3.connect(":memory:"))
    project.run("init")
    old = directory / f"memory-{load(schema).hash}.sqlite"
    project.app = sqlite3.connect(old, isolation_level=None, timeout=10)
    project.app.execute("PRAGMA foreign_keys = ON")
    if not wal:
        project.app.execute("PRAGMA journal_mode = DELETE")
    project.write(*ROWS, *more)
    shutil.copy(SCHEMAS / "memory_v2.py", schema)
    return project
