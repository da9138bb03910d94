"""An old file with a second name: SQLite keeps the write-ahead log beside the name by which a file was opened."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding

NAME = "hard-link"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    if context.facts.old_names == 1:
        return
    message = (
        f"{context.facts.old_file} has {context.facts.old_names} names (hard links): what a program writes under"
        " another one goes to a log of its own, is never recorded, and can damage the file. `find -samefile` finds"
        " them: close every program on it, and leave one name; a symbolic link is fine"
    )
    yield Finding(NAME, "block", None, message)
