"""FTS5 indexes over tables of the new schema: made anew, because no trigger can stand on a virtual table."""

from __future__ import annotations

import time
from collections.abc import Iterable

from hotmig.planning.full_text import external_content
from hotmig.sqlite import execute, fold, quote
from hotmig.transfer.session import Session


def touch(session: Session, tables: Iterable[str]) -> None:
    """The indexes that read their texts from one of these tables are out of date; so are those over views, and over
    tables without old rows, which triggers write to."""
    changed = set(map(fold, tables))
    others = {fold(step.step.table.name) for step in session.steps} - changed
    for index in session.plan.new.virtual_tables:
        content = external_content(index)
        if content is not None and changed and fold(content) not in others:
            session.stale_texts.add(index.name)


def rebuild(session: Session) -> None:
    """Makes every index anew that is out of date. The caller forgets them when that is committed."""
    for name in sorted(session.stale_texts):
        execute(session.db, f"INSERT INTO main.{quote(name)}({quote(name)}) VALUES ('rebuild')")


def rebuild_beforehand(session: Session) -> float:
    """Makes them anew while writes go on; returns how many seconds that took, and would take again.

    Under the fence only those are left whose tables were written to since.
    """
    session.stale_texts.update(
        index.name for index in session.plan.new.virtual_tables if external_content(index) is not None
    )
    if not session.stale_texts:
        return 0.0
    started = time.monotonic()
    with session.step("rebuild full text", session.file), session.building():
        rebuild(session)
    session.stale_texts.clear()
    return time.monotonic() - started
