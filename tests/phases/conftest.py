"""A directory whose schema module says its name, and the database that this module asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.phases.locate import load_schema

MODULE = """from hotmig.schema import table

database = "shop"

@table
class Item:
    id: int
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A directory whose own name says nothing, with a schema module that says shop."""
    directory = tmp_path / "release-42"
    directory.mkdir()
    (directory / "schema.py").write_text(MODULE)
    return directory


@pytest.fixture
def target(shop: Path) -> Path:
    """Where the database with the module's schema goes."""
    return shop / f"shop-{load_schema(shop / 'schema.py').hash}.sqlite"
