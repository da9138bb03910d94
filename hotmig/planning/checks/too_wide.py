"""A table so wide that its columns and its old key don't fit into one statement."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding, TableStep
from hotmig.planning.rows import translation_of
from hotmig.sqlite import fold

NAME = "too-wide"
MOST_COLUMNS = 2000  # SQLITE_MAX_COLUMN, of a table and of a SELECT


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        if step.source is None or step.source_key is None or not step.new_key:
            continue
        written, key = _written(step), _key_apart(step)
        if len(written) + key > MOST_COLUMNS:
            message = (
                f"{len(written):,} columns of {step.table.name} and its old key ({', '.join(step.source_key.columns)})"
                f" are more than the {MOST_COLUMNS:,} that SQLite takes at once: give the old table an"
                " INTEGER PRIMARY KEY or a UNIQUE index over NOT NULL columns and keep it, or take columns out"
            )
            yield Finding(NAME, "block", step.table.name, message)


def _written(step: TableStep) -> set[str]:
    """The columns that get a value from the old row."""
    return {
        fold(own.name)
        for own in step.columns
        if own.expression is not None or own.assigned or translation_of(step, own.name) is not None
    }


def _key_apart(step: TableStep) -> int:
    """How many columns of the keys stand beside the written ones."""
    beside = sum(fold(name) not in _written(step) for name in step.new_key)
    if step.keys == "kept" and not beside:
        return 0
    old = len(step.source_key.columns) if step.source_key is not None else 0
    return old + (beside if step.keys == "mapped" else 0)
