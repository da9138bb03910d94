"""The rows as SQL text, piped into a new database that has the new tables already.

By the ``sqlite3`` shell where there is one, else by Python. The application has to be stopped meanwhile: its lock is
held, so that it waits.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from hotmig.bench.contenders import PATIENCE_SECONDS, Job

CHANGES = ("rebuild",)
NEEDS = ()


def run(job: Job) -> Path:
    with closing(sqlite3.connect(job.database, isolation_level=None, timeout=PATIENCE_SECONDS)) as old:
        old.execute("BEGIN IMMEDIATE")
        if shutil.which("sqlite3"):
            _by_shell(job)
        else:
            _by_python(job, old)
        old.execute("COMMIT")
    return job.new_file


def _by_shell(job: Job) -> None:
    dump = subprocess.Popen(["sqlite3", str(job.database), ".dump --data-only"], stdout=subprocess.PIPE)
    load = subprocess.Popen(["sqlite3", "-bail", str(job.new_file)], stdin=subprocess.PIPE)
    if dump.stdout is None or load.stdin is None:
        raise RuntimeError("no pipe")
    with load.stdin as pipe:
        pipe.write("".join(f"{sql};\n" for sql in ("BEGIN", *(table.create for table in job.new))).encode())
        shutil.copyfileobj(dump.stdout, pipe, 1 << 20)
        indexes = (sql for table in job.new for sql in table.create_indexes)
        pipe.write("".join(f"{sql};\n" for sql in (*indexes, "COMMIT")).encode())
    codes = dump.wait(), load.wait()
    if any(codes):
        raise RuntimeError("the sqlite3 shell failed")


def _by_python(job: Job, old: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(job.new_file, isolation_level=None)) as new:
        new.execute("BEGIN")
        for table in job.new:
            new.execute(table.create)
        for statement in old.iterdump():
            if statement.startswith("INSERT INTO"):
                new.execute(statement)
        for table in job.new:
            for sql in table.create_indexes:
                new.execute(sql)
        new.execute("COMMIT")
