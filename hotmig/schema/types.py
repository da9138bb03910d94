"""Python types as column types: what is declared, and what SQLite stores."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import types
import typing
import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin

from hotmig import sqlite
from hotmig.schema.model import Value

TYPE_TABLE = """\
| Python | declared type | stored value | in a STRICT table |
|---|---|---|---|
| `int` | `INTEGER` | the integer, -2⁶³ to 2⁶³-1 | the same |
| `float` | `REAL` | the number; NaN is refused | the same |
| `str` | `TEXT` | the text | the same |
| `bytes` | `BLOB` | the bytes | the same |
| `bool` | `INTEGER` | 0 or 1 | the same |
| `datetime` | `TEXT` | `2024-05-01 13:30:00`, then fraction and offset if it has them | the same |
| `date` | `TEXT` | `2024-05-01` | the same |
| `Decimal` | `TEXT` | its digits as they are, `9.90`: no NUMERIC column keeps them | the same |
| `UUID` | `TEXT` | 36 characters, lower case | the same |
| `Enum`, `Literal` | the type of its values, with a CHECK that allows only these | the value | the same |
| `X \\| None` | that of X, without NOT NULL | NULL for None | the same |
| a table class | one column for each column of its key, with a foreign key | the key | the same |
| `Annotated[X, ColumnType("…")]` | as given, without CHECK | as its affinity keeps it | one of INT, \
INTEGER, REAL, TEXT, BLOB, ANY |
| `Annotated[object, ColumnType("")]` | none; NULL is allowed unless `NotNull` | any value | not possible: use `ANY` |
"""

_DECLARED: dict[object, str] = {
    int: "INTEGER",
    float: "REAL",
    str: "TEXT",
    bytes: "BLOB",
    bool: "INTEGER",
    dt.datetime: "TEXT",
    dt.date: "TEXT",
    decimal.Decimal: "TEXT",
    uuid.UUID: "TEXT",
}
_STORAGE_TYPE: dict[type, str] = {int: "INTEGER", float: "REAL", str: "TEXT", bytes: "BLOB"}


@dataclass(frozen=True)
class Annotation:
    """An annotation taken apart; ``core`` is what is left without Annotated, None and aliases."""

    core: Any
    nullable: bool
    metadata: tuple[object, ...]


@dataclass(frozen=True)
class Declared:
    """``values`` are the only ones that are allowed, for Enum and Literal."""

    type: str
    values: tuple[Value, ...] = ()


def take_apart(annotation: Any) -> Annotation:
    """Unwraps ``Annotated``, ``X | None``, ``NewType`` and type aliases, however they are nested."""
    metadata: list[object] = []
    nullable = False
    while True:
        if get_origin(annotation) is Annotated:
            metadata.extend(annotation.__metadata__)
            annotation = annotation.__origin__
        elif get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation):
            nullable = True
            annotation = _union(tuple(arg for arg in get_args(annotation) if arg is not type(None)))
        elif get_origin(annotation) is Literal and None in get_args(annotation):
            nullable = True
            annotation = Literal.__getitem__(tuple(arg for arg in get_args(annotation) if arg is not None))
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":  # ``type X = …`` of Python 3.12
            annotation = annotation.__value__
        else:
            return Annotation(annotation, nullable, tuple(metadata))


def _union(members: tuple[Any, ...]) -> Any:
    return typing.Union.__getitem__(members) if len(members) > 1 else members[0]


def declared(core: Any) -> Declared | None:
    """The column type for a Python type, None if there is none."""
    if core in _DECLARED:
        return Declared(_DECLARED[core])
    if get_origin(core) is Literal:
        return _of_values(get_args(core))
    if isinstance(core, type) and issubclass(core, enum.Enum):
        return _of_values(tuple(core))
    return None


def _of_values(members: tuple[object, ...]) -> Declared | None:
    try:
        values = tuple(stored(member) for member in members)
    except ValueError:
        return None
    kinds = {type(value) for value in values}
    storage = _STORAGE_TYPE.get(kinds.pop()) if len(kinds) == 1 else None
    return Declared(storage, values) if storage else None


def stored(value: object) -> Value:
    """The value as it is bound in SQL. Raises ValueError, saying why, for what SQLite can't keep."""
    if isinstance(value, enum.Enum):
        return stored(value.value)
    if value is None:
        return None
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"{value} does not fit into 64 bits")
        return int(value)
    if isinstance(value, float):
        if math.isnan(value):
            raise ValueError("SQLite stores NaN as NULL")
        return float(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    text = _as_text(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{text!r} is not valid Unicode") from error
    return text


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal | uuid.UUID):
        return str(value)
    raise ValueError(f"{value!r} has no form in SQLite")


def literal(value: Value) -> str:
    """A literal for DDL. Raises ValueError for text that no literal can hold."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"X'{value.hex().upper()}'"
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("SQL text can't hold a NUL character")
        return sqlite.text(value)
    if isinstance(value, float) and math.isinf(value):
        return "9e999" if value > 0 else "-9e999"
    return repr(value)
