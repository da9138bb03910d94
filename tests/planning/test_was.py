"""A Was that names nothing, where the new name itself is known: a slip of the pen is not passed over in silence."""

from __future__ import annotations

from tests.planning.planned import planned


def test_the_names_that_are_taken_instead_are_noted() -> None:
    old = "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t VALUES (1, 'a')"
    module = """
@table(was="tt")
class T:
    id: Annotated[int, Key] = auto()
    x: Annotated[str | None, Was("xx")] = None
"""
    found = planned(old, module)
    assert [(each.severity, each.message) for each in found.findings] == [
        ("note", 't says was="tt", and the old database has no table tt: the rows come from t'),
        ("note", 't.x says Was("xx"), and t has no column xx: the values come from x'),
    ]
