"""What the SQL of a trigger says: when it fires and which tables it writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hotmig.catalog.lexer import Token

_TIMINGS = ("BEFORE", "AFTER", "INSTEAD")


def timing(stream: Sequence[Token]) -> str:
    """BEFORE, AFTER or INSTEAD; BEFORE when nothing is said."""
    at = next((at for at, token in enumerate(stream) if token.keyword == "TRIGGER"), 0) + 1
    if [token.keyword for token in stream[at : at + 3]] == ["IF", "NOT", "EXISTS"]:
        at += 3
    # The trigger's own name may be a word like "after", and may have its schema's name before it.
    at += 3 if at + 1 < len(stream) and stream[at + 1].text == "." else 1
    said = stream[at].keyword if at < len(stream) else None
    return said if said in _TIMINGS else "BEFORE"


def written_tables(stream: Sequence[Token]) -> Iterator[str]:
    """The tables that the trigger's own statements insert into, update or delete from."""
    start = next((at for at, token in enumerate(stream) if token.keyword == "BEGIN"), len(stream))
    for at in range(start + 1, len(stream)):
        before, word = stream[at - 1], stream[at].keyword
        if word == "INTO":
            yield stream[at + 1].value
        elif word == "DELETE" and stream[at + 1].keyword == "FROM":
            yield stream[at + 2].value
        elif word == "UPDATE" and (before.text == ";" or before.keyword == "BEGIN"):
            yield stream[at + (3 if stream[at + 1].keyword == "OR" else 1)].value
