"""Rows that become one, where nobody could find out which."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding

NAME = "groups"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    if context.groups is None:
        message = f"could not find out which rows become one: {context.groups_problem}"
        yield Finding(NAME, "block", None, message)
