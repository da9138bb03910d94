"""FTS5 indexes over tables of the new schema: made anew, because no trigger can stand on a virtual table."""

from __future__ import annotations

from hotmig.planning.full_text import external_content
from hotmig.sqlite import execute, quote
from hotmig.transfer.session import Session


def rebuild(session: Session) -> tuple[str, ...]:
    """Rebuilds every index that reads its texts from another table; returns their names."""
    names = tuple(table.name for table in session.plan.new.virtual_tables if external_content(table) is not None)
    for name in names:
        execute(session.db, f"INSERT INTO main.{quote(name)}({quote(name)}) VALUES ('rebuild')")
    return names
