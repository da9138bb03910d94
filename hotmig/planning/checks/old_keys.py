"""An old primary key that is a plain column now: nothing keeps it unique any more."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.catalog.keys import primary_key_names
from hotmig.catalog.model import Table
from hotmig.planning.checking import Context, check, literal
from hotmig.planning.held import implies, unique_keys
from hotmig.planning.lines import field_line
from hotmig.planning.model import Finding, TableStep
from hotmig.sqlite import fold

NAME = "old-key"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        if step.source is None:
            continue
        names = primary_key_names(step.source)
        new = [_new_name(step, name) for name in names]
        kept = [name for name in new if name is not None]
        if not kept or len(kept) < len(new) or _is_unique(step, step.source, kept):
            continue
        what = f"{step.table.name}.{kept[0]}" if len(kept) == 1 else f"{step.table.name}({', '.join(kept)})"
        message = (
            f"{what}, the old primary key, is not unique any more in the new schema: several rows may have the same"
        )
        yield Finding(NAME, "warn", step.table.name, message, _fix(context, step, step.source, kept))


def _new_name(step: TableStep, old: str) -> str | None:
    """The new column that has an old one's values, or refers to what the old one referred to."""
    for own in step.columns:
        taken = step.taken_from(own)
        if taken is not None and fold(taken.name) == fold(old):
            return own.name
    followers = (each for each in step.translations if len(each.targets) == 1)
    return next((each.targets[0] for each in followers if list(map(fold, each.columns)) == [fold(old)]), None)


def _collations(source: Table) -> list[str]:
    return [part.collation.upper() for part in source.primary_key.columns] if source.primary_key is not None else []


def _is_unique(step: TableStep, source: Table, names: list[str]) -> bool:
    """Whether a key of the new table keeps rows distinct that the old key kept distinct."""
    wanted = dict(zip(map(fold, names), _collations(source), strict=False))
    return any(implies(key, wanted) for key in unique_keys(step.table))


def _fix(context: Context, step: TableStep, source: Table, names: list[str]) -> str | None:
    column = step.table.column(names[0])
    if len(names) > 1 or column is None:
        return f"@table(…, unique=[({', '.join(map(literal, names))})])"
    (collation,) = _collations(source) or ("BINARY",)
    is_own = column.collation.upper() == collation
    return field_line(context, step, column, "Unique" if is_own else f"Unique(collate={literal(collation)})")
