"""References to rows that get new keys: an old value must never be taken for a new key that happens to equal it."""

from __future__ import annotations

from tests.planning.planned import planned

PARENT = "CREATE TABLE p(a TEXT NOT NULL, b INT NOT NULL, PRIMARY KEY (a, b))"
CHILD = "CREATE TABLE c(id INTEGER PRIMARY KEY, a TEXT, b INT, FOREIGN KEY (a, b) REFERENCES p)"
ROWS = "INSERT INTO p VALUES ('x', 1), ('y', 1); INSERT INTO c VALUES (1, 'x', 1), (2, 'y', 1)"
MODULE = """
@table(unique=[("a", "b")])
class P:
    id: Annotated[int, Key] = auto()
    a: str
    b: Annotated[int, ColumnType("int")]
@table
class C:
    id: Annotated[int, Key] = auto()
    p: {}
dropped("c", "a")
"""


def found(reference: str) -> list[tuple[str, str, str | None]]:
    return planned(f"{PARENT}; {CHILD}; {ROWS}", MODULE.format(reference)).of("new-keys")


def test_a_part_of_the_old_key_does_not_tell_which_row_was_meant() -> None:
    # b is 1 in both rows, and 1 is also the new key of one of them: nothing but this check would stop it.
    ((severity, message, fix),) = found('Annotated[P | None, Was("b")]')
    assert (severity, fix) == ("block", None)
    assert message.startswith("c.p_id refers to p, whose rows get new keys, and c.b does not say which old row")


def test_nor_does_a_computed_value() -> None:
    ((severity, message, _),) = found('Annotated[P | None, From("b + 0")]')
    assert severity == "block"
    assert "b + 0 does not say" in message


def test_a_reference_that_no_old_row_has_is_fine() -> None:
    assert found("P | None = None") == []


def test_a_column_that_held_the_whole_old_key_is_followed() -> None:
    old = "CREATE TABLE p(a TEXT PRIMARY KEY NOT NULL); CREATE TABLE c(id INTEGER PRIMARY KEY, b TEXT)"
    module = """
@table
class P:
    id: Annotated[int, Key] = auto()
    a: Annotated[str, Unique]
@table
class C:
    id: Annotated[int, Key] = auto()
    p: Annotated[P | None, Was("b")]
"""
    assert planned(old, module).of("new-keys") == []
