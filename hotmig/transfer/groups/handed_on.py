"""What a rehearsal has found is handed on to the new file, where nobody wrote to the old one since: found once only.

SQLite moves the rows as they are stored, from one file to the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hotmig.sqlite import execute, file_uri, transaction
from hotmig.transfer.groups import fates
from hotmig.transfer.groups.rehearsal import Rehearsal
from hotmig.transfer.groups.sql import GroupSql

CACHE_KIB = 2 * 1024


def hand_on(rehearsal: Rehearsal, new: Path, seconds: float) -> None:
    """Fills the tables of the new file that the copy would fill first, in one transaction."""
    session = rehearsal.session
    execute(session.db, "ATTACH ? AS new", (file_uri(new, "mode=rw"),))
    with transaction(session.db, seconds, "the new database", begin="BEGIN"):
        for group in session.groups:
            execute(session.db, group.index_members("new"))
            for table in _tables(group):
                execute(session.db, f"INSERT INTO new.{table} SELECT * FROM main.{table}")
        execute(session.db, "INSERT INTO new._id_mapping SELECT * FROM main._id_mapping")
        execute(session.db, "UPDATE new._migration_grouped SET state = 'built'")
    execute(session.db, "DETACH new")
    # A report may still be written from it, beside the copy, which has caches of its own.
    for schema in ("main", "old", "temp"):
        execute(session.db, f"PRAGMA {schema}.cache_size = -{CACHE_KIB}")


def _tables(group: GroupSql) -> Iterator[str]:
    for table in (fates.members, fates.table, fates.lent, fates.created):
        yield table(group.step).removeprefix("main.")
