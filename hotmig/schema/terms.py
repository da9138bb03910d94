"""SQL fragments of a schema module: checked for being one piece, before they are put into a statement."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from hotmig.catalog.lexer import Token, tokens, without_comments
from hotmig.errors import HotmigError
from hotmig.schema.places import Spot, wrong
from hotmig.sqlite import fold, quote


@dataclass(frozen=True)
class Term:
    """One entry of a key: a column, and how it is compared there."""

    name: str
    collation: str | None = None
    descending: bool = False

    @property
    def sql(self) -> str:
        """The entry as it stands in a list of columns."""
        collate = f" COLLATE {quote(self.collation)}" if self.collation is not None else ""
        return quote(self.name) + collate + (" DESC" if self.descending else "")


class Names:
    """The columns of one table, found as SQLite finds them."""

    def __init__(self, table: str, names: Iterable[str]) -> None:
        self.table = table
        self.names = tuple(names)
        self._by_fold = {fold(name): name for name in self.names}

    def find(self, name: str) -> str | None:
        """The column's own spelling."""
        return self._by_fold.get(fold(name))

    def require(self, name: str, spot: Spot) -> str:
        """The column's own spelling. Raises SchemaError when there is no such column."""
        found = self.find(name)
        if found is None:
            raise self.unknown(name, spot)
        return found

    def unknown(self, name: str, spot: Spot) -> HotmigError:
        """The error for a column that isn't there."""
        return wrong(spot, f"{self.table} has no column {name}", self.likely(name))

    def likely(self, name: str) -> str:
        """The hint for a column that isn't there."""
        close = self.close_to(name)
        listed = ", ".join(self.names[:20]) + (", …" if len(self.names) > 20 else "")
        return f"did you mean {close}?" if close is not None else f"its columns are {listed}"

    def close_to(self, name: str) -> str | None:
        """The column that is spelled much like that one, if there is one."""
        return next(iter(difflib.get_close_matches(name, self.names, n=1)), None)


def parse_term(text: str, names: Names, spot: Spot) -> Term | None:
    """``column [COLLATE x] [ASC|DESC]``, or None when it is something else."""
    exact = names.find(text)
    if exact is not None:
        return Term(exact)
    stream = list(_tokens(text, spot))
    if not stream or stream[0].kind not in ("word", "quoted"):
        return None
    collation, descending = None, False
    name, rest = stream[0], stream[1:]
    if len(rest) >= 2 and rest[0].keyword == "COLLATE":
        collation, rest = rest[1].value, rest[2:]
    if len(rest) == 1 and rest[0].keyword in ("ASC", "DESC"):
        descending, rest = rest[0].keyword == "DESC", []
    return None if rest else Term(names.require(name.value, spot), collation, descending)


def key_term(text: str, names: Names, spot: Spot) -> Term:
    """An entry of a PRIMARY KEY or UNIQUE, where only columns can stand."""
    term = parse_term(text, names, spot)
    if term is None:
        raise wrong(spot, f"{text} is no column of {names.table}", "for an expression, use Index(…, unique=True)")
    return term


def index_term(text: str, names: Names, spot: Spot) -> str:
    """An entry of an index as SQL."""
    term = parse_term(text, names, spot)
    return term.sql if term is not None else fragment(text, spot)


def fragment(text: str, spot: Spot) -> str:
    """The text without comments. Raises SchemaError when it would not stay inside the parentheses around it."""
    stream = _tokens(text, spot)
    depth = 0
    for token in stream:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0 or token.text == ";":
            raise wrong(spot, f"{text!r} is not one SQL expression", f"take the {token.text!r} away")
    if depth or not stream:
        raise wrong(spot, f"{text!r} is not one SQL expression", "close its parentheses" if depth else "write one")
    return without_comments(text)


def never_text(sql: str) -> str:
    """The same SQL with ``"x"`` spelled `` `x` ``, which SQLite never takes for a text literal."""
    parts, at = [], 0
    for token in tokens(sql):
        if token.kind == "quoted" and token.text[0] == '"':
            parts.append(sql[at : token.start] + "`" + token.value.replace("`", "``") + "`")
            at = token.end
    return "".join(parts) + sql[at:]


def _tokens(text: str, spot: Spot) -> tuple[Token, ...]:
    try:
        return tokens(text)
    except HotmigError as error:
        raise wrong(spot, error.message, error.hint or "check the SQL text") from error
