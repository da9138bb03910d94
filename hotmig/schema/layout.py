"""Python source laid out as its formatter would: in one line if that fits, else one element in each line."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hotmig.catalog.lexer import tokens

WIDTH = 120
INDENT = "    "
_QUOTES = '"""'


@dataclass(frozen=True)
class Group:
    """``name(element, …)``, ``name[element, …]``, ``[element, …]`` or ``(element, …)``."""

    opening: str
    elements: tuple[Source, ...]
    closing: str

    @property
    def is_call(self) -> bool:
        """Whether a long text can stand right behind the parenthesis."""
        return self.opening.endswith("(") and self.opening != "("


@dataclass(frozen=True)
class Keyword:
    """``name=value``."""

    name: str
    value: Source


@dataclass(frozen=True)
class Text:
    """A string that stands for itself."""

    value: str


@dataclass(frozen=True)
class Sql:
    """An SQL expression: its layout is free."""

    value: str


@dataclass(frozen=True)
class Statement:
    """An SQL statement, in the lines of whoever wrote it. In a ``verbatim`` one nothing moves."""

    value: str
    verbatim: bool = False


Source = str | Text | Sql | Statement | Group | Keyword


def call(name: str, *elements: Source) -> Group:
    """A call."""
    return Group(f"{name}(", elements, ")")


def subscript(name: str, *elements: Source) -> Group:
    """An annotation with arguments."""
    return Group(f"{name}[", elements, "]")


def listed(elements: Sequence[Source]) -> Group:
    """A list."""
    return Group("[", tuple(elements), "]")


def tupled(elements: Sequence[Source]) -> Group:
    """A tuple of at least two elements."""
    return Group("(", tuple(elements), ")")


def lay_out(source: Source, before: str = "", after: str = "", indent: str = "") -> str:
    """The source with what stands before and after it in its lines; no line is wider than 120 columns.

    A trailing comma behind the last of several lines keeps formatters from joining them.
    """
    flat = _flat(source)
    if flat is not None and width(indent + before + flat + after) <= WIDTH:
        return indent + before + flat + after
    if isinstance(source, Keyword):
        return lay_out(source.value, f"{before}{source.name}=", after, indent)
    if isinstance(source, Group):
        if source.is_call and len(source.elements) == 1 and isinstance(source.elements[0], Text | Sql | Statement):
            return lay_out(source.elements[0], before + source.opening, source.closing + after, indent)
        inner = "\n".join(lay_out(element, after=",", indent=indent + INDENT) for element in source.elements)
        return f"{indent}{before}{source.opening}\n{inner}\n{indent}{source.closing}{after}"
    if isinstance(source, str):
        return indent + before + source + after
    opening = indent + before + _QUOTES
    return opening + _filled(_runs(source), indent + INDENT, width(opening), len(after) + 3) + _QUOTES + after


def width(text: str) -> int:
    """The columns that a text takes at most: letters beyond ASCII may take two."""
    return len(text) + sum(not letter.isascii() for letter in text)


def quoted(text: str) -> str:
    """A literal in one line, with the quotes that need fewer escapes."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    return mark + "".join("\\" + letter if letter == mark else _escaped(letter) for letter in text) + mark


def one_line(sql: str) -> str:
    """SQL without comments, with one space for all layout between two tokens."""
    return "".join(" " if piece.isspace() else piece for piece in _pieces(sql)).strip()


def _flat(source: Source) -> str | None:
    """The source in one line, None when a text in it has several lines."""
    if isinstance(source, str):
        return source
    if isinstance(source, Text):
        return quoted(source.value)
    if isinstance(source, Sql):
        return quoted(one_line(source.value))
    if isinstance(source, Statement):
        return None if "\n" in source.value else quoted(source.value)
    if isinstance(source, Keyword):
        flat = _flat(source.value)
        return None if flat is None else f"{source.name}={flat}"
    elements = [_flat(element) for element in source.elements]
    inner = [element for element in elements if element is not None]
    return None if len(inner) < len(elements) else source.opening + ", ".join(inner) + source.closing


def _pieces(sql: str) -> Iterator[str]:
    """The tokens of SQL and the gaps between them. A gap that holds a comment is like a token: nothing in it moves."""
    at = 0
    for token in tokens(sql):
        if token.start > at:
            yield sql[at : token.start]
        yield token.text
        at = token.end
    if at < len(sql):
        yield sql[at:]


def _runs(source: Text | Sql | Statement) -> list[tuple[str, bool]]:
    """What no line may break where the break would become a part of the text, and, marked, the gaps where it may."""
    if isinstance(source, Text) or (isinstance(source, Statement) and source.verbatim):
        return [(source.value, False)]
    pieces = _pieces(one_line(source.value) if isinstance(source, Sql) else source.value)
    runs = ((gap, "".join(run)) for gap, run in itertools.groupby(pieces, str.isspace))
    return [(_tidy(run) if gap else run, gap) for gap, run in runs]


def _tidy(gap: str) -> str:
    """Layout without tabs, carriage returns and spaces at the ends of lines."""
    *before, last = gap.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n" * len(before) + " " * len(last.expandtabs(len(INDENT)) if before else last)


def _filled(runs: list[tuple[str, bool]], indent: str, column: int, after: int) -> str:
    """The text as it stands between triple quotes: broken at gaps, and inside of a run where there is no other way.

    ``column`` is where it begins, ``after`` what must fit behind its last line.
    """
    out: list[str] = []
    text, at = "".join(run for run, _ in runs), 0
    for (run, gap), (following, _) in itertools.zip_longest(runs, runs[1:], fillvalue=("", False)):
        next_line = following.partition("\n")[0]
        needed = len(run) + width(next_line) + 3 * next_line.endswith('"') + after
        if gap and "\n" not in run and column + needed > WIDTH:
            out.append("\n" + indent)
            column = len(indent)
            at += len(run)
            continue
        for _ in run:
            letter = _in_quotes(text, at)
            if column + width(letter) + after > WIDTH and letter != "\n":
                out.append("\\\n")  # Python leaves this line end out
                column = 0
            out.append(letter)
            column = 0 if letter == "\n" else column + width(letter)
            at += 1
    return "".join(out)


def _in_quotes(text: str, at: int) -> str:
    """One letter of a text between triple quotes."""
    letter, rest = text[at], text[at + 1 : at + 3]
    if letter == '"' and rest in ("", '""'):
        return "\\x22"
    if letter == " " and rest.startswith("\n"):
        return "\\x20"
    return letter if letter == "\n" else _escaped(letter)


def _escaped(letter: str) -> str:
    return letter if letter.isprintable() and letter != "\\" else repr(letter)[1:-1]
