"""Databases in memory, from the statements that make them."""

from __future__ import annotations

from hotmig.catalog.model import Catalog
from hotmig.catalog.read import read_catalog
from hotmig.sqlite import Connection, connect


def database(*statements: str) -> Connection:
    db = connect(":memory:")
    for statement in statements:
        db.execute(statement)
    return db


def catalog(*statements: str) -> Catalog:
    return read_catalog(database(*statements))
