"""Other users than the one who runs the tests, who has to be root for that."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import forked
from tests.faults.harness import Project
from tests.scenarios.harness import PATIENCE, environment

ROOT_ONLY = "only root can act as another user"
OWNER, STRANGER = 61_201, 61_202  # that nobody else has

# Imported before the user changes, who may not be able to read the library.
_WRITE = """
import os, sqlite3, sys
path, user, statement = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.setgroups([])
os.setgid(user)
os.setuid(user)
db = sqlite3.connect(path, isolation_level=None, timeout=5)
db.execute(statement)
db.close()
"""


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own are for its user alone."""
    folder = Path(tempfile.mkdtemp(prefix="hotmig-faults-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def give(project: Project, mode: int, folder_mode: int = 0o755) -> Project:
    """Everything in the directory belongs to OWNER; the databases have ``mode``."""
    for path in (project.directory, *project.directory.rglob("*")):
        os.chown(path, OWNER, OWNER)
    for path in project.directory.glob("app-*"):
        path.chmod(mode)
    project.directory.chmod(folder_mode)
    return project


def owners(project: Project) -> dict[str, tuple[int, int]]:
    """Owner and mode of everything in the directory."""
    return {
        str(path.relative_to(project.directory)): (stat.st_uid, stat.st_mode & 0o7777)
        for path in project.directory.rglob("*")
        if (stat := path.stat())
    }


def write_as(user: int, path: Path, statement: str) -> str:
    """What an application of that user gets from the database: "" where the statement was executed."""
    command = [sys.executable, "-c", _WRITE, str(path), str(user), statement]
    done = forked.run(command, cwd=Path.cwd(), env=environment(), timeout=PATIENCE)
    return "" if done.returncode == 0 else done.stderr.splitlines()[-1]
