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
_LOOK_SECONDS = 0.1  # whoever only looks whether the folder is locked has it for less
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True)
class Holder:
    """Who holds the lock: a command, its process, and since when (UTC)."""

    command: str
    process: Process
    since: str

    def __str__(self) -> str:
        if not self.command:
            return "another hotmig"
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


UNNAMED = Holder("", Process("", 0, ""), "")  # before it has written its name, or where somebody deleted that


def read_holder(folder: Path) -> Holder | None:
    """Who holds the lock of ``folder`` now; None when nobody does. Takes nothing and waits for nobody."""
    holder = None
    with suppress(OSError):
        holder = _parsed((folder / LOCK_FILE).read_bytes()[:_MOST])
    alive = False if holder is None else is_alive(holder.process)
    if alive or (holder is not None and is_elsewhere(holder.process)):
        return holder
    if not _is_held(folder):
        return None
    # In another container, whose processes are not seen, but whose locks are.
    return holder if alive is None else UNNAMED


def _locked(path: Path) -> int:
    """A descriptor that holds the lock of the file which has that name now. Raises GaveUp when it is taken."""
    while True:
        descriptor = _opened(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same_file(descriptor, path):
                return descriptor
        except BlockingIOError as error:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise _taken(holder, WAIT) from error
        except BaseException:
            os.close(descriptor)
            raise
        # Somebody deleted the file between our open and our lock.
        os.close(descriptor)


@contextmanager
def _folder_locked(folder: Path, holder: Holder | None) -> Iterator[None]:
    """Locks the folder too: whoever deletes the file while its lock is held does not free the lock."""
    descriptor = os.open(folder, FOLDER)
    try:
        deadline = time.monotonic() + _LOOK_SECONDS
        while not _locked_now(descriptor):
            if time.monotonic() > deadline:
                raise _taken(holder, WAIT)
            time.sleep(_LOOK_SECONDS / 20)
        yield
    finally:
        os.close(descriptor)


def _locked_now(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system that locks files alone
    return True


def _is_held(folder: Path) -> bool:
    """Whether somebody holds the lock of the folder; for a moment nobody else can take it."""
    try:
        descriptor = os.open(folder, FOLDER)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    finally:
        os.close(descriptor)
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
    return GaveUp(f"{holder or UNNAMED} is at work in this directory", hint)


def _holder(descriptor: int) -> Holder | None:
    return _parsed(os.pread(descriptor, _MOST, 0))


def _parsed(content: bytes) -> Holder | None:
    try:
        facts = json.loads(content)
        process = Process(**facts["process"])
        words = (facts["command"], facts["since"], process.host, process.started)
        if not isinstance(process.pid, int) or not all(isinstance(word, str) for word in words):
            return None
        return Holder(facts["command"], process, facts["since"])
    except (ValueError, TypeError, KeyError):
        return None


def _write(descriptor: int, holder: Holder | None) -> None:
    os.ftruncate(descriptor, 0)
    if holder is not None:
        os.pwrite(descriptor, json.dumps(asdict(holder)).encode(), 0)
