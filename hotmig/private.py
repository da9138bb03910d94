"""Files of hotmig's own, for the operator alone: they say which commands ran, with which paths."""

from __future__ import annotations

import os
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def open_private(path: Path, *, must_be_new: bool = False) -> int:
    """A descriptor of a file that only its owner may read, made where it is missing.

    ``must_be_new`` raises FileExistsError for one that is there. A link is never followed, and raises OSError: root
    would give the owner of the folder whatever file he has it point to.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_EXCL if must_be_new else 0)
    descriptor = os.open(path, flags, FILE_MODE)
    try:
        if os.geteuid() == 0:
            os.fchown(descriptor, *_owner(path.parent))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def make_private_folder(path: Path) -> None:
    """Makes a folder for its owner alone, if there is none. Raises NotADirectoryError for a file in its place."""
    try:
        path.mkdir(mode=FOLDER_MODE)
    except FileExistsError:
        if not path.is_dir():
            raise NotADirectoryError(f"{path} is no directory") from None
        return
    if os.geteuid() == 0:
        os.chown(path, *_owner(path.parent))


def _owner(folder: Path) -> tuple[int, int]:
    """What root makes belongs to whom the folder belongs to: the next command may be run by that user."""
    stat = folder.stat()
    return stat.st_uid, stat.st_gid
