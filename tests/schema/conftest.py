"""Schema modules written as texts. Line 1 is the import line, so the text begins in line 2."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from hotmig.catalog.fingerprint import canonical
from hotmig.catalog.read import read_catalog
from hotmig.errors import SchemaError
from hotmig.schema.load import load
from hotmig.schema.model import Schema

IMPORTS = "import datetime, decimal, enum, typing, uuid; from typing import Annotated; from hotmig.schema import *\n"

Write = Callable[[str], Path]
Load = Callable[[str], Schema]
Mistake = Callable[[str], SchemaError]
Ddl = Callable[[str], str]


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

    def made(text: str) -> SchemaError:
        file = write(text)
        marked = [at for at, line in enumerate(file.read_text().splitlines(), 1) if "# <-" in line]
        with pytest.raises(SchemaError) as caught:
            load(file)
        error = caught.value
        assert "\n" not in error.message
        assert error.hint
        assert "\n" not in error.hint
        assert error.message.startswith(f"{file}:{marked[0]}: ")
        error.message = error.message.removeprefix(f"{file}:{marked[0]}: ")
        return error

    return made


@pytest.fixture
def canonical_of() -> Ddl:
    """The canonical text of a database that plain SQL makes."""

    def made(script: str) -> str:
        db = sqlite3.connect(":memory:")
        db.executescript(script)
        return canonical(read_catalog(db))

    return made
