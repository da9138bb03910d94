"""Python names for tables and columns, as a person would choose them, whatever SQLite allows."""

from __future__ import annotations

import itertools
import keyword
import re
import unicodedata
from collections.abc import Iterable

from hotmig.schema.declare import snake_case

LONGEST = 50  # letters: a line with the name in it must stay readable
# What a module imports or defines; a class body also sees its own fields, so they must not hide these either.
TAKEN = frozenset(
    """
    Annotated Check Collate Column ColumnType Decimal Default ForeignKey From Generated Index Key NotNull References
    Unique Was auto bool bytes database dropped dt float int object seed self sql str table trigger view
    """.split()  # noqa: SIM905
)

_IRREGULAR = {"people": "person", "children": "child", "men": "man", "women": "woman", "indices": "index"}
_IRREGULAR |= {"movies": "movie", "cookies": "cookie", "caches": "cache", "statuses": "status", "aliases": "alias"}
_SAME = frozenset({"news", "series", "species", "sms", "gps", "dns", "https", "lens", "canvas", "always", "analysis"})


class Names:
    """Hands out names, each once. ``suffix`` makes a name of a word that can't be one."""

    def __init__(self, suffix: str, taken: Iterable[str] = ()) -> None:
        self._suffix = suffix
        self._taken = {*TAKEN, *taken}

    def take(self, *candidates: str) -> str:
        """The first candidate that is free, or the first one with a number."""
        name = next((name for name in candidates if self._is_free(name)), None) or self._made_of(candidates[0])
        self._taken.add(name)
        return name

    def _made_of(self, name: str) -> str:
        if name in TAKEN or keyword.iskeyword(name):
            name += self._suffix
        separator = "_" if name[-1].isdigit() else ""
        numbered = (f"{name}{separator}{number}" for number in itertools.count(2))
        return name if self._is_free(name) else next(other for other in numbered if self._is_free(other))

    def _is_free(self, name: str) -> bool:
        return name not in self._taken and not keyword.iskeyword(name)


def class_names(table: str) -> tuple[str, ...]:
    """Names for a table's class, the best first: ``Customer`` for ``customers``, ``OrderLine`` for ``order_lines``."""
    words = _words(table)
    if not words:
        return ("Table",)
    return tuple(dict.fromkeys((_camel([*words[:-1], _singular(words[-1])]), _camel(words))))


def view_names(view: str) -> tuple[str, ...]:
    """Names for the class of a view."""
    return (_camel(_words(view)) or "View",)


def field_names(column: str) -> tuple[str, ...]:
    """Names for the field of a column: ``customer_id`` for ``CustomerId``."""
    name = "_".join(_words(column)) or "column"
    if column.startswith("_") and not column.startswith("__"):
        name = f"_{name}"  # Python changes the names that begin with two
    if not name.isidentifier():
        name = f"column_{name}"
    return (name[:LONGEST].rstrip("_"),)


def reference_names(column: str, parent_class: str) -> tuple[str, ...]:
    """Names for the field of a reference, the best first: without the ``_id`` that the column's name ends in."""
    whole = field_names(column)
    stem = whole[0].removesuffix("_id")
    return (field_names(parent_class)[0] if stem == "id" else stem, *whole)


def _words(name: str) -> list[str]:
    """The words of a name in lower case: ``CustomerId``, ``customer-id`` and ``customer id`` are two words each."""
    plain = unicodedata.normalize("NFKC", name)
    # Letters without a place in identifiers are separators.
    parts = re.split(r"[\W_]+", "".join(letter if f"a{letter}".isidentifier() else " " for letter in plain))
    words = [word for part in parts for word in snake_case(part).split("_") if word]
    return [word for word in words if f"a{word}".isidentifier()]


def _camel(words: list[str]) -> str:
    name = "".join(word[:1].upper() + word[1:] for word in words)[:LONGEST]
    return name if name.isidentifier() or not name else f"Table{name}"


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 3 or not word.endswith("s") or word in _SAME or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "uses")) and not word.endswith(("auses", "ouses")):
        return word[:-2]
    return word[:-1]
