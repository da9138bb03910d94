"""Whether a translated reference can change without its child being written, and how its children are found then."""

from __future__ import annotations

from hotmig.catalog.affinity import column_affinity
from hotmig.catalog.model import Column, Table
from hotmig.planning.held import copied_from
from hotmig.planning.model import CopyPlan, Translation
from hotmig.planning.projection import is_copy
from hotmig.sqlite import fold, quote


def follows_only_the_key(plan: CopyPlan, translation: Translation) -> bool:
    """Whether a child's value can change only when the child or the parent's key does.

    Then a logged parent needs no second look at its children. A key that is compared by a collation can change
    from 'bob' to 'BOB' without its children: for a foreign key they are the same.
    """
    step = plan.step(translation.parent)
    if step is None or step.source_key is None or translation.orphans == "null":
        return False
    if any(collation not in ("", "BINARY") for collation in step.source_key.collations):
        return False
    if {fold(name) for name in translation.parent_columns} != {fold(name) for name in step.source_key.columns}:
        return False
    columns = {fold(column.name): column for column in step.columns}
    names = (*translation.value_columns, *(theirs for _, theirs in translation.beside))
    values = [columns[fold(name)] for name in names]
    old_key = {quote(name) for name in step.source_key.columns}
    return all(value.assigned or (is_copy(step, value) and value.expression in old_key) for value in values)


def kept_in_part(plan: CopyPlan, translation: Translation, value_column: str) -> str | None:
    """The child's old column that is kept where another part of the reference is NULL: it refers to nothing then.

    None where the parent has other keys now, which no part of an old reference can be.
    """
    parent = plan.step(translation.parent)
    taken = copied_from(parent, value_column) if parent is not None else None
    if taken is None or len(translation.columns) == 1:
        return None
    pairs = zip(translation.columns, translation.parent_columns, strict=True)
    return next((ours for ours, theirs in pairs if fold(theirs) == fold(taken)), None)


def is_compared_as_stored(child: Table, ours: Column, parent: Table, theirs: Column) -> bool:
    """Whether two columns compare as a foreign key over them does, which converts what the child holds.

    It gives a number the form of a TEXT parent; a comparison of two columns leaves it as it is where the child's has
    no type, and makes a number of the parent's text for a REAL: 0.30000000000000004 is '0.3' as a text.
    """
    before, after = column_affinity(child, ours), column_affinity(parent, theirs)
    return after in (before, "BLOB") or before in ("INTEGER", "NUMERIC") or (before == "REAL" and after != "TEXT")


def can_be_looked_up(child: Table, ours: Column, parent: Table, theirs: Column) -> bool:
    """Whether an index of the child, or one that SQLite makes for a statement, leads to the children of a parent.

    SQLite 3.40 hashes a text by its length before it looks into an index of its own making (a Bloom filter): it loses
    'DE ' where the parent is 'DE' under RTRIM, or under a collation of the application.
    """
    return theirs.collation.upper() in ("BINARY", "NOCASE") and is_compared_as_stored(child, ours, parent, theirs)
