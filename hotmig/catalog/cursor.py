"""A position in the tokens of one statement, for the parser of stored DDL."""

from __future__ import annotations

from typing import NoReturn

from hotmig.catalog.lexer import Token, tokens, without_comments
from hotmig.errors import HotmigError


class Cursor:
    """A position in the tokens of one statement."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.tokens = tokens(sql)
        self.at = 0

    def peek(self, offset: int = 0) -> Token | None:
        at = self.at + offset
        return self.tokens[at] if at < len(self.tokens) else None

    def sees(self, *keywords: str) -> bool:
        """Whether the next bare words are these."""
        ahead = (self.peek(offset) for offset in range(len(keywords)))
        return all(
            token is not None and token.keyword == keyword for token, keyword in zip(ahead, keywords, strict=True)
        )

    def sees_any(self, keywords: frozenset[str]) -> bool:
        token = self.peek()
        return token is not None and token.keyword in keywords

    def accept(self, *keywords: str) -> bool:
        if self.sees(*keywords):
            self.at += len(keywords)
            return True
        return False

    def expect(self, *keywords: str) -> None:
        if not self.accept(*keywords):
            self.fail(" ".join(keywords))

    def sees_symbol(self, symbol: str) -> bool:
        token = self.peek()
        return token is not None and token.kind == "operator" and token.text == symbol

    def symbol(self, symbol: str) -> bool:
        if self.sees_symbol(symbol):
            self.at += 1
            return True
        return False

    def next(self) -> Token:
        token = self.peek()
        if token is None:
            self.fail("more")
        self.at += 1
        return token

    def name(self) -> str:
        token = self.next()
        if not token.is_name:
            self.at -= 1
            self.fail("a name")
        return token.value

    def within_parentheses(self) -> list[Token]:
        """The tokens up to the closing parenthesis that belongs to the opening one, which comes next."""
        if not self.symbol("("):
            self.fail("(")
        found: list[Token] = []
        depth = 1
        while True:
            token = self.next()
            depth += depth_of(token)
            if depth == 0:
                return found
            found.append(token)

    def text(self, part: list[Token]) -> str:
        if not part:
            self.fail("an expression")
        return without_comments(self.sql[part[0].start : part[-1].end])

    def end(self) -> None:
        self.symbol(";")
        if self.peek() is not None:
            self.fail("the end")

    def fail(self, wanted: str) -> NoReturn:
        token = self.peek()
        seen = f"at {self.sql[token.start : token.start + 30]!r}" if token else "at its end"
        raise HotmigError(f"expected {wanted} {seen}", "report this definition: SQLite accepts it and hotmig does not")


def depth_of(token: Token) -> int:
    if token.kind != "operator":
        return 0
    return {"(": 1, ")": -1}.get(token.text, 0)
