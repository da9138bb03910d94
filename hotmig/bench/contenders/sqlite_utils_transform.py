"""``transform`` of sqlite-utils: as Alembic does, in the live file; it knows no CHECK, and makes the change without."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from hotmig.bench.contenders import PATIENCE_SECONDS, Job

CHANGES = ("rebuild",)
NEEDS = ("sqlite_utils",)


def run(job: Job) -> Path:
    from sqlite_utils import Database
    from sqlite_utils.db import Table

    with closing(sqlite3.connect(job.database, timeout=PATIENCE_SECONDS)) as db:
        for table in job.new:
            Table(Database(db), table.name).transform(types={table.loose: float}, not_null={table.loose})
    return job.database
