"""Programs that run as in a container: their own host name, their own process numbers, this very kernel."""

from __future__ import annotations

import subprocess
import sys

import pytest

_UNSHARE = ("unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")


def in_container(host: str, program: str, *arguments: str) -> list[str]:
    """The command that runs a Python program there."""
    shell = 'hostname "$0" && exec "$@"'
    return [*_UNSHARE, "sh", "-c", shell, host, sys.executable, "-c", program, *arguments]


def _allowed() -> bool:
    try:
        return subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


needs_containers = pytest.mark.skipif(not _allowed(), reason="this user may not make namespaces here, as root can")
