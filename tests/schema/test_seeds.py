"""Seed rows: which instances they are, which columns are given, and as which values."""

from __future__ import annotations

import pytest

from hotmig.schema.model import Place

from .conftest import Load, Mistake, each_mistake

TIER = """
class Kind(enum.Enum):
    A = "a"
@table
class Tier:
    id: Annotated[int, Key] = auto()
    name: str
    discount: float = 0.5
    kind: Kind = Kind.A
    since: datetime.datetime | None = None
"""


def rows(schema: Load, text: str) -> list[tuple[dict[str, object], bool]]:
    made = schema(TIER + text)
    return [
        (dict(zip(seed.columns, seed.values, strict=True)), seed.if_absent)
        for table in made.tables
        for seed in table.seeds
    ]


def test_instances_by_name_and_in_lists(schema: Load) -> None:
    found = rows(
        schema,
        """
BASIC = Tier(id=1, name="basic")
_OTHERS = [Tier(id=2, name="gold"), Tier(id=3, name="platinum")]
MORE = (Tier(id=4, name="iron"),)
for number in (5, 6): seed(Tier(id=number, name="x"))
seed([Tier(id=7, name="tin"), BASIC])
""",
    )
    assert sorted(row["id"] for row, _ in found) == [1, 2, 3, 4, 5, 6, 7]  # type: ignore[type-var]
    assert not any(if_absent for _, if_absent in found)


def test_an_instance_inside_a_function_is_no_seed(schema: Load) -> None:
    assert rows(schema, "def f(): return Tier(id=1, name='x')\nf()\n") == []


def test_only_what_was_given(schema: Load) -> None:
    found = rows(
        schema,
        """
A = Tier(id=1, name="a")
B = Tier(id=2, name="b", discount=0.5, since=None)
C = Tier(id=3, name="c")
C.discount = 0.75
D = Tier(id=4, name="d", kind=Kind.A)
""",
    )
    assert [row for row, _ in found] == [
        {"id": 1, "name": "a"},
        {"id": 2, "name": "b", "discount": 0.5, "since": None},
        {"id": 3, "name": "c", "discount": 0.75},
        {"id": 4, "name": "d", "kind": "a"},
    ]


def test_values_are_as_sqlite_stores_them(schema: Load) -> None:
    made = schema(
        """
        @table(without_rowid=True)
        class A:
            key: Annotated[str, Key(collate="NOCASE")]
            real: float
            flag: bool
            when: datetime.datetime
            price: decimal.Decimal
            number: Annotated[str, ColumnType("NUMERIC")]
            any: Annotated[object, ColumnType("")]
        X = A(key="K", real=1, flag=True, when=datetime.datetime(2024, 5, 1), price=decimal.Decimal("1.10"),
              number="0123", any="0123")
        """
    )
    values = made.tables[0].seeds[0].values
    assert values == ("K", 1.0, 1, "2024-05-01 00:00:00", "1.10", 123, "0123")
    assert [type(value).__name__ for value in values] == ["str", "float", "int", "str", "str", "int", "str"]


def test_references_give_the_key_of_their_row(schema: Load) -> None:
    made = schema(
        """
        @table
        class Room:
            house: Annotated[str, Key]
            number: Annotated[int, Key]
        @table
        class Bed:
            room: Annotated[Room, Key]
            next: Annotated["Bed", References(deferred=True)] | None = None
        FIRST = Bed(room=Room(house="a", number=1))
        SECOND = Bed(room=Room(house="b", number=2), next=FIRST)
        THIRD = Bed(room=Room(house="c", number=3), next=None)
        """
    )
    room, bed = made.tables
    assert room.seeds == ()
    assert [(seed.columns, seed.values) for seed in bed.seeds] == [
        (("room_house", "room_number"), ("a", 1)),
        (("room_house", "room_number", "next_room_house", "next_room_number"), ("b", 2, "a", 1)),
        (("room_house", "room_number", "next_room_house", "next_room_number"), ("c", 3, None, None)),
    ]


def test_if_absent_holds_for_rows_that_also_have_a_name(schema: Load) -> None:
    found = rows(
        schema,
        "ROWS = [Tier(id=1, name='a')]\nOTHER = Tier(id=2, name='b')\nseed(ROWS, if_absent=True)\n",
    )
    assert [(row["id"], if_absent) for row, if_absent in found] == [(1, True), (2, False)]


def test_triggers_do_not_see_seeds(schema: Load) -> None:
    made = schema(
        TIER
        + """
trigger("CREATE TRIGGER no AFTER INSERT ON tier BEGIN SELECT RAISE(ABORT, 'no'); END")
A = Tier(id=1, name="a")
"""
    )
    assert len(made.tables[0].seeds) == 1


def test_the_parent_of_a_seed_may_be_an_old_row(schema: Load) -> None:
    made = schema(
        TIER + "@table\nclass B:\n    id: Annotated[int, Key]\n    tier: Tier\nX = B(id=1, tier=Tier(id=9, name=''))\n"
    )
    assert made.tables[0].seeds == ()
    assert made.tables[1].seeds[0].values == (1, 9)


