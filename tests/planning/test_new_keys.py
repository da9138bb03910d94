"""References to rows that get new keys: an old value must never be taken for a new key that happens to equal it."""

from __future__ import annotations

from hotmig.planning.hints import hints_of
from hotmig.planning.model import Hint
from tests.planning.planned import planned, schema_of

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
    assert (severity, fix) == ("block", 'p: Annotated[P | None, Was("a", "b")]')
    assert message == (
        "c.p_id refers to p, whose rows get new keys, and c.b does not say which old row was meant:"
        " Was(…) must name the columns that referred to p by its whole old key"
    )


def test_the_columns_of_the_whole_old_key_do() -> None:
    plan = planned(f"{PARENT}; {CHILD}; {ROWS}", MODULE.format('Annotated[P | None, Was("a", "b")]'))
    assert plan.findings == ()
    (translation,) = plan.step("c").translations
    assert (translation.columns, translation.parent_columns) == (("a", "b"), ("a", "b"))
    assert (translation.targets, translation.value_columns) == (("p_id",), ("id",))
    assert plan.step("c").columns[1].origin == "the new id of the p that c.a, c.b name"


def test_their_order_is_that_of_the_old_foreign_key_or_else_that_of_their_names() -> None:
    module = MODULE.format('Annotated[P | None, Was("b", "a")]')
    assert planned(f"{PARENT}; {CHILD}", module).step("c").translations[0].parent_columns == ("b", "a")
    undeclared = "CREATE TABLE c(id INTEGER PRIMARY KEY, a TEXT, b INT)"
    assert planned(f"{PARENT}; {undeclared}", module).step("c").translations[0].parent_columns == ("b", "a")


def test_they_are_read_and_not_taken() -> None:
    module = MODULE.format('Annotated[P | None, Was("a", "b")]\n    a: str | None')
    plan = planned(f"{PARENT}; {CHILD}; {ROWS}", module)
    assert plan.findings == ()
    assert [own.expression for own in plan.step("c").columns] == ['"id"', None, '"a"']


def test_a_field_that_is_the_column_itself_can_say_so_too() -> None:
    module = MODULE.replace("p: {}", 'p_id: Annotated[int | None, References(P, "id"), Was("a", "b")]')
    assert planned(f"{PARENT}; {CHILD}; {ROWS}", module).findings == ()


def test_columns_that_are_not_the_whole_old_key_are_refused() -> None:
    old = PARENT.replace("PRIMARY KEY (a, b)", "c INT NOT NULL, PRIMARY KEY (a, b, c)")
    undeclared = "CREATE TABLE c(id INTEGER PRIMARY KEY, a TEXT, b INT)"
    module = MODULE.format('Annotated[P | None, Was("a", "b")]') + 'dropped("p", "c")\n'
    message = 'c.p_id says Was("a", "b"), and these are not the whole old key of p: a, b, c'
    assert planned(f"{old}; {undeclared}", module).of("new-keys") == [("block", message, None)]


def test_a_parent_that_has_no_old_rows_is_refused() -> None:
    message = 'c.p_id says Was("a", "b"), and p has no old rows that these could have referred to'
    undeclared = "CREATE TABLE c(id INTEGER PRIMARY KEY, a TEXT, b INT)"
    module = MODULE.format('Annotated[P | None, Was("a", "b")]')
    assert planned(undeclared, module).of("new-keys") == [("block", message, None)]


def test_a_name_that_the_old_table_does_not_have_is_refused() -> None:
    module = MODULE.format('Annotated[P | None, Was("a", "x", "y")]')
    message = 'c.p says Was("a", "x", "y"), and c has no column x, y'
    assert planned(f"{PARENT}; {CHILD}", module).of("was") == [("block", message, None)]


def test_what_is_null_in_part_refers_to_nothing() -> None:
    rows = f"{ROWS}, (3, 'x', NULL), (4, NULL, 1), (5, NULL, NULL), (6, 'x', 2)"
    plan = planned(f"{PARENT}; {CHILD}; {rows}", MODULE.format('Annotated[P | None, Was("a", "b")]'))
    in_part = "2 rows have NULL in a part of c(a, b), which refers to nothing: c.p_id becomes NULL: id 3, 4"
    orphan = "1 row of c refers by a, b to no row of p, so no new key is known: id 6"
    fix = 'p: Annotated[P | None, Was("a", "b"), References(orphans="null")]'
    assert plan.of("orphans") == [("block", orphan, fix), ("warn", in_part, None)]
    strict = planned(f"{PARENT}; {CHILD}; {rows}", MODULE.format('Annotated[P, Was("a", "b")]'))
    assert [each[0] for each in strict.of("orphans")] == ["block"]
    assert strict.of("not-null") == [("block", "3 rows have NULL in c.p_id, which is NOT NULL: id 3, 4, 5", None)]


def test_they_are_not_used_twice() -> None:
    hint = Hint("was", "c", "p_id", '"a", "b"')
    schema = schema_of(MODULE.format('Annotated[P | None, Was("a", "b")]'))
    assert hint in hints_of(schema)
    new = "CREATE TABLE p(id INTEGER PRIMARY KEY, a TEXT NOT NULL, b int NOT NULL, UNIQUE (a, b))"
    old = f"{new}; CREATE TABLE c(id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p)"
    plan = planned(old, MODULE.format('Annotated[P | None, Was("a", "b")]'), used=frozenset({hint}))
    message = 'c.p_id: Was("a", "b") has done its work in the old database and is not applied again'
    assert plan.of("used-hint") == [("note", message, None)]
    assert plan.blocking == ()
    assert plan.step("c").translations == ()


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
