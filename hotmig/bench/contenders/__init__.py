"""What hotmig is compared with, each a small adapter: rivals, and limits that no copy can be faster than.

A module here has ``CHANGES`` (the changes that it can make), ``NEEDS`` (what the extra ``bench`` installs for it) and
``run``, which makes the change, or the copy, and returns the file in which the result is. It is run in a process of its
own by ``hotmig.bench.contenders.child``.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal

from hotmig.bench.changes import CHANGES
from hotmig.bench.shapes import SHAPES, Tables

Kind = Literal["hotmig", "rival", "limit"]
ALL = tuple(CHANGES)
PATIENCE_SECONDS = 60.0  # of a rival, for a lock that the application has

MODULES: dict[str, tuple[Kind, str]] = {
    "Alembic batch mode": ("rival", "alembic_batch"),
    "sqlite-utils transform": ("rival", "sqlite_utils_transform"),
    ".dump into a new file": ("rival", "dump"),
    "row by row": ("rival", "row_by_row"),
    "plain ALTER TABLE": ("rival", "plain_alter"),
    "file copy with fsync": ("limit", "file_copy"),
    "backup API": ("limit", "backup"),
    "VACUUM INTO": ("limit", "vacuum_into"),
}


@dataclass(frozen=True)
class Job:
    """``database`` is the live file; the tables are what they are, and what they are to become."""

    database: Path
    old: Tables
    new: Tables

    @property
    def new_file(self) -> Path:
        """Where to those put the result that do not rebuild in place."""
        return self.database.with_suffix(".new")


def module_of(name: str) -> ModuleType:
    """The adapter of a contender."""
    return importlib.import_module(f"hotmig.bench.contenders.{MODULES[name][1]}")


def missing(name: str) -> tuple[str, ...]:
    """The packages that an adapter needs, and which are not installed."""
    needs: tuple[str, ...] = module_of(name).NEEDS
    return tuple(need for need in needs if importlib.util.find_spec(need) is None)


def job_as_text(database: Path, shape: str, change: str) -> str:
    """For the child process, which makes the tables again."""
    return json.dumps({"database": str(database), "shape": shape, "change": change})


def job_of_text(text: str) -> Job:
    told = json.loads(text)
    old = SHAPES[told["shape"]]()
    new = CHANGES[told["change"]].apply(old)
    return Job(Path(told["database"]), old, new or old)
