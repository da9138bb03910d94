"""Keeps a data migration from opening the files of a database that hotmig holds a lock on.

POSIX has it that a process which closes any descriptor of a file loses all of its locks on that file. SQLite takes care
of its own descriptors alone: behind ``open("app.db").read()`` the application would write, and the write be lost.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hotmig.project import SIDE_SUFFIXES
from hotmig.sqlite import is_name_of_open_database, is_open_database
from hotmig.transfer.supervised import NotAllowedError

_guarded = False  # an audit hook stays for as long as the process lives
_installed = False


@contextmanager
def no_database_is_opened() -> Iterator[None]:
    """Inside, ``open()`` of such a file raises NotAllowedError, in whatever way Python opens it."""
    global _guarded, _installed
    if not _installed:
        sys.addaudithook(_heard)
        _installed = True
    _guarded = True
    try:
        yield
    finally:
        _guarded = False


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _guarded or not isinstance(arguments[0], (str, bytes, os.PathLike)):
        return
    path = os.fsdecode(arguments[0])
    names = {path.removesuffix(suffix) for suffix in ("", *SIDE_SUFFIXES)}
    # With dir_fd a path is relative to what the event does not tell: then the name alone has to do.
    elsewhere = not os.path.isabs(path) and not os.path.lexists(path) and is_name_of_open_database(names)
    if elsewhere or any(map(is_open_database, names)):
        raise NotAllowedError(
            f"open() of {os.path.basename(path)} in a data migration: to close it drops SQLite's locks, and writes get"
            " lost; sqlite3.connect() opens it as SQLite does"
        )
