"""Tables whose rows can't be found again, and tables whose rows are found by rowid."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.catalog.keys import primary_key_names
from hotmig.catalog.model import Table
from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding

NAME = "key"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for step in context.plan.steps:
        if step.source is None:
            continue
        name = step.table.name
        if step.source_key is None:
            message = (
                f"the rows of {step.source.name} can't be found again: it has no key without NULL, and columns hide"
                " all three names of its rowid; give it a UNIQUE index over NOT NULL columns"
            )
            yield Finding(NAME, "block", name, message)
        elif step.source_key.kind == "rowid":
            yield Finding(NAME, "warn", name, _by_rowid(step.source))
        if not step.new_key:
            message = f"the rows of the new {name} can't be found again: it has no key; make one field a Key"
            yield Finding(NAME, "block", name, message)


def _by_rowid(source: Table) -> str:
    key = ", ".join(primary_key_names(source))
    why, remedy = f"{source.name} has no key of its own", ""
    if key:
        why = f"the PRIMARY KEY ({key}) of {source.name} is not declared NOT NULL, and SQLite then lets NULLs into it"
        remedy = f"; a later migration finds them by {key} if it is NOT NULL in the new schema"
    return (
        f"{why}: its rows are found by rowid, which VACUUM renumbers;"
        f" don't VACUUM the old database while migrating{remedy}"
    )
