"""Which indexes need a probe, and that a probe costs a search, never a scan."""

from __future__ import annotations

import re
import sqlite3

import pytest

from hotmig.capture.log import create_log
from hotmig.capture.probes import needed_indexes, probe_statements
from hotmig.planning.model import Recorded
from tests.capture.keys import recorded_tables


def recorded_table(*ddl: str) -> tuple[sqlite3.Connection, Recorded]:
    db = sqlite3.connect(":memory:", isolation_level=None)
    for sql in ddl:
        db.execute(sql)
    return db, recorded_tables(db)[0]


@pytest.mark.parametrize(
    ("table", "needed"),
    [
        ("t(id INTEGER PRIMARY KEY, a)", []),
        ("t(id INTEGER PRIMARY KEY, a UNIQUE)", ["a"]),
        ("t(id INTEGER PRIMARY KEY, a, UNIQUE (a, id))", []),
        ("t(a, b)", []),
        ("t(a UNIQUE, b)", ["a"]),
        ("t(k TEXT PRIMARY KEY NOT NULL)", ["rowid"]),
        ("t(k TEXT PRIMARY KEY) WITHOUT ROWID", []),
        ("t(k INTEGER PRIMARY KEY) STRICT, WITHOUT ROWID", []),
        ("t(k TEXT COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID", ["k"]),  # 'bob', 'BOB'
        ("t(k PRIMARY KEY) WITHOUT ROWID", ["k"]),  # 1, 1.0
        ("t(k INTEGER PRIMARY KEY) WITHOUT ROWID", ["k"]),  # -9223372036854775808, -9.223372036854775808e18
        ("t(k REAL PRIMARY KEY) WITHOUT ROWID", ["k"]),  # 0.0, -0.0
        ("t(rowid TEXT NOT NULL, oid, _rowid_, PRIMARY KEY (rowid))", []),
    ],
)
def test_probes_are_there_only_for_indexes_that_can_evict_another_key(table: str, needed: list[str]) -> None:
    _, recorded = recorded_table(f"CREATE TABLE {table}")
    assert recorded.key is not None
    found = needed_indexes(recorded.table, recorded.key)
    assert [column.name for index in found for column in index.columns] == needed
    assert bool(probe_statements(recorded, "INSERT")) == bool(needed)


def test_a_plain_unique_column_is_compared_as_it_is() -> None:
    _, recorded = recorded_table("CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE)")
    log = "INSERT INTO _migration_log(operation, table_name, key_1) SELECT 'replace', 't', _migration_row.\"id\""
    term = '_migration_row."a" COLLATE "BINARY" = NEW."a"'
    assert probe_statements(recorded, "INSERT") == (f'{log} FROM "t" AS _migration_row WHERE {term}',)
    assert probe_statements(recorded, "UPDATE") == (
        f'{log} FROM "t" AS _migration_row WHERE ({term} AND NEW."a" COLLATE BINARY IS NOT OLD."a")',
    )


def test_a_table_without_key_has_no_probes() -> None:
    _, recorded = recorded_table("CREATE TABLE t(a UNIQUE)")
    assert probe_statements(Recorded(1, recorded.table, None), "INSERT") == ()


@pytest.mark.parametrize("event", ["INSERT", "UPDATE"])
@pytest.mark.parametrize(
    "index",
    [
        "t(a)",
        "t(b COLLATE RTRIM, a)",
        "t(lower(a))",
        "t(g)",
        "t(v, lower(b))",
        "t(a) WHERE b IS NOT NULL",
        "t(upper(b)) WHERE c > 1",
        "t(json_extract(a, '$.k') COLLATE NOCASE) WHERE json_valid(a)",
    ],
)
def test_a_probe_searches_by_its_index(index: str, event: str) -> None:
    db, recorded = recorded_table(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT 'x', b TEXT COLLATE NOCASE, c,"
        " g AS (a || c) STORED, v TEXT AS (c + 1))",
        f"CREATE UNIQUE INDEX i ON {index}",
    )
    db.execute(create_log(1))
    statements = probe_statements(recorded, "UPDATE" if event == "UPDATE" else "INSERT")
    probe = re.sub(r'(NEW|OLD)\."\w+"', "?1", next(sql for sql in statements if "'replace'" in sql))
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {probe}", (None,))]
    assert any(re.match(r"SEARCH _migration_row USING (COVERING )?INDEX i ", step) for step in plan), plan
