"""Markers that stand where Python takes them for something else."""

from __future__ import annotations

from .conftest import Load, Mistake, each_mistake

MISTAKES = {
    "as the default value": (
        "@table\nclass A:\n    x: int = Check('x > 0')  # <-",
        "x has the marker Check as its default value",
        "write x: Annotated[…, Check(…)], with the type first",
    ),
    "as the default value, without parentheses": (
        "@table\nclass A:\n    x: int = Key  # <-",
        "x has the marker Key as its default value",
        "write x: Annotated[…, Key], with the type first",
    ),
    "a Default as the default value": (
        "@table\nclass A:\n    x: int = Default(sql='1')  # <-",
        "x has the marker Default as its default value",
        "write x: Annotated[…, Default(…)] = auto(), with the type first",
    ),
    "beside markers that stand where they belong": (
        "@table\nclass A:\n    x: Annotated[int, Key] = Was('y')  # <-",
        "x has the marker Was as its default value",
        "write x: Annotated[…, Was(…)]",
    ),
    "in place of the type": (
        "@table\nclass A:\n    x: Check('x > 0')  # <-",
        "x has the marker Check in place of its type",
        "write x: Annotated[…, Check(…)], with the type first",
    ),
    "in place of the type, without parentheses": (
        "@table\nclass A:\n    x: Key = auto()  # <-",
        "x has the marker Key in place of its type",
        "write x: Annotated[…, Key]",
    ),
    "in place of the type of what can be NULL": (
        "@table\nclass A:\n    x: Unique | None = None  # <-",
        "x has the marker Unique in place of its type",
        "write x: Annotated[…, Unique]",
    ),
    "after a name without annotation": (
        "@table\nclass A:\n    x: int\n    y = Check('y > 0')  # <-",
        "y = Check(…) has no annotation, so y is no column",
        "write y: Annotated[…, Check(…)], with the type first",
    ),
    "auto without parentheses": (
        "@table\nclass A:\n    x: Annotated[int, Key] = auto  # <-",
        "x = auto is the function itself",
        "write = auto()",
    ),
}


@each_mistake(MISTAKES)
def test_a_marker_in_the_wrong_place(module: str, message: str, hint: str, mistake: Mistake) -> None:
    told = mistake(module)
    assert message in told.message
    assert hint in told.hint


def test_a_marker_can_have_a_name_of_its_own_in_the_class(schema: Load) -> None:
    made = schema("@table\nclass A:\n    POSITIVE = Check('x > 0')\n    x: Annotated[int, POSITIVE]\n")
    assert [check.expression for check in made.catalog.tables[0].checks] == ["x > 0"]
