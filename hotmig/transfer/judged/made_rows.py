"""Whether the new table takes the rows that Merge makes: SQLite judges them in a temporary table of its definition.

That stands in ``temp``, for nothing can be rolled back in the main database of a rehearsal, and has no foreign keys.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from hotmig.planning.group_facts import Unfit
from hotmig.schema.model import Schema
from hotmig.sqlite import conjunction, disjunction, execute, fold, quote, value
from hotmig.transfer.build import indexes_of
from hotmig.transfer.groups import fates
from hotmig.transfer.groups.created import insert_made, made_columns, made_key
from hotmig.transfer.groups.fates import LIVE
from hotmig.transfer.groups.samples import SAMPLES
from hotmig.transfer.groups.sql import GROUP, GroupSql
from hotmig.transfer.judged.court import Court
from hotmig.transfer.judged.made_keys import equal_to_old_rows
from hotmig.transfer.judged.made_parents import parentless
from hotmig.transfer.old_rows import shown
from hotmig.transfer.session import Session

_VALUE = GROUP.format(1)  # the canonical value that a made row stands for


def unfit_made_rows(court: Court, session: Session, group: GroupSql, schema: Schema) -> Iterator[Unfit]:
    """One for each constraint that any of them breaks, among themselves and beside the old rows."""
    made = f"{fates.created(group.step)} AS n WHERE n.{LIVE}"
    if group.grouping.create is None or not _has_key(group) or value(court.db, f"SELECT 1 FROM {made} LIMIT 1") is None:
        return
    with _table_alone(court.db, group, schema):
        yield from _without_key(court, group)
        yield from _refused(court, group)
        # Without statistics SQLite would take it for as large as the old table.
        execute(court.db, f"ANALYZE {_target(group)}")
        yield from equal_to_old_rows(court, group, _target(group))
        yield from parentless(court, session, group, _target(group))


def _has_key(group: GroupSql) -> bool:
    """Whether a made row gets a key at all; a check refuses it where it does not."""
    given = {fold(name) for name, _ in made_columns(group)}
    return bool(group.step.new_key) and all(fold(name) in given for name in group.step.new_key)


def _target(group: GroupSql) -> str:
    return f"temp.{quote(group.step.table.name)}"


@contextmanager
def _table_alone(db: sqlite3.Connection, group: GroupSql, schema: Schema) -> Iterator[None]:
    name = group.step.table.name
    begins = f"CREATE TABLE {quote(name)}("
    definition = next(sql for sql in schema.create_tables if sql.startswith(begins))
    execute(db, f"CREATE TEMP TABLE {quote(name)}({definition.removeprefix(begins)}")
    try:
        for sql in indexes_of(schema).get(name, ()):
            execute(db, sql)  # an index stands where its table does
        yield
    finally:
        execute(db, f"DROP TABLE {_target(group)}")


def _without_key(court: Court, group: GroupSql) -> Iterator[Unfit]:
    """SQLite gives an INTEGER PRIMARY KEY a number, and lets NULL into any other."""
    missing = disjunction(f"{name} IS NULL" for name in made_key(group))
    made = f"{fates.created(group.step)} AS n WHERE n.{LIVE} AND {missing}"
    found = court.ask("", f"SELECT count(*) OVER (), n.{_VALUE} FROM {made} ORDER BY 2 LIMIT {SAMPLES}")
    if found:
        key = ", ".join(group.step.new_key)
        rows, samples = found[0][0], tuple(shown(row[1:]) for row in found)
        yield Unfit("create", ("has", "have"), f"no {key}, which is its key", rows, samples)


def _refused(court: Court, group: GroupSql) -> Iterator[Unfit]:
    """What SQLite says of the rest; afterwards those that it takes are in the table."""
    whole = f"n.{LIVE} AND {conjunction(f'{name} IS NOT NULL' for name in made_key(group))}"
    try:
        execute(court.db, insert_made(group, _target(group), whole))
        return
    except sqlite3.IntegrityError:
        pass
    names = execute(court.db, f"SELECT n.{_VALUE} FROM {fates.created(group.step)} AS n WHERE {whole} ORDER BY 1")
    refused: dict[str, list[str]] = {}
    for (name,) in names.fetchall():
        try:
            execute(court.db, insert_made(group, _target(group), f"{whole} AND n.{_VALUE} = ?"), (name,))
        except sqlite3.IntegrityError as error:
            refused.setdefault(" ".join(str(error).split()), []).append(shown([name]))
    for what, rows in refused.items():
        into = f"fit into {group.step.table.name}: {what}"
        yield Unfit("create", ("does not", "do not"), into, len(rows), tuple(rows[:SAMPLES]))
