"""Another migration is under way: one at a time."""

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
        message = f"another migration is under way, to {other}: finish it with the module that it was begun with"
        yield Finding(NAME, "block", None, f"{message}, or {BEGIN_ANEW}")
