"""The Python type and the default that stand for those of a column."""

from __future__ import annotations

import math

from hotmig.catalog.ddl_terms import unwrapped
from hotmig.catalog.lexer import KEYWORDS, Token, normalise, tokens
from hotmig.catalog.model import Affinity, affinity
from hotmig.schema.layout import quoted, width
from hotmig.schema.model import Value
from hotmig.schema.types import literal, stored
from hotmig.sqlite import quote

_PLAIN = {"INTEGER": "int", "REAL": "float", "TEXT": "str", "BLOB": "bytes"}
_BY_WORD = {
    "BOOL": "bool",
    "BOOLEAN": "bool",
    "DATE": "dt.date",
    "DATETIME": "dt.datetime",
    "TIMESTAMP": "dt.datetime",
    "DECIMAL": "Decimal",
    "NUMERIC": "Decimal",
}
_BY_AFFINITY: dict[Affinity, str] = {
    "INTEGER": "int",
    "TEXT": "str",
    "REAL": "float",
    "BLOB": "object",
    "NUMERIC": "object",
}
_LONGEST_LITERAL = 60


def is_plain(type: str) -> bool:
    """Whether a Python type alone gives just this declared type."""
    return canonical_type(type) in _PLAIN


def python_type(type: str, *, strict: bool) -> str:
    """The annotation: the type that the declared one is meant for, ``object`` where it could be anything."""
    canonical = canonical_type(type)
    word = canonical.partition("(")[0].partition(" ")[0]
    return _PLAIN.get(canonical) or _BY_WORD.get(word) or _BY_AFFINITY[affinity(type, strict=strict)]


def spelled_type(type: str) -> str:
    """What ColumnType takes: the type, in double quotes if its words could not stand in SQL as they are."""
    is_bare = KEYWORDS.isdisjoint(type.partition("(")[0].upper().split()) and not type.startswith('"')
    return type if is_bare else quote(type)


def canonical_type(type: str) -> str:
    """Types are words: their case and the space between them mean nothing."""
    return " ".join(type.split()).upper()


def python_default(default: str, type: str, annotation: str) -> str | None:
    """The default as a Python literal, None when only SQL can say just that."""
    value = _value(tokens(unwrapped(default)))
    if annotation == "bool" and value in (0, 1):
        value = bool(value)
    fits = {"object", value.__class__.__name__, *(("float",) if isinstance(value, int) else ())}
    if value is None or annotation not in fits:
        return None
    try:  # just as the compiler does it
        kept = stored(value)
        said = literal(float(kept) if isinstance(kept, int) and canonical_type(type) == "REAL" else kept)
    except ValueError:
        return None
    source = _source(value)
    same = normalise(said) == normalise(unwrapped(default))
    return source if same and width(source) <= _LONGEST_LITERAL else None


def _value(stream: tuple[Token, ...]) -> Value:
    """The value of a literal, None for everything else."""
    sign, rest = (-1, stream[1:]) if stream and stream[0].text == "-" else (1, stream)
    if len(rest) != 1:
        return None
    if rest[0].kind == "number":
        return _number(rest[0].text, sign)
    if rest[0].kind == "blob" and sign > 0:
        return bytes.fromhex(rest[0].text[2:-1])
    return rest[0].value if rest[0].kind == "string" and sign > 0 else None


def _number(text: str, sign: int) -> Value:
    try:
        return sign * int(text) if text.isdecimal() else sign * float(text)
    except ValueError:  # 0x10
        return None


def _source(value: Value) -> str:
    if isinstance(value, bytes):
        letters = (chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in value)
        return f'b"{"".join(letters)}"'
    if isinstance(value, float) and math.isinf(value):
        return f'float("{value}")'
    return quoted(value) if isinstance(value, str) else repr(value)
