"""Schema modules written as texts. Line 1 is the import line, so the text begins in line 2."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from hotmig.catalog.fingerprint import canonical
from hotmig.catalog.read import read_catalog
from hotmig.errors import SchemaError
from hotmig.schema.load import load
from hotmig.schema.model import Schema

IMPORTS = "import datetime, decimal, enum, typing, uuid; from typing import Annotated; from hotmig.schema import *\n"


@dataclass(frozen=True)
class Told:
    """What the error of a module says, without the place."""

    message: str
    hint: str


Write = Callable[[str], Path]
Load = Callable[[str], Schema]
Mistake = Callable[[str], Told]
Ddl = Callable[[str], str]


def each_mistake(mistakes: Mapping[str, tuple[str, str, str]]) -> pytest.MarkDecorator:
    """One test for each name: a module with a marked line, and what stands in the message and in the hint."""
    return pytest.mark.parametrize(("module", "message", "hint"), mistakes.values(), ids=mistakes.keys())


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        file = tmp_path / "schema.py"
        file.write_text(IMPORTS + dedent(text).lstrip("\n"))
        return file

    return written


@pytest.fixture
def schema(write: Write) -> Load:
    return lambda text: load(write(text))


@pytest.fixture
def mistake(write: Write) -> Mistake:
    """The error of a module, which must be one line and name the line that is marked with ``# <-``."""

    def made(text: str) -> Told:
        file = write(text)
        (marked,) = [at for at, line in enumerate(file.read_text().splitlines(), 1) if "# <-" in line]
        with pytest.raises(SchemaError) as caught:
            load(file)
        error = caught.value
        assert "\n" not in error.message
        assert error.hint
        assert "\n" not in error.hint
        place = f"{file}:{marked}: "
        assert error.message.startswith(place)
        return Told(error.message.removeprefix(place), error.hint)

    return made


@pytest.fixture
def canonical_of() -> Ddl:
    """The canonical text of a database that plain SQL makes."""

    def made(script: str) -> str:
        db = sqlite3.connect(":memory:")
        db.executescript(script)
        return canonical(read_catalog(db))

    return made
