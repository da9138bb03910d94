"""Widening: a logged parent makes its children count as logged where their new value follows more than its key.

Only the latest keys are looked at: the children of those before are in the collection already.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hotmig.planning.following import can_be_looked_up
from hotmig.planning.model import Translation
from hotmig.planning.projection import is_copy
from hotmig.sqlite import conjunction, disjunction, execute, fold, quote, value
from hotmig.transfer import id_mapping
from hotmig.transfer.groups.fates import key_names
from hotmig.transfer.groups.upkeep import mark_all, refresh
from hotmig.transfer.key_sql import matches
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql


@dataclass(frozen=True)
class Edge:
    """A reference whose children have to be looked for."""

    parent: StepSql
    child: StepSql
    translation: Translation
    fates: str | None = None  # where only the parent's fate counts: the keys of the parents whose fate changed

    @property
    def parents(self) -> str:
        """The parents whose children have to be looked for."""
        return self.fates or self.parent.latest

    @property
    def is_by_key(self) -> bool:
        """Whether a child names its parent by the key under which the parent is logged."""
        names = map(fold, self.translation.parent_columns)
        return set(names) == set(map(fold, self.parent.source_key.columns))

    @property
    def referred(self) -> str:
        return self.child.referred(self.translation)


def edges(session: Session) -> tuple[Edge, ...]:
    """Every reference that follows more than its parent's key: what this does not name, or which row it became."""
    return tuple(_edges(session))


def _edges(session: Session) -> Iterator[Edge]:
    by_name = {fold(step.step.table.name): step for step in session.steps}
    for child in session.steps:
        for one in child.step.translations:
            parent = by_name[fold(one.parent)]
            group = session.group(parent)
            if not child.follows_only_the_key(one):
                yield Edge(parent, child, one)
            elif group is not None and parent.step.loses_rows:
                yield Edge(parent, child, one, group.changed)


def follows_names(session: Session) -> bool:
    """Whether a child's value depends on what its parent is called, which the log does not say."""
    return any(not edge.is_by_key for edge in edges(session))


def widen(session: Session, whole: set[int], *, after_copy: bool = False) -> None:
    """Adds to each ``temp._migration_latest_<n>`` the children of the latest parents, and their children, and so on.

    ``whole`` has the steps of which every row counts as logged; children of such a parent get into it too.
    ``after_copy`` says that nothing was replayed yet.
    """
    all_edges = edges(session)
    changed = bool(all_edges) or bool(session.groups)
    while changed:
        before, added = len(whole), 0
        for step in session.steps:  # parents first: the group of a child goes by what became of its parent
            added += sum(_widen_edge(session, whole, edge, after_copy) for edge in all_edges if edge.child is step)
            if (group := session.group(step)) is not None:
                added += refresh(session, group)
        changed = added > 0 or len(whole) > before


def _widen_edge(session: Session, whole: set[int], edge: Edge, after_copy: bool) -> int:
    """Returns how many children it found that were not there yet."""
    parent, child, group = edge.parent, edge.child, session.group(edge.child)
    if parent.step.number in whole and child.step.number not in whole and edge.fates is None:
        whole.add(child.step.number)
        if group is not None:
            mark_all(session, group)
    if child.step.number in whole or value(session.db, f"SELECT 1 FROM {edge.parents} LIMIT 1") is None:
        return 0
    execute(session.db, f"DELETE FROM {edge.referred}")
    for names in _names(edge):
        execute(session.db, f"INSERT OR IGNORE INTO {edge.referred} {names}")
    found = [_children(edge)]
    if not edge.is_by_key and not _carried(edge):
        found.append(_of_former_rows(edge))
    if not edge.is_by_key and after_copy:
        found += [_left_out(edge), _led_astray(edge)]
    inserted = []
    for select in found:
        if group is not None:
            execute(session.db, f"INSERT OR IGNORE INTO {group.stale} SELECT *, 0 FROM ({select})")
        inserted.append(execute(session.db, f"INSERT OR IGNORE INTO {child.latest} {select}").rowcount)
    return sum(max(count, 0) for count in inserted)


def _names(edge: Edge) -> Iterator[str]:
    """What children call the latest parents.

    Before, too: without foreign keys an application leaves children behind when it renames their parent. Of a row that
    is gone nothing is known but its logged key, and what the new database has of it.
    """
    parent, columns = edge.parent, edge.translation.parent_columns
    if edge.is_by_key:
        names = parent.key_of("k") if edge.fates is None else key_names(parent.step, "k")
        keys = dict(zip(map(fold, parent.source_key.columns), names, strict=True))
        yield f"SELECT {', '.join(keys[fold(name)] for name in columns)} FROM {edge.parents} AS k"
        return
    found = matches(parent.source_key_of("q"), parent.key_of("k"), parent.source_collations)
    now = ", ".join(f"q.{quote(name)}" for name in columns)
    yield f"SELECT {now} FROM {parent.latest} AS k CROSS JOIN {parent.source} AS q ON {found}"
    if carried := _carried(edge):
        yield f"SELECT {', '.join(f'n.{quote(name)}' for name in carried)} FROM {_former_rows(parent)}"


