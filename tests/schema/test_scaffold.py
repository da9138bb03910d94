"""The round trip: a module that was made of a catalog gives that catalog again, and reads as a person would write it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotmig.catalog.fingerprint import differences
from hotmig.catalog.model import Catalog, Table
from hotmig.catalog.read import read_catalog
from hotmig.schema.drafts import load_text
from hotmig.schema.layout import width
from hotmig.schema.scaffold import module_text
from hotmig.sqlite import connect, fold, quote
from tests.catalog.strategies import NAMES, tables
from tests.catalog.writing import Writer


def catalog_of(*statements: str) -> Catalog:
    db = connect(":memory:")
    for statement in statements:
        db.execute(statement)
    return read_catalog(db)


def round_trip(catalog: Catalog) -> str:
    """The module, which must give the catalog again, and from that the same module."""
    text = module_text(catalog)
    made = load_text(text).catalog
    assert differences(catalog, made) == ()
    assert module_text(made) == text
    assert max(map(width, text.splitlines())) <= 120 or max(map(len, text.splitlines())) <= 120
    return text


def module_of(*statements: str) -> str:
    """What stands in the module below its imports."""
    text = round_trip(catalog_of(*statements))
    return text[text.index("@table") :]
