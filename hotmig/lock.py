"""One operator at a time: a lock that dies with its process, and says who holds it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from hotmig.errors import GaveUp, HotmigError
from hotmig.private import open_private
from hotmig.process import Process, is_alive, is_elsewhere, this_process

LOCK_FILE = "lock"
WAIT = "nothing was changed; run the same command again when it has finished"
_MOST = 4096  # bytes of a holder's description
_LOOK_SECONDS = 0.1  # whoever only looks whether the lock is held has it for less


@dataclass(frozen=True)
class Holder:
    """Who holds the lock: a command, its process, and since when (UTC)."""

    command: str
    process: Process
    since: str

    def __str__(self) -> str:
        return f"`hotmig {self.command}` (process {self.process.pid} on {self.process.host}, since {self.since})"


@contextmanager
def one_operator(folder: Path, command: str, since: str, *, unnamed: bool = False) -> Iterator[None]:
    """Holds ``folder/lock`` for ``command``, which began at ``since``. Raises GaveUp, naming the holder, when it is
    taken, and HotmigError where the disk does not take the name; ``unnamed`` holds it without one then.

    The system drops it with the process, however that ends. What another host wrote there is never taken over: its
    lock may not be visible here.
    """
    path = folder / LOCK_FILE
    descriptor = _locked(path)
    try:
        before = _holder(descriptor)
        if before is not None and is_elsewhere(before.process):
            raise _taken(before, f"if that host is gone for good, delete {path}")
        with _folder_locked(folder, before):
            try:
                _write(descriptor, Holder(command, this_process(), since))
            except OSError as error:
                if not unnamed:
                    raise _unwritable(path, error) from error
            try:
                yield
            finally:
                _write(descriptor, None)
    finally:
        os.close(descriptor)


def read_holder(folder: Path) -> Holder | None:
    """Who holds the lock of ``folder`` now; None when nobody does. Takes nothing and waits for nobody."""
    with suppress(OSError), (folder / LOCK_FILE).open("rb") as file:
        holder = _parsed(file.read(_MOST))
        if holder is None:
            return None
        alive = is_alive(holder.process)
        if alive is None and not is_elsewhere(holder.process):
            alive = _is_held(file.fileno())  # in another container, whose processes are not seen, but whose locks are
        return None if alive is False else holder
    return None


def _locked(path: Path) -> int:
    """A descriptor that holds the lock of the file which has that name now. Raises GaveUp when it is taken."""
    deadline = time.monotonic() + _LOOK_SECONDS
    while True:
        descriptor = _opened(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same_file(descriptor, path):
                return descriptor
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                holder = _holder(descriptor)
                os.close(descriptor)
                raise _taken(holder, WAIT) from error
            time.sleep(_LOOK_SECONDS / 20)
        except BaseException:
            os.close(descriptor)
            raise
        # Somebody deleted the file between our open and our lock, or looks whether it is held.
        os.close(descriptor)


@contextmanager
def _folder_locked(folder: Path, holder: Holder | None) -> Iterator[None]:
    """Locks the folder too: whoever deletes the file while its lock is held does not free the lock."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _taken(holder, WAIT) from error
        except OSError:
            pass  # a file system that locks files alone
        yield
    finally:
        os.close(descriptor)


def _is_held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def _opened(path: Path) -> int:
    try:
        return open_private(path)
    except OSError as error:
        raise HotmigError(
            f"the lock {path} can't be opened: {error.strerror}",
            "nothing was changed; run hotmig as the owner of the databases or as root, on a disk with room",
        ) from error


def _unwritable(path: Path, error: OSError) -> HotmigError:
    return HotmigError(
        f"the lock {path} can't be written: {error.strerror}",
        "nothing was changed; make room on that disk, or run the command with --no-ledger in an emergency",
    )


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _taken(holder: Holder | None, hint: str) -> GaveUp:
    # Between taking the lock and writing its name down, a holder has none.
    who = "another hotmig" if holder is None else str(holder)
    return GaveUp(f"{who} is at work in this directory", hint)


def _holder(descriptor: int) -> Holder | None:
    return _parsed(os.pread(descriptor, _MOST, 0))


def _parsed(content: bytes) -> Holder | None:
    try:
        facts = json.loads(content)
        return Holder(facts["command"], Process(**facts["process"]), facts["since"])
    except (ValueError, TypeError, KeyError):
        return None


def _write(descriptor: int, holder: Holder | None) -> None:
    os.ftruncate(descriptor, 0)
    if holder is not None:
        os.pwrite(descriptor, json.dumps(asdict(holder)).encode(), 0)
