"""A change that SQLite makes by itself at once, in the live file: told, so that nobody copies gigabytes unawares."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.diff import is_plain, supported
from hotmig.planning.model import Finding

NAME = "plain-alter"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    if is_plain(context.plan) and not context.schema.data_migrations and supported(context.plan):
        message = (
            "plain ALTER TABLE, CREATE and DROP do all of this at once in the live database, without a copy;"
            " hotmig copies all the same, and proves what it copied"
        )
        yield Finding(NAME, "note", None, message)
