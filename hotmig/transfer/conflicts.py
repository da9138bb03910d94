"""Rows that the new schema does not take: found by SQLite, named here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hotmig.errors import Refused
from hotmig.planning.model import TableStep
from hotmig.sqlite import conjunction, execute, quote
from hotmig.transfer.session import Session

SAMPLES = 3
HINT = "mend these rows in the old database (writes go on and are recorded), then run the same command again"


def shown(values: tuple[Any, ...]) -> str:
    """A key for a message: text and numbers as SQL writes them, BLOBs by their first bytes."""
    parts = [f"x'{value[:8].hex()}'" if isinstance(value, bytes) else repr(value) for value in values]
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


@contextmanager
def explain_conflict(session: Session, step: TableStep) -> Iterator[None]:
    """Turns SQLite's refusal of a row into Refused, naming the table and what does not fit."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise Refused(f'table "{step.table.name}" of the new schema does not take a row: {error}', HINT) from error
    except sqlite3.OperationalError as error:
        if "user-defined function" not in str(error):
            raise
        raise Refused(f'table "{step.table.name}": {_orphans(session, step)}', HINT) from error


def _orphans(session: Session, step: TableStep) -> str:
    """Which references find no row."""
    for one in step.translations:
        if step.source is None or step.source_key is None:
            continue
        pairs = list(zip(one.parent_columns, one.columns, strict=True))
        join = conjunction(f"q.{quote(theirs)} = +o.{quote(ours)}" for theirs, ours in pairs)
        given = conjunction(f"o.{quote(ours)} IS NOT NULL" for _, ours in pairs)
        key = ", ".join(f"o.{quote(name)}" for name in step.source_key.columns)
        rows = execute(
            session.db,
            f"SELECT {key} FROM old.{quote(step.source.name)} AS o WHERE {given} AND NOT EXISTS"
            f" (SELECT 1 FROM old.{quote(one.parent_source)} AS q WHERE {join}) LIMIT {SAMPLES}",
        ).fetchall()
        if rows:
            columns = ", ".join(one.columns)
            keys = ", ".join(shown(row) for row in rows)
            return f'{columns} refers to no row of "{one.parent_source}" in the rows {keys}'
    return "a reference finds no row"
