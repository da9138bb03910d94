"""The lines to write in the schema module: fields in its own vocabulary."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hotmig.catalog.affinity import column_affinity
from hotmig.catalog.keys import can_be_null
from hotmig.catalog.lexer import KEYWORDS
from hotmig.catalog.model import Column, ForeignKey
from hotmig.planning.annotations import with_marker
from hotmig.planning.checking import Context, literal
from hotmig.planning.model import TableStep
from hotmig.sqlite import fold, quote

_PYTHON = {"INTEGER": "int", "TEXT": "str", "BLOB": "bytes", "REAL": "float", "NUMERIC": "float"}
_ZERO = {"INTEGER": "0", "TEXT": "''", "BLOB": "x''", "REAL": "0.0", "NUMERIC": "0"}
# Nothing is guessed: a value that works would be pasted, and every old row would have it. This is refused as it stands.
TO_BE_WRITTEN = "SQL over the old row"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def bare(name: str) -> str:
    """A column in SQL as a person would write it: quoted only where it must be."""
    return name if _PLAIN.fullmatch(name) and name.upper() not in KEYWORDS else quote(name)


def field_line(context: Context, step: TableStep, column: Column, marker: str) -> str:
    """The field of one column as the module has it, with the marker; ``name: Annotated[type, marker]`` without one."""
    rules = context.column_rules(step, column.name)
    line = with_marker(rules.declaration, marker) if rules is not None and rules.declaration is not None else None
    if line is not None:
        return line
    field = rules.field if rules is not None else column.name
    return f"{field}: Annotated[{python_type(context, step, column)}, {marker}]"


def from_line(context: Context, step: TableStep, column: Column, expression: str) -> str:
    return field_line(context, step, column, f"From({literal(expression)})")


def was_line(context: Context, step: TableStep, column: Column, old: Iterable[str]) -> str:
    return field_line(context, step, column, was_marker(old))


def was_marker(names: Iterable[str]) -> str:
    return f"Was({', '.join(map(literal, names))})"


def python_type(context: Context, step: TableStep, column: Column) -> str:
    """The annotation of a column: a class for a reference, else the plain type of its affinity."""
    return _class_of(context, step, column) or _PYTHON[column_affinity(step.table, column)] + _optional(step, column)


def zero(step: TableStep, column: Column) -> str:
    """The SQL of an empty value of the column's type."""
    return _ZERO[column_affinity(step.table, column)]


def _optional(step: TableStep, column: Column) -> str:
    return " | None" if can_be_null(step.table, column.name) else ""


def _class_of(context: Context, step: TableStep, column: Column) -> str | None:
    foreign = reference_of(step, column.name)
    rules = context.column_rules(step, column.name)
    if foreign is None or rules is None or fold(rules.field) == fold(column.name):
        return None
    parent = context.schema.rules(foreign.parent)
    return parent.class_name + _optional(step, column) if parent is not None else None


def reference_of(step: TableStep, column: str) -> ForeignKey | None:
    """The foreign key that consists of this one column."""
    wanted = [fold(column)]
    return next((each for each in step.table.foreign_keys if list(map(fold, each.columns)) == wanted), None)
