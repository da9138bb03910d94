"""Another migration is under way, or was and lost its marker: one at a time."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.errors import BEGIN_ANEW
from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding

NAME = "under-way"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    other = context.facts.under_way
    if other is not None:
        module = f"--schema {context.facts.begun_with}, " if context.facts.begun_with else ""
        way = f"finish it with {module}the module that it was begun with, or {BEGIN_ANEW}"
        yield Finding(NAME, "block", None, f"another migration is under way, to {other}: {way}")
    if context.facts.left_behind:
        message = "the old database holds what is left of a migration, without its marker"
        yield Finding(NAME, "block", None, f"{message}: {BEGIN_ANEW}")
    if context.facts.log_problem is not None:
        message = f"the log of the migration under way {context.facts.log_problem}"
        yield Finding(NAME, "block", None, f"{message}: {BEGIN_ANEW}")
