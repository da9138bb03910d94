"""Rows that become one, where nobody could find out which."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.checks import extensions, from_expressions, group_expressions, group_keys, mapped_columns
from hotmig.planning.model import Finding

NAME = "groups"
_CAUSES = (group_expressions, group_keys, mapped_columns, from_expressions, extensions)


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    # One of these says which expression it was.
    if context.groups is None and not any(True for cause in _CAUSES for _ in cause.findings(context)):
        message = f"could not find out which rows become one: {context.groups_problem}"
        yield Finding(NAME, "block", None, message)
