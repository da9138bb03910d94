"""What the old schema guaranteed already is not asked of the data again; all else is."""

from __future__ import annotations

import pytest

from tests.planning.planned import planned

OLD = "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT, y TEXT{})"
MODULE = """
@table(indexes=[Index({}, unique=True, name="u")])
class T:
    id: Annotated[int, Key] = auto()
    x: Annotated[str | None{}]
    y: str | None
"""


def asked(old: str, module: str) -> set[tuple[str, str]]:
    return {(each.probe.check, each.probe.subject.partition(":")[0]) for each in planned(old, module).context.answers}


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ("(lower(x))", '"lower( x )"'),
        ("(lower(x), y)", '"lower(x)", "y"'),
        ("(x) WHERE y > 1", '"x", where="y>1"'),
        ("(x COLLATE NOCASE) WHERE y IS NULL", '"x COLLATE NOCASE", where="y IS NULL"'),
    ],
)
def test_an_index_over_expressions_or_a_part_of_the_rows_holds_for_its_like(held: str, wanted: str) -> None:
    old = f"{OLD.format('')}; CREATE UNIQUE INDEX i ON t{held}"
    assert ("unique", "t") not in asked(old, MODULE.format(wanted, ', Was("x")'))


@pytest.mark.parametrize(
    ("held", "wanted", "source"),
    [
        ("(lower(x))", '"upper(x)"', ""),
        ("(lower(x), y)", '"lower(x)"', ""),
        ("(lower(x) COLLATE NOCASE)", '"lower(x)"', ""),
        ("(x) WHERE y > 1", '"x", where="y > 0"', ""),
        ("(x) WHERE y > 1", '"x"', ""),
        ("(lower(x))", '"lower(x)"', ', From("y")'),
        ("(lower(x))", '"lower(x)"', ', Collate("NOCASE")'),
        ("(lower(x))", '"lower(x)"', ', ColumnType("BLOB")'),
    ],
)
def test_and_for_no_other(held: str, wanted: str, source: str) -> None:
    old = f"{OLD.format('')}; CREATE UNIQUE INDEX i ON t{held}"
    assert ("unique", "t") in asked(old, MODULE.format(wanted, source or ', Was("x")'))


@pytest.mark.parametrize(
    ("held", "source", "again"),
    [
        (", g TEXT NOT NULL AS (x||y)", "x", False),
        (", g TEXT NOT NULL AS (x || y) STORED", "x", False),
        (", g TEXT NOT NULL AS (y || x)", "x", True),
        (", g TEXT NOT NULL AS (x || y) COLLATE NOCASE", "x", True),
        (", g TEXT NOT NULL AS (x || y)", "nullif(x, y)", True),
        ("", "x", True),
    ],
)
def test_a_generated_column_that_was_the_same_over_the_same_values(held: str, source: str, again: bool) -> None:
    old = OLD.format(held)
    of_x = f"From({source!r})" if source != "x" else "Was('x')"
    module = f"""
@table
class T:
    id: Annotated[int, Key] = auto()
    x: Annotated[str | None, {of_x}]
    y: str | None
    g: Annotated[str, Generated("x || y")] = auto()
"""
    assert (("not-null", "t.g") in asked(old, module)) == again
