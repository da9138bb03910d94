"""``hotmig`` on a directory, as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hotmig.bench.processes import Used
from hotmig.bench.processes import hotmig as run_hotmig


def hotmig(directory: Path, env: Mapping[str, str], *arguments: str) -> Used:
    """One command, which prints JSON."""
    return run_hotmig(env, *arguments, "--dir", str(directory), "--json")


def told(used: Used) -> Any:
    """What it printed."""
    return json.loads(used.out)
