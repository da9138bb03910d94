"""Where something is written in a schema module, for messages."""

from __future__ import annotations

import ast
import dataclasses
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hotmig.errors import SchemaError

if TYPE_CHECKING:
    from types import FrameType

    from hotmig.schema.model import Place

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
# The __init__ of a dataclass is compiled from "<string>"; dataclasses.replace() calls it.
_NOBODY = ("<string>", dataclasses.__file__)


class Spot(NamedTuple):
    file: str
    line: int


def caller() -> Spot:
    """The line of the schema module that called into this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file not in _NOBODY and not file.startswith(_HERE):
            return Spot(file, frame.f_lineno)
        frame = frame.f_back
    return Spot("<unknown>", 1)


def written() -> Spot | None:
    """The same; None while an annotation that is a text is evaluated, for then nobody knows the line."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    if frame is None or frame.f_code.co_filename in _NOBODY:
        return None
    return Spot(frame.f_code.co_filename, frame.f_lineno)


def wrong(place: Spot | Place, message: str, hint: str) -> SchemaError:
    """The error for a mistake in a schema module: one line that begins with ``file:line:``."""
    line = " ".join(message.split())
    return SchemaError(f"{place.file}:{place.line}: {line}", hint)


class ClassLines(NamedTuple):
    first: int  # the line of the first decorator
    line: int
    last: int
    fields: dict[str, int]
    texts: dict[str, str]  # the fields as they are written


class Sources:
    """The lines of the classes and fields of the modules that make up a schema."""

    def __init__(self) -> None:
        self._classes: dict[str, dict[str, list[ClassLines]]] = {}

    def of_class(self, cls: type, decorated_at: Spot | None = None) -> ClassLines | None:
        """The lines of a class; of several with the same name, the one that was decorated there."""
        file = decorated_at.file if decorated_at else getattr(sys.modules.get(cls.__module__), "__file__", None)
        found = self._parsed(file).get(cls.__name__, []) if file else []
        if decorated_at is not None:
            found = [lines for lines in found if lines.first <= decorated_at.line <= lines.last] or found
        return found[-1] if found else None

    def of_field(self, cls: type, name: str, decorated_at: Spot) -> Spot:
        """Where a field is declared: in the class itself or in one that it inherits from."""
        own = self.of_class(cls, decorated_at)
        if own is not None and name in own.fields:
            return Spot(decorated_at.file, own.fields[name])
        for base in cls.__mro__[1:]:
            lines = self.of_class(base)
            if lines is not None and name in lines.fields:
                return Spot(str(sys.modules[base.__module__].__file__), lines.fields[name])
        return Spot(decorated_at.file, own.line) if own else decorated_at

    def text_of_field(self, cls: type, name: str, decorated_at: Spot) -> str | None:
        """How a field is written in the class itself; None for one that it inherits."""
        own = self.of_class(cls, decorated_at)
        return own.texts.get(name) if own is not None else None

    def of_assignment(self, file: str, name: str) -> Spot:
        """Where a module sets a variable."""
        for node in ast.walk(_parse(file)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
                return Spot(file, node.lineno)
        return Spot(file, 1)

    def _parsed(self, file: str) -> dict[str, list[ClassLines]]:
        if file not in self._classes:
            classes: dict[str, list[ClassLines]] = {}
            source = _source(file)
            for node in ast.walk(_parse(file)):
                if isinstance(node, ast.ClassDef):
                    classes.setdefault(node.name, []).append(_lines(node, source))
            self._classes[file] = classes
        return self._classes[file]


def _parse(file: str) -> ast.Module:
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


def _source(file: str) -> list[bytes]:
    try:
        return Path(file).read_bytes().splitlines()
    except OSError:
        return []


def _text(source: list[bytes], node: ast.stmt) -> str:
    """One statement. Cut out by hand: ast.get_source_segment splits the whole source for each."""
    lines = source[node.lineno - 1 : node.end_lineno]
    if not lines:
        return ""
    lines[-1] = lines[-1][: node.end_col_offset]
    lines[0] = lines[0][node.col_offset :]
    return b"\n".join(lines).decode(errors="replace")


def _lines(node: ast.ClassDef, source: list[bytes]) -> ClassLines:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    declared = {
        statement.target.id: statement
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }
    fields = {name: statement.lineno for name, statement in declared.items()}
    texts = {name: _text(source, statement) for name, statement in declared.items()}
    return ClassLines(first, node.lineno, node.end_lineno or node.lineno, fields, texts)
