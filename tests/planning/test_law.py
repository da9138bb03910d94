"""The law of the checks: rows fit into the new table if and only if nothing is found against them."""

from __future__ import annotations

import sqlite3

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hotmig.planning.model import TableStep
from hotmig.sqlite import execute, quote
from tests.planning.planned import old_database, planned, schema_of

OLD_TYPES = ("", "TEXT", "INT", "REAL", "NUMERIC", "TEXT COLLATE NOCASE", "BLOB", "TEXT UNIQUE", "INT UNIQUE")
NEW_TYPES = ("int", "str", "float", "bytes", "int | None", "str | None", "float | None", "bytes | None")
MARKERS = (
    "Unique",
    'Unique(collate="NOCASE")',
    'Unique(collate="RTRIM")',
    'Collate("NOCASE"), Unique',
    'Check("x > 0")',
    "Check(\"x <> 'a'\")",
    "Check(\"typeof(x) <> 'blob'\")",
    'Collate("NOCASE"), Check("x IN (\'a\', 7)")',
    "Check(\"x BETWEEN '0' AND '9' OR x IS NULL\")",
    'From("x || x")',
    'From("x + 0")',
    'Unique, From("substr(x, 1, 1)")',
)
VALUES = (
    "NULL",
    "0",
    "1",
    "7",
    "-1",
    "1.0",
    "1.5",
    "'a'",
    "'A'",
    "'a '",
    "'7'",
    "'07'",
    "' 7'",
    "'1e0'",
    "''",
    "x'61'",
)
FITTING = {"not-null", "types", "unique", "check"}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(OLD_TYPES),
    st.lists(st.sampled_from(VALUES), min_size=1, max_size=4),
    st.sampled_from(NEW_TYPES),
    st.lists(st.sampled_from(MARKERS), max_size=2, unique_by=lambda marker: marker.partition("(")[0]),
    st.booleans(),
)
def test_rows_fit_if_and_only_if_nothing_is_found(
    declared: str, values: list[str], annotation: str, markers: list[str], strict: bool
) -> None:
    marked = f"Annotated[{', '.join([annotation, *markers])}]" if markers else annotation
    assume(all(sum(word in marker for marker in markers) < 2 for word in ("Unique", "Collate", "From")))
    module = f"@table(strict={strict})\nclass T:\n    id: Annotated[int, Key] = auto()\n    x: {marked}\n"
    old = f"CREATE TABLE t(id INTEGER PRIMARY KEY, x {declared})"
    rows = [f"INSERT OR IGNORE INTO t(x) VALUES ({value})" for value in values]
    found = planned("; ".join([old, *rows]), module)
    assert found.of("unanswered") == []
    against = [each for each in found.blocking if each.check in FITTING]
    assert bool(against) != fits(found.step("t"), "; ".join([old, *rows]), module)


def fits(step: TableStep, old: str, module: str) -> bool:
    """Whether SQLite takes the rows."""
    db = old_database(old)
    execute(db, "ALTER TABLE t RENAME TO old_t")
    schema = schema_of(module)
    for sql in [*schema.create_tables, *(index for _, index in schema.create_indexes)]:
        execute(db, sql)
    names = ", ".join(quote(own.name) for own in step.columns)
    values = ", ".join(str(own.expression) for own in step.columns)
    try:
        execute(db, f"INSERT INTO t({names}) SELECT {values} FROM old_t")
    except sqlite3.IntegrityError:
        return False
    return True
