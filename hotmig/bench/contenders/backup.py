"""The limit of SQLite's online backup: all pages in one step."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from hotmig.bench.contenders import ALL, Job

CHANGES = ALL
NEEDS = ()


def run(job: Job) -> Path:
    with closing(sqlite3.connect(job.database)) as old, closing(sqlite3.connect(job.new_file)) as new:
        old.backup(new)
    return job.new_file
