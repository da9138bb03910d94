"""Faults: full and broken disks, damaged and odd files, other users. ``python -m tests.faults`` prints how many.

A command under a fault is a process of its own. What must hold behind it is in harness.py: exit code, one error and one
hint, the old database whole and writable, status that knows the way on, and every row at its end.
"""

from __future__ import annotations

import importlib

MODULES = ("broken_disk", "full_disk", "system_calls", "damage", "odd_files", "users")


def survived() -> int:
    """How many faults a command meets that has begun, or would have: once they are gone, it is done to its end."""
    return sum(importlib.import_module(f"{__name__}.test_{name}").SURVIVED for name in MODULES)


def refused() -> int:
    """How many commands are refused, with nothing touched, for what they are given."""
    return sum(importlib.import_module(f"{__name__}.test_{name}").REFUSED for name in MODULES)
