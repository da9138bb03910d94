"""Children that are found by their reference while replaying: without an index each round reads their whole table."""

from __future__ import annotations

import pytest

from tests.planning.planned import Planned, planned

PARENT = "CREATE TABLE part(sku TEXT PRIMARY KEY {}, stock INT)"
CHILD = "CREATE TABLE used(id INTEGER PRIMARY KEY, sku {} REFERENCES part(sku))"
MODULE = """
@table
class Part:
    id: Annotated[int, Key] = auto()
    sku: Annotated[str | None, Unique]
    stock: int | None
@table
class Used:
    id: Annotated[int, Key] = auto()
    part: Annotated[Part | None, Was("sku"){}]
"""
MESSAGE = (
    "no index of used begins with sku, by which each round of replay finds the rows that refer to a changed row of"
    " part: it reads the whole table each time. If that is large, run in the old database, before `hotmig migrate`: "
)


def found(parent: str = "", child: str = "TEXT", more: str = "", orphans: str = "") -> Planned:
    return planned(f"{PARENT.format(parent)}; {CHILD.format(child)}; {more}", MODULE.format(orphans))


def test_the_statement_is_named_and_silences_the_warning() -> None:
    ((severity, message, fix),) = found().of("child-index")
    assert (severity, message, fix) == ("warn", f"{MESSAGE}CREATE INDEX ix_used_sku ON used(sku)", None)
    assert found(more=message.removeprefix(MESSAGE)).of("child-index") == []


def test_a_parent_that_is_found_by_the_very_key_needs_no_look_at_its_children() -> None:
    assert found("NOT NULL").of("child-index") == []


def test_unless_orphans_become_null_or_the_key_is_compared_by_a_collation() -> None:
    assert len(found("NOT NULL", orphans=', References(orphans="null")').of("child-index")) == 1
    ((_, message, _),) = found("NOT NULL COLLATE NOCASE").of("child-index")
    statement = "CREATE INDEX ix_used_sku ON used(sku COLLATE NOCASE)"
    assert message == MESSAGE + statement
    # The index of the child's own collation is of no use: a foreign key compares as the parent does.
    assert len(found("NOT NULL COLLATE NOCASE", more="CREATE INDEX i ON used(sku)").of("child-index")) == 1
    assert found("NOT NULL COLLATE NOCASE", more=statement).of("child-index") == []


@pytest.mark.parametrize(
    ("more", "is_enough"),
    [
        ("CREATE INDEX i ON used(sku DESC, id)", True),
        ("CREATE UNIQUE INDEX i ON used(sku)", True),
        ("CREATE INDEX i ON used(id, sku)", False),
        ("CREATE INDEX i ON used(lower(sku))", False),
        ("CREATE INDEX i ON used(sku) WHERE id > 5", False),
    ],
)
def test_what_is_index_enough(more: str, is_enough: bool) -> None:
    assert (found(more=more).of("child-index") == []) == is_enough


def test_a_name_that_is_taken_is_not_proposed() -> None:
    ((_, message, _),) = found(more="CREATE VIEW ix_used_sku AS SELECT 1; CREATE INDEX ix_used_sku_2 ON used(id)").of(
        "child-index"
    )
    assert message.endswith("CREATE INDEX ix_used_sku_3 ON used(sku)")


@pytest.mark.parametrize(
    ("parent", "child"),
    [("INT", "TEXT"), ("INT", ""), ("TEXT", ""), ("TEXT", "REAL"), ("TEXT COLLATE RTRIM", "TEXT COLLATE RTRIM")],
)
def test_an_index_that_could_not_be_used_is_not_proposed(parent: str, child: str) -> None:
    """A foreign key gives what the child holds another form, or SQLite's own Bloom filter would lose some children."""
    old = f"""CREATE TABLE part(sku {parent} PRIMARY KEY, stock INT);
        CREATE TABLE used(id INTEGER PRIMARY KEY, sku {child} REFERENCES part(sku))"""
    module = MODULE.format("").replace("Annotated[str", "Annotated[int" if parent == "INT" else "Annotated[str")
    assert planned(old, module).of("child-index") == []


def test_all_columns_of_a_composite_reference() -> None:
    old = """
        CREATE TABLE "the part"(a TEXT, "b b" TEXT, PRIMARY KEY (a, "b b"));
        CREATE TABLE used(id INTEGER PRIMARY KEY, a TEXT, "b b" TEXT, FOREIGN KEY (a, "b b") REFERENCES "the part");
        CREATE INDEX i ON used(a)
    """
    module = """
@table("the part", unique=[("a", "b b")])
class Part:
    id: Annotated[int, Key] = auto()
    a: str | None
    b: Annotated[str | None, Column("b b")]
@table
class Used:
    id: Annotated[int, Key] = auto()
    part: Annotated[Part | None, Was("a", "b b")]
"""
    ((_, message, _),) = planned(old, module).of("child-index")
    statement = 'CREATE INDEX ix_used_a_b_b ON used(a, "b b")'
    assert message.endswith(statement)
    assert planned(f"{old}; {statement}", module).of("child-index") == []
