"""New columns for which the old rows have no value."""

from __future__ import annotations

import pytest

from tests.planning.checks.building import t
from tests.planning.planned import planned


def test_not_null_needs_a_value() -> None:
    message = "t.x is NOT NULL and the rows of t have no value for it: it needs a default or a From"
    found = planned("CREATE TABLE t(id INTEGER PRIMARY KEY)", t("x: str"))
    assert found.of("no-value") == [("block", message, 'x: Annotated[str, From("SQL over the old row")]')]


@pytest.mark.parametrize("field", ["x: str | None", "x: str = 'a'", "x: Annotated[str, From(\"'a' || id\")]"])
def test_a_default_a_from_or_null_will_do(field: str) -> None:
    assert planned("CREATE TABLE t(id INTEGER PRIMARY KEY)", t(field)).objections == ()
