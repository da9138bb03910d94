"""A catalog survives its way through JSON."""

from __future__ import annotations

import sqlite3

from hotmig.catalog.read import read_catalog
from hotmig.catalog.serial import dump, parse


def test_a_catalog_comes_back_as_it_was() -> None:
    db = sqlite3.connect(":memory:")
    db.executescript(
        """
        CREATE TABLE [odd "name](id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT COLLATE NOCASE UNIQUE ON CONFLICT IGNORE,
          b REAL DEFAULT (1 + 1) CHECK (b > 0), c AS (a || 'é') STORED, CONSTRAINT n CHECK (a <> ''));
        CREATE TABLE child(x, y, PRIMARY KEY (x, y DESC), FOREIGN KEY (y) REFERENCES [odd "name](id)
          ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED) WITHOUT ROWID;
        CREATE UNIQUE INDEX i ON child(lower(x) COLLATE NOCASE DESC) WHERE y > 3;
        CREATE VIEW v AS SELECT x FROM child;
        CREATE TRIGGER t AFTER INSERT ON child BEGIN DELETE FROM child; END;
        CREATE VIRTUAL TABLE f USING fts5(x);
        """
    )
    catalog = read_catalog(db)
    assert all((catalog.tables, catalog.views, catalog.triggers, catalog.virtual_tables))
    assert parse(dump(catalog)) == catalog