def _carried(edge: Edge) -> tuple[str, ...]:
    """The new columns that hold what children refer to, as it was when the parent was last read; () without them."""
    copies = (column for column in edge.parent.step.columns if is_copy(edge.parent.step, column))
    by_old = {column.expression: column.name for column in copies}
    found = tuple(by_old[quote(name)] for name in edge.translation.parent_columns if quote(name) in by_old)
    return found if len(found) == len(edge.translation.parent_columns) else ()


def _children(edge: Edge) -> str:
    """The children by what their parents are called."""
    child, columns = edge.child, edge.translation.columns
    children = ", ".join(child.source_key_of("o"))
    # The left side's collation counts, and a foreign key goes by the parent's.
    if _can_be_looked_up(edge):
        refers = conjunction(f"p.p{number} = o.{quote(name)}" for number, name in enumerate(columns, 1))
        # Left to itself, SQLite reads all children where no statistics tell it how few the keys are.
        return f"SELECT {children} FROM {edge.referred} AS p CROSS JOIN {child.source} AS o ON {refers}"
    refers = conjunction(f"p.p{number} = +o.{quote(name)}" for number, name in enumerate(columns, 1))
    return f"SELECT {children} FROM {child.source} AS o CROSS JOIN {edge.referred} AS p ON {refers}"


def _can_be_looked_up(edge: Edge) -> bool:
    parent, child = edge.parent.step.source, edge.child.step.source
    for ours, theirs in zip(edge.translation.columns, edge.translation.parent_columns, strict=True):
        mine, other = child and child.column(ours), parent and parent.column(theirs)
        if not (child and parent and mine and other and can_be_looked_up(child, mine, parent, other)):
            return False
    return True


def _of_former_rows(edge: Edge) -> str:
    """The same where the new parent does not have what it was called: the children whose new rows lead to it."""
    pairs = zip(edge.translation.targets, edge.translation.value_columns, strict=True)
    referred = conjunction(f"c.{quote(target)} = n.{quote(value)} COLLATE BINARY" for target, value in pairs)
    key, mapping = _old_key(edge.child)
    return f"SELECT {key} FROM {_former_rows(edge.parent)} CROSS JOIN {edge.child.target} AS c ON {referred}{mapping}"


def _left_out(edge: Edge) -> str:
    """The children that the copy left out: a parent came and made them count as logged, and is called otherwise now."""
    child = edge.child
    old = [f"+{name}" for name in child.source_key_of("o")]
    if child.step.keys == "kept":
        copied = f"{child.target} AS n WHERE {matches(child.target_key_of('n'), old, child.target_collations)}"
    else:
        mapped = matches([f"m.{name}" for name in id_mapping.old_names(child)], old)
        new = matches(child.target_key_of("n"), [f"m.{name}" for name in id_mapping.new_names(child)])
        copied = (
            f"main._id_mapping AS m CROSS JOIN {child.target} AS n ON {new}"
            f" WHERE m.table_name = {child.label} AND {mapped}"
        )
    children = ", ".join(child.source_key_of("o"))
    return f"SELECT {children} FROM {child.source} AS o WHERE NOT EXISTS (SELECT 1 FROM {copied})"


def _led_astray(edge: Edge) -> str:
    """The children that it copied, and that lead to a parent which it then left out."""
    one = edge.translation
    given = disjunction(f"c.{quote(target)} IS NOT NULL" for target in one.targets)
    pairs = zip(one.targets, one.value_columns, strict=True)
    there = conjunction(f"n.{quote(value)} = +c.{quote(target)}" for target, value in pairs)
    key, mapping = _old_key(edge.child)
    return (
        f"SELECT {key} FROM {edge.child.target} AS c{mapping}"
        f" WHERE {given} AND NOT EXISTS (SELECT 1 FROM {edge.parent.target} AS n WHERE {there})"
    )


def _old_key(child: StepSql) -> tuple[str, str]:
    """The old key of the new row ``c``, and what stands behind FROM to get it."""
    if child.step.keys == "kept":
        return ", ".join(child.target_key_of("c")), ""
    new = matches([f"mc.{name}" for name in id_mapping.new_names(child)], child.target_key_of("c"))
    mapping = f" CROSS JOIN main._id_mapping AS mc ON mc.table_name = {child.label} AND {new}"
    return ", ".join(f"mc.{name}" for name in id_mapping.old_names(child)), mapping


def _former_rows(parent: StepSql) -> str:
    """What stands behind FROM to get the new rows ``n``, as they are before the replay, of the latest keys ``k``."""
    mapping, new = "", list(parent.key_of("k"))
    if parent.step.keys == "mapped":
        old = matches([f"m.{name}" for name in id_mapping.old_names(parent)], parent.key_of("k"))
        mapping = f" CROSS JOIN main._id_mapping AS m ON m.table_name = {parent.label} AND {old}"
        new = [f"m.{name}" for name in id_mapping.new_names(parent)]
    read = matches(parent.target_key_of("n"), new, parent.target_collations)
    return f"{parent.latest} AS k{mapping} CROSS JOIN {parent.target} AS n ON {read}"
