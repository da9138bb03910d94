"""The tokens of SQLite's SQL, as its own tokenizer cuts them (tokenize.c), and a canonical text made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hotmig.errors import HotmigError
from hotmig.sqlite import fold

Kind = Literal["word", "quoted", "string", "number", "blob", "operator", "variable"]

# Letters are ASCII only for SQLite; everything beyond ASCII can stand in a bare name.
_NAME = r"[A-Za-z0-9_$\u0080-\U0010ffff]"
_NOT_IN_NAME = rf"(?!{_NAME})"
_TOKEN = re.compile(
    rf"""
      (?P<space>    [ \t\n\f\r\ufeff]+ )
    | (?P<comment>  --[^\n]* | /\*.*?\*/ )
    | (?P<string>   '[^']*(?:''[^']*)*' )
    | (?P<quoted>   "[^"]*(?:""[^"]*)*" | `[^`]*(?:``[^`]*)*` | \[[^\]]*\] )
    | (?P<blob>     [xX]'(?:[0-9A-Fa-f][0-9A-Fa-f])*' )
    | (?P<number>   (?: 0[xX][0-9A-Fa-f]+ | (?: [0-9][0-9_]*(?:\.[0-9_]*)? | \.[0-9][0-9_]* )(?:[eE][+-]?[0-9_]+)? )
                    {_NOT_IN_NAME} )
    | (?P<word>     (?![xX]') [A-Za-z_\u0080-\U0010ffff]{_NAME}* )
    | (?P<variable> \?[0-9]* | [:@\#$]{_NAME}+ )
    | (?P<operator> ->>|->|\|\||<<|>>|<=|<>|>=|!=|==|[-+*/%=<>,;().&|~] )
    """,
    re.VERBOSE | re.DOTALL,
)

KEYWORDS = frozenset(
    """
    ABORT ACTION ADD AFTER ALL ALTER ALWAYS ANALYZE AND AS ASC ATTACH AUTOINCREMENT BEFORE BEGIN BETWEEN BY CASCADE
    CASE CAST CHECK COLLATE COLUMN COMMIT CONFLICT CONSTRAINT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME
    CURRENT_TIMESTAMP DATABASE DEFAULT DEFERRABLE DEFERRED DELETE DESC DETACH DISTINCT DO DROP EACH ELSE END ESCAPE
    EXCEPT EXCLUDE EXCLUSIVE EXISTS EXPLAIN FAIL FILTER FIRST FOLLOWING FOR FOREIGN FROM FULL GENERATED GLOB GROUP
    GROUPS HAVING IF IGNORE IMMEDIATE IN INDEX INDEXED INITIALLY INNER INSERT INSTEAD INTERSECT INTO IS ISNULL JOIN
    KEY LAST LEFT LIKE LIMIT MATCH MATERIALIZED NATURAL NO NOT NOTHING NOTNULL NULL NULLS OF OFFSET ON OR ORDER
    OTHERS OUTER OVER PARTITION PLAN PRAGMA PRECEDING PRIMARY QUERY RAISE RANGE RECURSIVE REFERENCES REGEXP REINDEX
    RELEASE RENAME REPLACE RESTRICT RETURNING RIGHT ROLLBACK ROW ROWS SAVEPOINT SELECT SET TABLE TEMP TEMPORARY THEN
    TIES TO TRANSACTION TRIGGER UNBOUNDED UNION UNIQUE UPDATE USING VACUUM VALUES VIEW VIRTUAL WHEN WHERE WINDOW WITH
    WITHIN WITHOUT
    """.split()  # noqa: SIM905
)
# No keywords for the tokenizer, but a bare one can be a literal or an option, which a quoted one never is.
_WORDS_WITH_MEANING = frozenset({"true", "false"})


@dataclass(frozen=True)
class Token:
    """``text`` is as written, ``value`` without its quotes; ``start`` and ``end`` are offsets into the SQL."""

    kind: Kind
    text: str
    value: str
    start: int
    end: int

    @property
    def keyword(self) -> str | None:
        """The bare word in capitals, None for everything else. Most keywords can be names too."""
        return self.text.upper() if self.kind == "word" else None

    @property
    def is_name(self) -> bool:
        """Whether it can stand where SQLite wants a name; it takes string literals there, too."""
        return self.kind in ("word", "quoted", "string")


def tokens(sql: str) -> tuple[Token, ...]:
    """All tokens but whitespace and comments.

    Raises HotmigError at what SQLite would not take, and at a comment without end, which SQLite never stores.
    """
    return tuple(_token(match) for match in _matches(sql) if match.lastgroup not in ("space", "comment"))


def has_comments(sql: str) -> bool:
    """Whether there is a comment. Raises HotmigError like ``tokens``."""
    return any(match.lastgroup == "comment" for match in _matches(sql))


def without_comments(sql: str) -> str:
    """The text with each comment replaced by a space, and none around it: safe to be put into one line of SQL."""
    kept = [" " if match.lastgroup == "comment" else match.group() for match in _matches(sql)]
    return "".join(kept).strip(" \t\n\f\r\ufeff")


def normalise(sql: str, columns: Iterable[str] = ()) -> str:
    """The canonical text of an expression or a statement. Raises HotmigError like ``tokens``.

    Comments, layout and a closing semicolon are gone. Keywords are in capitals, function and collation names in
    one case. ``[x]`` and `` `x` `` are spelled as the bare word where that is no keyword.

    ``"x"`` stays distinct from the bare word: where no such column exists it is a string literal for SQLite. It
    is an identifier for certain, and spelled as one, next to a dot, after INTO, JOIN, VIEW, TRIGGER and REFERENCES, and
    if it is one of ``columns``: give these where only they can be meant (the expressions of one table). Bare
    words that are one of ``columns`` are spelled as there, the case of other names is kept.
    """
    spelled = {fold(column): column for column in columns}
    stream = tokens(sql)
    while stream and stream[-1].text == ";":
        stream = stream[:-1]
    before = (None, *stream)
    after = (*stream[1:], None)
    return " ".join(_canonical(*around, spelled) for around in zip(before, stream, after, strict=False))


def identifiers(sql: str, count: int) -> str:
    """The canonical text of the first ``count`` tokens, where every quoted one can only be an identifier."""
    return " ".join(_as_identifier(token) if token.is_name else token.text for token in tokens(sql)[:count])


def _matches(sql: str) -> list[re.Match[str]]:
    found = []
    at = 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        # "/*" without an end would otherwise pass as two operators.
        if match is None or (match.lastgroup == "operator" and sql.startswith("/*", at)):
            raise HotmigError(f"cannot read SQL at {sql[at : at + 30]!r}", "check the SQL text for unclosed quotes")
        found.append(match)
        at = match.end()
    return found


def _token(match: re.Match[str]) -> Token:
    kind: Kind = match.lastgroup  # type: ignore[assignment]
    return Token(kind, match.group(), _value(kind, match.group()), match.start(), match.end())


def _value(kind: Kind, text: str) -> str:
    if kind not in ("quoted", "string"):
        return text
    inner = text[1:-1]
    return inner if text[0] == "[" else inner.replace(text[0] * 2, text[0])


def _canonical(before: Token | None, token: Token, after: Token | None, columns: dict[str, str]) -> str:
    if token.kind == "number":
        return fold(token.text)
    if token.kind == "blob":
        return "x'" + token.text[2:-1].upper() + "'"
    if token.kind not in ("word", "quoted"):
        return token.text
    if token.kind == "word" and token.text.upper() in KEYWORDS:
        return token.text.upper()
    if before is not None and before.keyword == "COLLATE":
        return fold(token.value).upper()
    if after is not None and after.text == "(":
        return _identifier(fold(token.value))
    if fold(token.value) in columns:
        return _identifier(columns[fold(token.value)])
    if token.kind == "word":
        return fold(token.text) if fold(token.text) in _WORDS_WITH_MEANING else token.text
    if token.text[0] != '"' or _names_something(before, after):
        return _as_identifier(token)
    return token.text


def _names_something(before: Token | None, after: Token | None) -> bool:
    if after is not None and after.text == ".":
        return True
    if before is None:
        return False
    return before.text == "." or before.keyword in ("INTO", "JOIN", "VIEW", "TRIGGER", "REFERENCES")


def _as_identifier(token: Token) -> str:
    if token.kind == "word":
        return token.text.upper() if token.text.upper() in KEYWORDS else token.text
    return _identifier(token.value)


def _identifier(name: str) -> str:
    bare = re.fullmatch(rf"[A-Za-z_\u0080-\U0010ffff]{_NAME}*", name)
    if bare and name.upper() not in KEYWORDS and fold(name) not in _WORDS_WITH_MEANING:
        return name
    return "`" + name.replace("`", "``") + "`"
