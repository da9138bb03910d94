"""Room on the disk for the second of two commits: between them neither database accepts writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hotmig.errors import HotmigError
from hotmig.private import open_private
from hotmig.project import RESERVE_SUFFIX


@contextmanager
def reserved(new: Path, size: int) -> Iterator[Callable[[], None]]:
    """Takes ``size`` bytes now; the caller gives them back, by calling what this yields, right before they are needed.

    Raises HotmigError where the disk has none: the old database is not retired then.
    """
    path = _reserve(new)
    try:
        give_back(new)  # what a command that died had reserved
        descriptor = open_private(path, must_be_new=True)
        try:
            os.posix_fallocate(descriptor, 0, size)
        finally:
            os.close(descriptor)
    except OSError as error:
        give_back(new)
        raise HotmigError(
            f"the disk has no room for the cutover: {error.strerror}",
            "make room on that disk, then run the same command again",
        ) from error
    try:
        yield lambda: give_back(new)
    finally:
        give_back(new)


def give_back(new: Path) -> None:
    """Deletes what is reserved, also by a command that died."""
    _reserve(new).unlink(missing_ok=True)


def _reserve(new: Path) -> Path:
    # Beside the file: on the same disk.
    return new.with_name(new.name + RESERVE_SUFFIX)
