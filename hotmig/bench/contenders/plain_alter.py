"""What ALTER TABLE does by itself, in the live file: it edits the catalog, and no row."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from hotmig.bench.contenders import PATIENCE_SECONDS, Job
from hotmig.sqlite import quote

CHANGES = ("names",)
NEEDS = ()


def run(job: Job) -> Path:
    with closing(sqlite3.connect(job.database, isolation_level=None, timeout=PATIENCE_SECONDS)) as db:
        db.execute("BEGIN IMMEDIATE")
        for old, new in zip(job.old, job.new, strict=True):
            name = quote(old.name)
            for each in new.fields:
                if each.was is not None:
                    db.execute(f"ALTER TABLE {name} RENAME COLUMN {quote(each.was)} TO {quote(each.name)}")
                elif each.name not in old.own:
                    db.execute(f"ALTER TABLE {name} ADD COLUMN {each.ddl}")
        db.execute("COMMIT")
    return job.database
