"""The entries of keys and indexes in stored DDL: a column or an expression, with collation and direction."""

from __future__ import annotations

from dataclasses import dataclass

from hotmig.catalog.cursor import Cursor, depth_of
from hotmig.catalog.lexer import Token, tokens

_WORD_OPERATORS = frozenset(
    "AND BETWEEN CASE COLLATE DISTINCT ELSE ESCAPE FROM GLOB IN IS LIKE MATCH NOT OR REGEXP THEN WHEN".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class ParsedTerm:
    """One entry of a key or an index. ``name`` is set when it can be a column's name.

    ``expression`` is without the outermost COLLATE and without parentheses around the whole.
    """

    expression: str
    name: str | None
    collation: str | None
    descending: bool


def unwrapped(expression: str) -> str:
    """The expression without parentheses around the whole. Raises HotmigError like ``lexer.tokens``."""
    part = list(tokens(expression))
    while _is_enclosed(part):
        part = part[1:-1]
    return expression[part[0].start : part[-1].end] if part else ""


def parse_terms(cursor: Cursor, part: list[Token]) -> tuple[ParsedTerm, ...]:
    terms: list[list[Token]] = [[]]
    depth = 0
    for token in part:
        depth += depth_of(token)
        if depth == 0 and token.kind == "operator" and token.text == ",":
            terms.append([])
        else:
            terms[-1].append(token)
    return tuple(_term(cursor, term) for term in terms)


def _term(cursor: Cursor, part: list[Token]) -> ParsedTerm:
    descending = False
    if len(part) > 1 and part[-1].keyword in ("ASC", "DESC") and not _wants_operand(part[-2]):
        descending = part[-1].keyword == "DESC"
        part = part[:-1]
    collation: str | None = None
    while True:
        if _is_enclosed(part):
            part = part[1:-1]
        elif len(part) > 2 and part[-2].keyword == "COLLATE" and _is_primary(part[:-2]):
            collation = collation or part[-1].value  # the outermost COLLATE wins
            part = part[:-2]
        else:
            break
    name = part[0].value if len(part) == 1 and part[0].is_name else None
    return ParsedTerm(cursor.text(part), name, collation, descending)


def _wants_operand(token: Token) -> bool:
    """Whether a word after this token can only be a name: ``a + desc`` is a sum."""
    if token.kind == "operator":
        return token.text != ")"
    return token.keyword in _WORD_OPERATORS


def _is_enclosed(part: list[Token]) -> bool:
    """Whether one pair of parentheses stands around the whole."""
    return len(part) > 2 and depth_of(part[0]) == 1 and _closing(part, 0) == len(part) - 1


def _is_primary(part: list[Token]) -> bool:
    """Whether a COLLATE behind belongs to the whole: a name, a literal, a call, parentheses, with signs before."""
    while len(part) > 1 and part[0].kind == "operator" and part[0].text in ("-", "+", "~"):
        part = part[1:]
    if len(part) == 1:
        return True
    opening = 0 if depth_of(part[0]) == 1 else 1
    return depth_of(part[opening]) == 1 and _closing(part, opening) == len(part) - 1


def _closing(part: list[Token], opening: int) -> int:
    depth = 0
    for at in range(opening, len(part)):
        depth += depth_of(part[at])
        if depth == 0:
            return at
    return -1
