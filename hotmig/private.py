"""Files of hotmig's own, for the operator alone: they say which commands ran, with which paths."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def open_private(path: Path, *, must_be_new: bool = False) -> int:
    """A descriptor of a file that only its owner may read, made where it is missing.

    ``must_be_new`` raises FileExistsError for one that is there. Whatever else has its name raises OSError, a link of
    either kind too: root would empty, or give away, whatever file somebody has it lead to.
    """
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, FILE_MODE)
    except FileExistsError:
        if must_be_new:
            raise
        return _own(os.open(path, flags), path)
    _give_to_owner(descriptor, path.parent)
    return descriptor


def begins_with(path: Path, head: str) -> bool:
    """Whether it is a plain file, and no link, that begins so."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and os.read(descriptor, len(head)) == head.encode()
    finally:
        os.close(descriptor)


def make_private_folder(path: Path, like: Path) -> None:
    """Makes a folder for one user alone, if there is none: for the owner of ``like`` where root makes it.

    Raises NotADirectoryError for anything else of its name.
    """
    try:
        path.mkdir(mode=FOLDER_MODE)
    except FileExistsError:
        if not stat.S_ISDIR(path.lstat().st_mode):
            raise NotADirectoryError(f"{path} is no directory") from None
        return
    if os.geteuid() == 0:
        os.chown(path, *_owner(like))


def _own(descriptor: int, path: Path) -> int:
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is no file of its own", str(path))


def _give_to_owner(descriptor: int, folder: Path) -> None:
    if os.geteuid() != 0:
        return
    try:
        os.fchown(descriptor, *_owner(folder))
    except BaseException:
        os.close(descriptor)
        raise


def _owner(like: Path) -> tuple[int, int]:
    """What root makes belongs to whom this belongs to: the next command may be run by that user."""
    found = like.stat()
    return found.st_uid, found.st_gid
