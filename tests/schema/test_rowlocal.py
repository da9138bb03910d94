"""A ``From`` is a function of one old row: SQLite itself is asked, by compiling it as an index expression."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotmig.errors import SchemaError
from hotmig.schema.places import Spot
from hotmig.schema.rowlocal import check_row_local
from hotmig.sqlite import connect, execute

SPOT = Spot("schema.py", 3)


def check(source: str) -> None:
    db = connect(":memory:")
    check_row_local(db, source, SPOT)
    assert execute(db, "SELECT count(*) FROM sqlite_schema").fetchone() == (0,)


@pytest.mark.parametrize(
    "source",
    [
        "name",
        "'unknown'",
        "1",
        "NULL",
        "first_name || ' ' || last_name",
        '"first name" || "last ""name"""',
        "[a b] + `c d`",
        "CASE WHEN a IS NULL THEN 'x' ELSE lower(b) END",
        "CAST(round(total * 100) AS INTEGER)",
        "coalesce(a, b COLLATE NOCASE, 'c') IN ('x', 'y')",
        "json_extract(data, '$.name')",
        "date(day, '+1 day')",
        "CASE x WHEN 'now' THEN date(day) END",
        "strftime('%Y', placed) -- the year",
        "rowid + 1",
        "_rowid_",
        "abs(-9223372036854775807 - a)",
        "a LIKE 'x%' ESCAPE '!'",
        "ünïcode",
        "max(a, b)",
        "count",
    ],
)
def test_row_local(source: str) -> None:
    check(source)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("(SELECT max(id) FROM other)", "subqueries prohibited"),
        ("EXISTS (SELECT 1)", "subqueries prohibited"),
        ("a IN (SELECT b FROM c)", "subqueries prohibited"),
        ("random()", "non-deterministic functions prohibited"),
        ("lower(hex(randomblob(4)))", "non-deterministic functions prohibited"),
        ("CURRENT_TIMESTAMP", "non-deterministic functions prohibited"),
        ("last_insert_rowid()", "non-deterministic functions prohibited"),
        ("date('now')", "the time at which it runs"),
        ("datetime(placed, 'localtime')", "the time at which it runs"),
        ("CASE WHEN a = 'never' THEN date('NOW') ELSE b END", "the time at which it runs"),
        ("date()", "non-deterministic use of date()"),
        ("date(substr('know', 2))", "non-deterministic use of date()"),
        ("max(a)", "misuse of aggregate"),
        ("count(*)", "misuse of aggregate"),
        ("row_number() OVER (ORDER BY a)", "misuse of window function"),
        ("?", "parameters prohibited"),
        (":name", "parameters prohibited"),
    ],
)
def test_not_row_local(source: str, why: str) -> None:
    with pytest.raises(SchemaError) as caught:
        check(source)
    assert caught.value.message.startswith("schema.py:3: From(")
    assert why in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("client.name", "a column stands in it with its table", "write the bare column name"),
        ("nope(a)", "no such function: nope", "load its extension"),
        ("a, b", "From('a, b') is no SQL expression", "row value misused"),
        ("a b", "From('a b') is no SQL expression", 'near "b": syntax error'),
        ("1 +", "From('1 +') is no SQL expression", "syntax error"),
        ("CASE WHEN a", "is no SQL expression", "syntax error"),
        ("substr(a)", "is no SQL expression", "wrong number of arguments to function substr()"),
        ("a) + (b", "is not one SQL expression", "take the ')' away"),
        ("", "is not one SQL expression", "write one"),
        ("a; b", "is not one SQL expression", "take the ';' away"),
        ("'a", "cannot read SQL", "quotes"),
    ],
)
def test_what_is_no_expression(source: str, message: str, hint: str) -> None:
    with pytest.raises(SchemaError) as caught:
        check(source)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_any_name_can_be_a_column(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    check(f"{quoted} || 'x'")
