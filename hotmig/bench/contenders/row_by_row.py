"""Every row through Python into a new database, with a mapping of the ids, as one would write it with care.

One transaction, one cursor to read, prepared statements, indexes at the end; the mapping is kept in the new file, where
a run that was killed would find it. The application has to be stopped meanwhile: its lock is held, so that it waits.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from hotmig.bench.contenders import PATIENCE_SECONDS, Job
from hotmig.bench.shapes import Table
from hotmig.sqlite import quote

CHANGES = ("rebuild", "keys")
NEEDS = ()
CACHE_KIB = 32 * 1024
MAPPING = (
    "CREATE TABLE _id_mapping(table_name TEXT NOT NULL, old_id NOT NULL, new_id NOT NULL,"
    " PRIMARY KEY (table_name, old_id)) WITHOUT ROWID"
)
REMEMBER = "INSERT INTO _id_mapping VALUES (?, ?, ?)"
LOOK_UP = "SELECT new_id FROM _id_mapping WHERE table_name = ? AND old_id = ?"


def run(job: Job) -> Path:
    with (
        closing(sqlite3.connect(job.database, isolation_level=None, timeout=PATIENCE_SECONDS)) as old,
        closing(sqlite3.connect(job.new_file, isolation_level=None)) as new,
    ):
        new.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        old.execute("BEGIN IMMEDIATE")
        new.execute("BEGIN")
        new.execute(MAPPING)
        for table in job.new:
            new.execute(table.create)
        for before, after in zip(job.old, job.new, strict=True):
            _copy(old, new, before, after)
        for table in job.new:
            for sql in table.create_indexes:
                new.execute(sql)
        new.execute("COMMIT")
        old.execute("COMMIT")
    return job.new_file


def _copy(old: sqlite3.Connection, new: sqlite3.Connection, before: Table, after: Table) -> None:
    """An integer key is given out anew; a text stays the key that it is."""
    filled = [each for each in after.fields if not (each.key and each.type == "INTEGER")]
    sources = [each.was or each.name for each in filled]
    parents = [each.references for each in filled]
    select = f"SELECT {', '.join(map(quote, (before.key.name, *sources)))} FROM {quote(before.name)}"
    names = ", ".join(quote(each.name) for each in filled)
    insert = f"INSERT INTO {quote(after.name)}({names}) VALUES ({', '.join('?' * len(filled))})"
    keeps = after.key.type != "INTEGER"
    for key, *values in old.execute(select):
        for place, parent in enumerate(parents):
            if parent is not None:
                values[place] = new.execute(LOOK_UP, (parent, values[place])).fetchone()[0]
        given = new.execute(insert, values).lastrowid
        new.execute(REMEMBER, (before.name, key, key if keeps else given))
