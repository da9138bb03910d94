"""Whether a translated reference can change without its child being written."""

from __future__ import annotations

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
    values = [columns[fold(name)] for name in translation.value_columns]
    old_key = {quote(name) for name in step.source_key.columns}
    return all(value.assigned or (is_copy(step, value) and value.expression in old_key) for value in values)
