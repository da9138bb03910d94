"""Whether somebody has marked a directory as one in which hotmig changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

from hotmig.errors import Refused
from hotmig.project import own_folder

READ_ONLY_FILE = "read-only"
READ_ONLY_VARIABLE = "HOTMIG_READ_ONLY"


def read_only_by(directory: Path) -> str | None:
    """What marks it: the path of a file, or the name of a variable; None where nothing does."""
    marked = own_folder(directory) / READ_ONLY_FILE
    if os.path.lexists(marked):
        return str(marked)
    return READ_ONLY_VARIABLE if os.environ.get(READ_ONLY_VARIABLE, "") not in ("", "0") else None


def require_writable(directory: Path) -> None:
    """Raises Refused where somebody has marked the directory read-only."""
    by = read_only_by(directory)
    if by == READ_ONLY_VARIABLE:
        raise Refused(f"{READ_ONLY_VARIABLE} is set: nothing is changed here", f"unset {READ_ONLY_VARIABLE}")
    if by is not None:
        raise Refused(f"{directory} is marked read-only by {by}", f"delete {by} to let hotmig work here")
