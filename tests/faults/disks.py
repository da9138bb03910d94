"""A small disk of its own, which can be filled to the last page."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = 2**20
FILES = 60
NO_DISK = "no disk can be mounted here: that takes root, and a system that lets it (test_system_calls.py needs neither)"


class Disk:
    """``path`` is where it is mounted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def free(self) -> int:
        """In bytes."""
        stat = os.statvfs(self.path)
        return stat.f_bavail * stat.f_bsize

    def fill(self, leave: int = 0) -> None:
        """Leaves so many bytes free, and not one more."""
        (self.path / "ballast").write_bytes(b"x" * (self.free - leave))
        assert self.free == leave

    def make_room(self) -> None:
        (self.path / "ballast").unlink()

    def fill_names(self, leave: int = 0) -> None:
        """Leaves room for so many files, whatever is in them."""
        names = self.path / "names"
        names.mkdir()
        for number in range(os.statvfs(self.path).f_favail - leave):
            (names / str(number)).touch()

    def free_names(self) -> None:
        shutil.rmtree(self.path / "names")

    def remount(self, options: str) -> None:
        """Such as "ro"."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.path)], check=True, capture_output=True)


@contextmanager
def disk(path: Path, size: int = SIZE) -> Iterator[Disk | None]:
    """None where no disk can be mounted."""
    path.mkdir()
    try:
        mounting = ["mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes={FILES},mode=755", "hotmig-test", str(path)]
        mounted = subprocess.run(mounting, check=False, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    try:
        yield Disk(path) if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", str(path)], check=True, capture_output=True)
