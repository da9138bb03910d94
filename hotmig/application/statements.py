"""Writes that are plain SQL, read from a file: what the application does before the hand-over, and what after it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from random import Random

from hotmig.sqlite import execute

Write = Callable[[sqlite3.Connection, Random], None]
Writes = Mapping[str, Write]


def read_writes(file: Path) -> tuple[Writes, Writes]:
    """Of ``{"old": {kind: [sql, highest]}, "new": …}``: each ``?`` of the SQL gets a number from 1 to ``highest``."""
    told = json.loads(file.read_text(encoding="utf-8"))
    old, new = ({kind: partial(_write, *write) for kind, write in told[side].items()} for side in ("old", "new"))
    return old, new


def _write(sql: str, highest: int, db: sqlite3.Connection, random: Random) -> None:
    execute(db, sql, tuple(random.randint(1, highest) for _ in range(sql.count("?"))))
