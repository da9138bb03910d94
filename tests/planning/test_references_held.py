"""Which references the new schema may take for held, and by which columns the others are found."""

from __future__ import annotations

import pytest

from tests.planning.planned import planned

CHILD = """
@table
class C:
    id: Annotated[int, Key]
    k: Annotated[str, References("T", "k")]
"""


@pytest.mark.parametrize(
    ("old_key", "new_key", "held"),
    [
        ("k TEXT NOT NULL UNIQUE COLLATE NOCASE", 'Annotated[str, Unique, Collate("NOCASE")]', True),
        ("k TEXT NOT NULL UNIQUE COLLATE NOCASE", "Annotated[str, Unique]", False),
        ("k TEXT NOT NULL UNIQUE", 'Annotated[str, Unique, ColumnType("BLOB")]', False),
    ],
)
def test_a_reference_that_is_compared_in_another_way_is_a_new_one(old_key: str, new_key: str, held: bool) -> None:
    old = (
        f"CREATE TABLE t(id INTEGER PRIMARY KEY, {old_key});"
        "CREATE TABLE c(id INTEGER PRIMARY KEY, k TEXT NOT NULL REFERENCES t(k));"
        "INSERT INTO t VALUES (1, 'bob'); INSERT INTO c VALUES (1, 'BOB')"
    )
    found = planned(old, f"@table\nclass T:\n    id: Annotated[int, Key]\n    k: {new_key}\n{CHILD}")
    step = found.plan.step("c")
    assert step is not None
    assert (step.new_foreign_keys == ()) is held
    assert [each[0] for each in found.of("foreign-key")] == ([] if held else ["block"])


UNDECLARED = """
@table
class P:
    id: Annotated[int, Key] = auto()
    a: int
    b: int

@table
class C:
    id: Annotated[int, Key]
    p: Annotated[P | None, Was({was})] = None
"""


def parents_of(children: str, was: str) -> list[tuple[str, ...]]:
    parent = "CREATE TABLE p(a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (b, a))"
    child = f"CREATE TABLE c(id INTEGER PRIMARY KEY, {children})"
    step = planned(f"{parent}; {child}", UNDECLARED.format(was=was)).plan.step("c")
    assert step is not None
    return [tuple(zip(one.columns, one.parent_columns, strict=True)) for one in step.translations]  # type: ignore[misc]


def test_columns_of_an_undeclared_reference_mean_the_parents_of_their_names() -> None:
    assert parents_of("a INT, b INT", '"a", "b"') == [(("a", "a"), ("b", "b"))]
    assert parents_of("a INT, b INT", '"b", "a"') == [(("b", "b"), ("a", "a"))]


def test_columns_that_have_other_names_are_not_guessed_at() -> None:
    assert parents_of("x INT, y INT", '"x", "y"') == []
