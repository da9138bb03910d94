from __future__ import annotations

import pytest

from hotmig.catalog.model import Column, Table
from hotmig.planning.expressions import compiled

CLIENT = Table("client", (Column("first_name"), Column("a b"), Column("when")))


@pytest.mark.parametrize(
    ("expression", "reads"),
    [
        ("first_name || 'x'", {"first_name"}),
        ('upper(FIRST_NAME) || "a b"', {"first_name", "a b"}),
        ("[when] COLLATE NOCASE", {"when"}),
        ("'first_name'", set()),
        ("0", set()),
        ("first_name -- the first", {"first_name"}),
        ("julianday(first_name)", {"first_name"}),
        ('CAST(first_name AS "TEXT")', {"first_name"}),
    ],
)
def test_what_an_expression_reads(expression: str, reads: set[str]) -> None:
    found = compiled(expression, CLIENT)
    assert (found.error, found.reads) == (None, reads)


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("nickname", "no such column: nickname"),
        ('first_name || "nickname"', 'no such column: "nickname"'),
        ("(SELECT 1)", "subqueries prohibited"),
        ("random()", "non-deterministic functions prohibited"),
        ("date('now')", "it depends on the clock or its zone: now"),
        ("CASE WHEN first_name THEN datetime('now') END", "it depends on the clock or its zone: now"),
        ("date()", "non-deterministic use of date()"),
        ("CURRENT_TIMESTAMP", "non-deterministic functions prohibited"),
        ("max(first_name)", "misuse of aggregate function max()"),
        ("?1", "parameters prohibited"),
        ("1, 2", "row value misused"),
        ("'open", "cannot read SQL at"),
    ],
)
def test_what_is_no_function_of_one_row_is_refused(expression: str, error: str) -> None:
    found = compiled(expression, CLIENT).error
    assert found is not None
    assert found.startswith(error)


def test_functions_and_collations_that_sqlite_lacks_are_named() -> None:
    found = compiled("slug(first_name) = soundslike(slug(1)) COLLATE german", CLIENT)
    assert found.error is None
    assert found.functions == {"slug", "soundslike"}
    assert found.collations == {"GERMAN"}
    assert found.reads == {"first_name"}
