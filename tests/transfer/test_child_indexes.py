"""The index that plan recommends is the one by which SQLite finds the children of changed parents."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.planning.checking import Context
from hotmig.planning.checks.child_indexes import findings
from hotmig.sqlite import execute
from hotmig.transfer.replay import replay
from tests.transfer.building import Case, rules, schema

OLD = [
    "CREATE TABLE part(sku TEXT {parent}, stock INTEGER)",
    "CREATE TABLE used(id INTEGER PRIMARY KEY, sku {child} REFERENCES part(sku))",
    "INSERT INTO part VALUES ('a', 1), ('b', 2), ('c', 3)",
    "INSERT INTO used(sku) VALUES ('a'), ('b'), ('c'), ('a')",
]
NEW = [
    "CREATE TABLE part(id INTEGER PRIMARY KEY, sku TEXT, stock INTEGER)",
    "CREATE TABLE used(id INTEGER PRIMARY KEY, part_id INTEGER REFERENCES part(id))",
]


def scans(case: Case) -> list[str]:
    """The steps of a replay's search for children that read the whole old child table, be it to index it."""
    return [step for step in searches(case) if step.startswith("SCAN o") or "AUTOMATIC" in step]


def searches(case: Case) -> list[str]:
    """The steps of a replay's search for children."""
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write("UPDATE part SET stock = 9 WHERE sku = 'c'")
        replay(session)  # the first one reads all children, for those that the copy left out
        case.write(
            "UPDATE part SET stock = 0 WHERE sku = 'a'",
            "DELETE FROM used WHERE sku = 'b'",
            "DELETE FROM part WHERE sku = 'b'",
        )
        traced: list[str] = []
        session.db.set_trace_callback(traced.append)
        replay(session)
        session.db.set_trace_callback(None)
        into = "INSERT OR IGNORE INTO temp._migration_latest_"
        traced = [sql for sql in traced if sql.startswith(into) and " AS o" in sql]
        assert traced
        return [row[3] for sql in traced for row in execute(session.db, f"EXPLAIN QUERY PLAN {sql}").fetchall()]


@pytest.mark.parametrize(
    ("parent", "child", "orphans"),
    [
        ("PRIMARY KEY", "TEXT", "refuse"),
        ("PRIMARY KEY", "NUMERIC", "refuse"),
        ("PRIMARY KEY COLLATE NOCASE", "TEXT", "refuse"),
        ("NOT NULL PRIMARY KEY COLLATE NOCASE", "TEXT COLLATE RTRIM", "refuse"),
        ("NOT NULL PRIMARY KEY", "TEXT", "null"),
    ],
)
def test_with_it_the_children_are_searched_and_without_it_scanned(
    tmp_path: Path, parent: str, child: str, orphans: str
) -> None:
    old = [sql.format(parent=parent, child=child) for sql in OLD]
    wanted = schema(NEW, [rules("used", part_id={"was": "sku", "orphans": orphans})])
    for name in ("without", "with"):
        (tmp_path / name).mkdir()
    case = Case(tmp_path / "without", old, wanted)
    (found,) = findings(Context(case.plan, wanted))
    assert scans(case)
    statement = found.message.rpartition(": ")[2]
    with_it = Case(tmp_path / "with", [*old, statement], wanted)
    assert list(findings(Context(with_it.plan, wanted))) == []
    assert scans(with_it) == []


@pytest.mark.parametrize(
    ("parent", "child"),
    [("INT", "TEXT"), ("TEXT", ""), ("TEXT", "REAL"), ("TEXT COLLATE RTRIM", "TEXT")],
)
def test_where_none_is_of_use_the_children_are_read_once(tmp_path: Path, parent: str, child: str) -> None:
    """And not once for each parent."""
    old = [
        sql.format(parent="PRIMARY KEY", child=child).replace("sku TEXT PRIMARY", f"sku {parent} PRIMARY")
        for sql in OLD
    ]
    case = Case(tmp_path, old, schema(NEW, [rules("used", part_id={"was": "sku", "orphans": "null"})]))
    steps = searches(case)
    assert steps[::2] == ["SCAN o"] * (len(steps) // 2)
    assert all(step.startswith("SEARCH p USING COVERING INDEX") for step in steps[1::2])
