"""Widening: a logged parent makes its children count as logged where their new value follows more than its key.

Only the latest keys are looked at: the children of those before are in the collection already.
"""

from __future__ import annotations

from hotmig.planning.model import Translation
from hotmig.planning.projection import is_copy
from hotmig.sqlite import conjunction, execute, fold, quote, same, value
from hotmig.transfer import id_mapping
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql, matches


def widen(session: Session, whole: set[int]) -> None:
    """Adds to each ``temp._migration_latest_<n>`` the children of the latest parents, and their children, and so on.

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
    if parent.step.number in whole:
        whole.add(child.step.number)
    if child.step.number in whole or value(session.db, f"SELECT 1 FROM {parent.latest} LIMIT 1") is None:
        return
    children = ", ".join(child.source_key_of("o"))
    if {fold(name) for name in edge.parent_columns} == {fold(name) for name in parent.source_key.columns}:
        # Left to itself, SQLite reads all children where no statistics tell it how few the keys are.
        _add(
            session,
            child,
            f"SELECT {children} FROM {parent.latest} AS k CROSS JOIN {child.source} AS o ON {_logged(parent, edge)}",
        )
    elif carried := _carried(parent, edge):
        _add(session, child, _of_former_values(parent, child, edge, carried))
    else:
        _add(session, child, _of_former_rows(parent, child, edge))
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


def _carried(parent: StepSql, edge: Translation) -> tuple[str, ...]:
    """The new columns that hold what children refer to, as it was when the parent was last read; () without them."""
    copies = (column for column in parent.step.columns if is_copy(parent.step, column))
    by_old = {column.expression: column.name for column in copies}
    found = tuple(by_old[quote(name)] for name in edge.parent_columns if quote(name) in by_old)
    return found if len(found) == len(edge.parent_columns) else ()


def _of_former_values(parent: StepSql, child: StepSql, edge: Translation, carried: tuple[str, ...]) -> str:
    """The children by what their parent was called before: without foreign keys an application leaves them behind."""
    found = matches(parent.source_key_of("q"), parent.key_of("k"), parent.source_collations)
    unchanged = conjunction(
        same(f"q.{quote(name)}", f"n.{quote(now)}") for name, now in zip(edge.parent_columns, carried, strict=True)
    )
    referred = conjunction(
        f"n.{quote(now)} COLLATE {quote(_collation(parent, name))} = o.{quote(ours)}"
        for ours, name, now in zip(edge.columns, edge.parent_columns, carried, strict=True)
    )
    return (
        f"SELECT {', '.join(child.source_key_of('o'))} FROM {_former_rows(parent)}"
        f" CROSS JOIN {child.source} AS o ON {referred}"
        f" WHERE NOT EXISTS (SELECT 1 FROM {parent.source} AS q WHERE {found} AND {unchanged})"
    )


def _of_former_rows(parent: StepSql, child: StepSql, edge: Translation) -> str:
    """The same where the new parent does not have what it was called: the children whose new rows lead to it."""
    pairs = zip(edge.targets, edge.value_columns, strict=True)
    referred = conjunction(f"c.{quote(target)} = n.{quote(value)} COLLATE BINARY" for target, value in pairs)
    key, mapping = list(child.target_key_of("c")), ""
    if child.step.keys == "mapped":
        new = [f"mc.{name}" for name in id_mapping.new_names(child)]
        mapping = f" CROSS JOIN main._id_mapping AS mc ON mc.table_name = {child.label} AND {matches(new, key)}"
        key = [f"mc.{name}" for name in id_mapping.old_names(child)]
    return f"SELECT {', '.join(key)} FROM {_former_rows(parent)} CROSS JOIN {child.target} AS c ON {referred}{mapping}"


def _former_rows(parent: StepSql) -> str:
    """What stands behind FROM to get the new rows ``n``, as they are before the replay, of the latest keys ``k``."""
    mapping, new = "", list(parent.key_of("k"))
    if parent.step.keys == "mapped":
        old = matches([f"m.{name}" for name in id_mapping.old_names(parent)], parent.key_of("k"))
        mapping = f" CROSS JOIN main._id_mapping AS m ON m.table_name = {parent.label} AND {old}"
        new = [f"m.{name}" for name in id_mapping.new_names(parent)]
    read = matches(parent.target_key_of("n"), new, parent.target_collations)
    return f"{parent.latest} AS k{mapping} CROSS JOIN {parent.target} AS n ON {read}"


def _add(session: Session, child: StepSql, select: str) -> None:
    execute(session.db, f"INSERT OR IGNORE INTO {child.latest} {select}")


def _collation(parent: StepSql, name: str) -> str:
    column = parent.step.source.column(name) if parent.step.source else None
    return column.collation if column else "BINARY"