def test_a_unique_key_without_null_serves_a_table_without_primary_key(schema: Load) -> None:
    made = schema("@table\nclass A:\n    code: Annotated[str, Unique]\n    x: int | None = None\nX = A(code='a')\n")
    assert made.tables[0].seeds[0].columns == ("code",)


def test_a_unique_key_without_null_serves_beside_a_key_that_may_be_null(schema: Load) -> None:
    made = schema(
        """
        @table
        class A:
            code: Annotated[str | None, Key]
            name: Annotated[str, Unique]
        X = A(code=None, name="a")
        """
    )
    assert made.tables[0].seeds[0].values == (None, "a")


@pytest.mark.parametrize("options", ["strict=True", "without_rowid=True"])
def test_where_a_key_forbids_null_none_may_be_said_of_it(schema: Load, options: str) -> None:
    made = schema(f"@table({options})\nclass A:\n    code: Annotated[str | None, Key]\nX = A(code='a')\n")
    assert made.tables[0].seeds[0].values == ("a",)


def test_the_place_is_the_line_of_the_row(schema: Load) -> None:
    made = schema(TIER + "ROWS = [\n    Tier(id=1, name='a'),\n    Tier(id=2,\n        name='b'),\n]\n")
    lines = [seed.place.line for seed in made.tables[0].seeds]
    file = made.file
    assert made.tables[0].seeds[0].place == Place(file, lines[0])
    text = file.read_text().splitlines()
    assert [text[line - 1].strip() for line in lines] == ["Tier(id=1, name='a'),", "Tier(id=2,"]


def test_rows_made_by_replace(schema: Load) -> None:
    found = rows(schema, "import dataclasses\nA = Tier(id=1, name='a')\nB = dataclasses.replace(A, id=2)\n")
    assert [row["id"] for row, _ in found] == [1, 2]


MISTAKES = {
    "no key": ("X = Tier(name='a')  # <-\n", "does not give its key: id", "give the key"),
    "half a key": (
        "@table\nclass B:\n    a: Annotated[int, Key]\n    b: Annotated[int, Key, Default(sql='1')] = auto()\n"
        "X = B(a=1)  # <-\n",
        "does not give its key: b",
        "give the key",
    ),
    "a table without key": (
        "@table\nclass B:\n    a: int\nX = B(a=1)  # <-\n",
        "b has no key without NULL, so its seed rows can't be found again",
        "give it a Key",
    ),
    "a key that may be NULL": (
        "@table\nclass B:\n    a: Annotated[str | None, Key]\n    b: int\nX = B(a='a', b=1)  # <-\n",
        "b has no key without NULL, so its seed rows can't be found again",
        "without None",
    ),
    "a part of a key that may be NULL": (
        "@table(key=['a', 'b'])\nclass B:\n    a: int\n    b: int | None\nX = B(a=1, b=1)  # <-\n",
        "b has no key without NULL, so its seed rows can't be found again",
        "without None",
    ),
    "not the key by which the rows are found": (
        "@table\nclass B:\n    b: Annotated[str, Unique]\n    a: Annotated[str, Unique] = 'x'\nX = B(b='b')  # <-\n",
        "this seed row of b does not give its key: a",
        "give the key",
    ),
    "a key twice": (
        "X = Tier(id=1, name='a')\nY = Tier(id=1, name='b')  # <-\n",
        "this seed row does not fit into tier: UNIQUE constraint failed: tier.id",
        "correct the row",
    ),
    "a key twice that the table would ignore": (
        "@table\nclass B:\n    a: Annotated[int, Key(on_conflict='IGNORE')]\nX = B(a=1)\nY = B(a=1)  # <-\n",
        "UNIQUE constraint failed: b.a",
        "correct the row",
    ),
    "a check": (
        "@table\nclass B:\n    a: Annotated[int, Key, Check('a > 0')]\nX = B(a=0)  # <-\n",
        "CHECK constraint failed: a > 0",
        "correct the row",
    ),
    "None for NOT NULL": ("X = Tier(id=1, name=None)  # <-\n", "NOT NULL constraint failed: tier.name", "correct"),
    "a value without form": ("X = Tier(id=1, name=[1])  # <-\n", "name: [1] has no form in SQLite", "column types"),
    "something else": ("seed([1])  # <-\n", "1 is no row of a table", "instances"),
    "a positional value": ("X = Tier(1, 'a')  # <-\n", "TypeError", "by their names"),
    "an unknown field": ("X = Tier(id=1, name='a', nick='b')  # <-\n", "unexpected keyword argument 'nick'", "correct"),
    "a parent that is no row": (
        "@table\nclass B:\n    id: Annotated[int, Key]\n    tier: Tier\nX = B(id=1, tier=3)  # <-\n",
        "tier is 3, and must be a Tier",
        "give it a Tier",
    ),
    "a parent without key": (
        "@table\nclass B:\n    id: Annotated[int, Key]\n    tier: Tier\nX = B(id=1, tier=Tier(name=''))  # <-\n",
        "tier refers to a row without id",
        "give that row its id",
    ),
}


@each_mistake(MISTAKES)
def test_mistakes(module: str, message: str, hint: str, mistake: Mistake) -> None:
    told = mistake(TIER + module)
    assert message in told.message
    assert hint in told.hint
