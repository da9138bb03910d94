"""Widening: a logged parent makes its children count as logged where their new value follows more than its key.

Only the latest keys are looked at: the children of those before are in the collection already.
"""

from __future__ import annotations

from hotmig.planning.model import Translation
from hotmig.sqlite import conjunction, execute, fold, quote, value
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql, matches


def widen(session: Session, whole: set[int]) -> None:
    """Adds to each ``temp.latest_<n>`` the children of the latest parents, and their children, and so on.

    ``whole`` has the steps of which every row counts as logged; children of such a parent get into it too.
    """
    edges = [
        (child, one)
        for child in session.steps
        for one in child.step.translations
        if not child.follows_only_the_key(one)
    ]
    changed = bool(edges)
    while changed:
        before = session.db.total_changes, len(whole)
        for child, edge in edges:
            _widen_edge(session, whole, child, edge)
        changed = (session.db.total_changes, len(whole)) != before


def _widen_edge(session: Session, whole: set[int], child: StepSql, edge: Translation) -> None:
    parent = next(step for step in session.steps if fold(step.step.table.name) == fold(edge.parent))
    if child.step.number in whole or value(session.db, f"SELECT 1 FROM {parent.latest} LIMIT 1") is None:
        if parent.step.number in whole:
            whole.add(child.step.number)
        return
    by_key = {fold(name) for name in edge.parent_columns} == {fold(name) for name in parent.source_key.columns}
    if parent.step.number in whole or (not by_key and edge.orphans == "null" and _some_are_gone(session, parent)):
        # What a row that is gone was called is not known any more, so any child may have lost its parent.
        whole.add(child.step.number)
        return
    children = ", ".join(child.source_key_of("o"))
    if by_key:
        # Left to itself, SQLite reads all children where no statistics tell it how few the keys are.
        _add(
            session,
            child,
            f"SELECT {children} FROM {parent.latest} AS k CROSS JOIN {child.source} AS o ON {_logged(parent, edge)}",
        )
    pairs = zip(edge.columns, edge.parent_columns, strict=True)
    # The left side's collation counts, and a foreign key goes by the parent's.
    refers = conjunction(f"q.{quote(theirs)} = o.{quote(ours)}" for ours, theirs in pairs)
    found = matches(parent.source_key_of("q"), parent.key_of("k"), parent.source_collations)
    _add(
        session,
        child,
        f"SELECT {children} FROM {parent.latest} AS k CROSS JOIN {parent.source} AS q ON {found}"
        f" CROSS JOIN {child.source} AS o ON {refers}",
    )


def _logged(parent: StepSql, edge: Translation) -> str:
    """The children by the logged key itself: of a row that is gone, nothing else is known."""
    keys = dict(zip((fold(name) for name in parent.source_key.columns), parent.key_of("k"), strict=True))
    return conjunction(
        f"o.{quote(ours)} = {keys[fold(theirs)]} COLLATE {quote(_collation(parent, theirs))}"
        for ours, theirs in zip(edge.columns, edge.parent_columns, strict=True)
    )


def _add(session: Session, child: StepSql, select: str) -> None:
    execute(session.db, f"INSERT OR IGNORE INTO {child.latest} {select}")


def _some_are_gone(session: Session, parent: StepSql) -> bool:
    found = matches(parent.source_key_of("q"), parent.key_of("k"), parent.source_collations)
    gone = f"SELECT 1 FROM {parent.latest} AS k WHERE NOT EXISTS (SELECT 1 FROM {parent.source} AS q WHERE {found})"
    return value(session.db, f"{gone} LIMIT 1") is not None


def _collation(parent: StepSql, name: str) -> str:
    column = parent.step.source.column(name) if parent.step.source else None
    return column.collation if column else "BINARY"
