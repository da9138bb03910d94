"""A user who could not give the new file the old one's owner, or may not write where it has to be written."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.planning.checking import Context, check
from hotmig.planning.model import Finding

NAME = "permissions"


@check(NAME)
def findings(context: Context) -> Iterable[Finding]:
    for path in context.facts.read_only:
        message = f"this user may not write to {path}: run hotmig as the owner or as root"
        yield Finding(NAME, "block", None, message)
    if context.facts.user_id != 0 and context.facts.foreign_group is not None:
        message = (
            f"the old database belongs to group {context.facts.foreign_group}, which this user is not in and so can't"
            " give the new file: run hotmig as root, or chgrp the old file"
        )
        yield Finding(NAME, "block", None, message)
    user, owner = context.facts.user_id, context.facts.owner_id
    if user is None or owner is None or user in (0, owner):
        return
    message = (
        f"the old database belongs to user {owner} and this is user {user}: the application could not open the new"
        " file; run hotmig as the owner or as root"
    )
    yield Finding(NAME, "block", None, message)
