"""What plan proposes for columns that are gone and columns that have come. A proposal is never applied by itself."""

from __future__ import annotations

import pytest

from hotmig.errors import SchemaError
from tests.planning.planned import planned

PART = "CREATE TABLE part(sku TEXT PRIMARY KEY NOT NULL); INSERT INTO part VALUES ('a'), ('b')"
BACK = """
    CREATE TABLE shelf(id INTEGER PRIMARY KEY, room TEXT NOT NULL, number INTEGER NOT NULL, UNIQUE (room, number));
    CREATE TABLE item(id INTEGER PRIMARY KEY, shelf_id INTEGER REFERENCES shelf(id));
    INSERT INTO shelf VALUES (1, 'a', 2), (2, 'b', 1); INSERT INTO item VALUES (1, 1), (2, 2), (3, NULL)
"""
USED = "CREATE TABLE used(id INTEGER PRIMARY KEY, sku TEXT NOT NULL REFERENCES part(sku))"
ROWS = "INSERT INTO used(sku) VALUES ('a'), ('b'), ('a')"
MODULE = """
@table
class Part:
    id: Annotated[int, Key] = auto()
    sku: Annotated[str, Unique]
@table
class Used:
    id: Annotated[int, Key] = auto()
    {}
"""


def renamed(old: str, *fields: str) -> list[tuple[str, str, str | None]]:
    return planned(old, MODULE.format("\n    ".join(fields))).of("renamed-column")


def t(columns: str, values: str, fields: str) -> list[tuple[str, str | None]]:
    """One table: the old columns with one row, and the new fields; the proposals are message and line."""
    old = f"CREATE TABLE t(id INTEGER PRIMARY KEY, {columns}); INSERT INTO t VALUES (1, {values})"
    found = planned(old, f"@table\nclass T:\n    id: Annotated[int, Key] = auto()\n    {fields}\n")
    return [(message, fix) for _, message, fix in found.of("renamed-column")]


class TestReferences:
    @pytest.mark.parametrize(
        ("field", "wanted"),
        [
            ("product: Part", 'product: Annotated[Part, Was("sku")]'),
            ("product: Part | None = None", 'product: Annotated[Part | None, Was("sku")] = None'),
        ],
    )
    def test_a_column_that_referred_to_the_parent_is_proposed(self, field: str, wanted: str) -> None:
        old = f"{PART}; {USED}; {ROWS}"
        ((severity, message, fix),) = renamed(old, field)
        assert (severity, message, fix) == (
            "block",
            "used.sku (3 values) is gone and used.product_id has come: the reference to part that sku was?"
            ' If not, give it up: dropped("used", "sku")',
            wanted,
        )
        assert planned(old, MODULE.format(fix)).findings == ()

    def test_where_no_row_tells_that_it_is_gone(self) -> None:
        message = (
            "used.product_id is NOT NULL and the rows of used have no value for it:"
            " is it the reference to part that the old used.sku was?"
        )
        found = planned(f"{PART}; {USED}", MODULE.format("product: Part"))
        assert found.of("no-value") == [("block", message, 'product: Annotated[Part, Was("sku")]')]

    def test_where_it_goes_on_as_a_plain_column_too(self) -> None:
        fields = ("product: Part", "sku: str")
        found = planned(f"{PART}; {USED}; {ROWS}", MODULE.format("\n    ".join(fields)))
        ((_, _, first),) = found.of("no-value")
        assert first == 'product: Annotated[Part, Was("sku")]'
        # Pasted alone, it takes the column away from the other field: that is told, and how to have both.
        found = planned(f"{PART}; {USED}; {ROWS}", MODULE.format(f"{first}\n    sku: str"))
        ((severity, message, second),) = found.of("no-value")
        assert (severity, second) == ("block", 'sku: Annotated[str, From("sku")]')
        assert message.endswith(": the old used.sku goes to product_id by its Was; it needs a default or a From")
        assert planned(f"{PART}; {USED}; {ROWS}", MODULE.format(f"{first}\n    {second}")).findings == ()

    def test_what_was_given_up_is_not_proposed(self) -> None:
        found = planned(f"{PART}; {USED}; {ROWS}", MODULE.format("product: Part") + 'dropped("used", "sku")')
        assert [each.fix for each in found.findings] == ['product: Annotated[Part, From("SQL over the old row")]']

    def test_each_reference_gets_the_one_whose_name_is_most_like_it(self) -> None:
        columns = "id INTEGER PRIMARY KEY, main_sku TEXT REFERENCES part, spare_sku TEXT REFERENCES part"
        old = f"CREATE TABLE used({columns}); INSERT INTO used VALUES (1, 'a', 'b')"
        found = renamed(f"{PART}; {old}", "spare: Part | None", "main_part: Part | None")
        assert {fix for _, _, fix in found} == {
            'spare: Annotated[Part | None, Was("spare_sku")]',
            'main_part: Annotated[Part | None, Was("main_sku")]',
        }

    def test_one_that_is_followed_already_is_not_proposed_again(self) -> None:
        fields = ('part: Annotated[Part, Was("sku")]', "other: Part")
        ((_, message, fix),) = planned(f"{PART}; {USED}; {ROWS}", MODULE.format("\n    ".join(fields))).of("no-value")
        assert message.endswith(": it needs a default or a From")
        assert fix == 'other: Annotated[Part, From("SQL over the old row")]'

    def test_the_columns_of_a_composite_reference_get_one_message(self) -> None:
        old = """
            CREATE TABLE shelf(room TEXT NOT NULL, number INT NOT NULL, PRIMARY KEY (room, number));
            CREATE TABLE book(id INTEGER PRIMARY KEY, r TEXT, n INT, FOREIGN KEY (n, r) REFERENCES shelf(number, room));
            INSERT INTO shelf VALUES ('a', 1); INSERT INTO book VALUES (1, 'a', 1), (2, NULL, NULL)
        """
        module = """
@table{}
class Shelf:
    {}
@table
class Book:
    id: Annotated[int, Key] = auto()
    {}
"""
        fields = "room: str\n    number: Annotated[int, ColumnType('INT')]"
        new_key = ("(unique=[('room', 'number')])", f"id: Annotated[int, Key] = auto()\n    {fields}")
        ((_, _, fix),) = planned(old, module.format(*new_key, "shelf: Shelf | None")).of("renamed-column")
        assert fix == 'shelf: Annotated[Shelf | None, Was("n", "r")]'
        assert planned(old, module.format(*new_key, fix)).findings == ()
        kept_key = ("(key=['room', 'number'])", fields)
        ((_, message, fix),) = planned(old, module.format(*kept_key, "shelf: Shelf | None")).of("renamed-column")
        # As many columns as before: in the order in which the new reference has them.
        assert fix == 'shelf: Annotated[Shelf | None, Was("r", "n")]'
        assert message == (
            "book.r (1 value), book.n (1 value) are gone and book.shelf_room, book.shelf_number have come:"
            " the reference to shelf that r, n were?"
            ' If not, give them up: dropped("book", "r"); dropped("book", "n")'
        )
        assert planned(old, module.format(*kept_key, fix)).findings == ()

    def test_one_column_is_not_proposed_for_what_several_referred_to(self) -> None:
        old = """
            CREATE TABLE shelf(room TEXT NOT NULL, number INT NOT NULL, PRIMARY KEY (room, number));
            CREATE TABLE book(id INTEGER PRIMARY KEY, room TEXT, number INT);
            INSERT INTO shelf VALUES ('a', 1); INSERT INTO book VALUES (1, 'a', 1)
        """
        module = """
@table(unique=[("room", "number")])
class Shelf:
    id: Annotated[int, Key] = auto()
    room: str
    number: Annotated[int, ColumnType("INT")]
@table
class Book:
    id: Annotated[int, Key] = auto()
    shelf: {}
"""
        found = planned(old, module.format("Shelf | None"))
        assert [each.fix for each in found.blocking] == ['dropped("book", "room")', 'dropped("book", "number")']
        assert planned(old, module.format('Annotated[Shelf | None, Was("room", "number")]')).findings == ()

    @pytest.mark.parametrize(
        ("fields", "wanted"),
        [
            ("shelf: Shelf | None", 'shelf: Annotated[Shelf | None, Was("shelf_id")]'),
            (
                "room: str | None = None\n    number: int | None = None",
                'room: Annotated[str | None, Was("shelf_id")] = None',
            ),
        ],
    )
    def test_one_column_that_alone_was_the_reference_is_proposed_for_several(self, fields: str, wanted: str) -> None:
        module = """
@table(key=["room", "number"])
class Shelf:
    room: str
    number: int
@table(foreign_keys=[{}])
class Item:
    id: Annotated[int, Key] = auto()
    {}
dropped("shelf", "id")
"""
        whole = 'ForeignKey(("room", "number"), Shelf)' if "room" in fields else ""
        ((_, message, fix),) = planned(BACK, module.format(whole, fields)).of("renamed-column")
        assert fix == wanted
        assert message.startswith("item.shelf_id (2 values) is gone and item.")
        assert ": the reference to shelf that shelf_id was?" in message
        pasted = fields.replace(fields.partition("\n")[0], str(fix))
        found = planned(BACK, module.format(whole, pasted))
        assert found.blocking == ()
        (translation,) = found.step("item").translations
        assert (translation.columns, translation.value_columns) == (("shelf_id",), ("room", "number"))

    def test_a_part_that_has_its_value_keeps_it(self) -> None:
        old = """
            CREATE TABLE orders(id INTEGER PRIMARY KEY, tenant INT NOT NULL, n INT NOT NULL, UNIQUE (tenant, n));
            CREATE TABLE line(id INTEGER PRIMARY KEY, tenant INT NOT NULL, order_id INT NOT NULL REFERENCES orders);
            INSERT INTO orders VALUES (7, 1, 1); INSERT INTO line VALUES (1, 1, 7)
        """
        module = """
@table("orders", key=["tenant", "n"])
class Order:
    tenant: int
    n: int
@table(foreign_keys=[ForeignKey(("tenant", "n"), Order)])
class Line:
    id: Annotated[int, Key] = auto()
    tenant: int
    {}
dropped("orders", "id")
"""
        ((_, _, fix),) = planned(old, module.format("n: int")).of("renamed-column")
        assert fix == 'n: Annotated[int, Was("order_id")]'
        found = planned(old, module.format(fix))
        assert found.blocking == ()
        assert [each.targets for each in found.step("line").translations] == [("n",)]


class TestKeys:
    @pytest.mark.parametrize("field", ["number: int | None", "number: int"])
    @pytest.mark.parametrize("gone", ["number_id INTEGER PRIMARY KEY", "number_id INT REFERENCES p"])
    def test_a_key_or_a_reference_is_no_ordinary_column_now(self, gone: str, field: str) -> None:
        other = "code TEXT NOT NULL UNIQUE" if "KEY" in gone else "code TEXT PRIMARY KEY NOT NULL"
        old = f"CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t({other}, {gone}); INSERT INTO p VALUES (1);"
        parent = "@table\nclass P:\n    id: Annotated[int, Key]\n"
        module = f"{parent}@table\nclass T:\n    code: Annotated[str, Key]\n    {field}\n"
        found = planned(f"{old} INSERT INTO t VALUES ('a', 1)", module)
        assert found.of("renamed-column") == []
        assert [each.fix for each in found.blocking if each.check == "dropped-column"] == ['dropped("t", "number_id")']

    def test_a_key_is_renamed_as_a_key(self) -> None:
        old = "CREATE TABLE t(code TEXT PRIMARY KEY NOT NULL, x INT); INSERT INTO t VALUES ('a', 1)"
        module = "@table\nclass T:\n    name: Annotated[str, Key]\n    x: int | None\n"
        assert [fix for _, _, fix in planned(old, module).of("renamed-column")] == [
            'name: Annotated[str, Key, Was("code")]'
        ]


class TestColumns:
    def test_a_nullable_one_of_another_type(self) -> None:
        ((message, fix),) = t("paid REAL", "1.5", "paid_cents: int | None = None")
        assert 'The same values: Was("paid"). Computed from them: say how. Neither: dropped("t", "paid")' in message
        assert fix == 'paid_cents: Annotated[int | None, From("SQL over the old row")] = None'

    def test_one_that_was_divided_is_computed_for_each(self) -> None:
        found = t("name TEXT NOT NULL", "'Ann Lee'", "first_name: str\n    last_name: str\n    note: str | None")
        assert found == [
            (
                f't.name (1 value) is gone and t.{name} has come. The same values: Was("name").'
                ' Computed from them: say how. Neither: dropped("t", "name")',
                f'{name}: Annotated[str, From("SQL over the old row")]',
            )
            for name in ("first_name", "last_name")
        ]

    def test_of_the_same_type(self) -> None:
        message = 't.mail (1 value) is gone and t.email has come: renamed? If not, give it up: dropped("t", "mail")'
        assert t("mail TEXT", "'x'", "email: str | None") == [(message, 'email: Annotated[str | None, Was("mail")]')]

    def test_of_another_type_no_value_is_proposed(self) -> None:
        ((message, fix),) = t("price REAL NOT NULL", "19.9", "price_cents: int")
        assert message == (
            't.price (1 value) is gone and t.price_cents has come, of another type. The same values: Was("price").'
            ' Computed from them: say how. Neither: dropped("t", "price")'
        )
        assert fix == 'price_cents: Annotated[int, From("SQL over the old row")]'

    def test_the_line_of_another_type_is_refused_as_it_stands(self) -> None:
        ((_, fix),) = t("price REAL NOT NULL", "19.9", "price_cents: int")
        with pytest.raises(SchemaError, match="is no SQL expression"):
            t("price REAL NOT NULL", "19.9", str(fix))

    def test_names_go_before_types(self) -> None:
        found = t("price REAL, amount INT", "1.5, 2", "price_cents: int | None\n    amount_sold: int | None")
        assert {fix for _, fix in found} == {
            'price_cents: Annotated[int | None, From("SQL over the old row")]',
            'amount_sold: Annotated[int | None, Was("amount")]',
        }

    def test_of_several_that_are_alike_the_most_alike_is_proposed(self) -> None:
        ((_, fix),) = t("zip_city TEXT, town_city TEXT", "'x', 'y'", "town: str | None")
        assert fix == 'town: Annotated[str | None, Was("town_city")]'

    def test_names_that_have_nothing_in_common_are_no_pair(self) -> None:
        assert t("nickname TEXT", "'x'", "born: int | None") == []

    def test_of_several_without_a_name_in_common_none_is_a_pair(self) -> None:
        """Pasted, a line for ``tier`` would have filled the first names with it."""
        old = "full_name TEXT NOT NULL, tier TEXT NOT NULL"
        found = t(old, "'Ada Lovelace', 'gold'", "first_name: str\n    last_name: str")
        assert [fix for _, fix in found] == ['last_name: Annotated[str, Was("full_name")]']
        # Where nothing else could be meant they are.
        found = t(old, "'Ada Lovelace', 'gold'", "full_names: str\n    level: str")
        assert [fix for _, fix in found] == [
            'full_names: Annotated[str, Was("full_name")]',
            'level: Annotated[str, Was("tier")]',
        ]
        ((_, fix),) = t("tier TEXT NOT NULL", "'gold'", "level: str")
        assert fix == 'level: Annotated[str, Was("tier")]'

    def test_columns_of_other_types_are_in_nobodys_way(self) -> None:
        found = t("tier TEXT, born INTEGER", "'gold', 1999", "level: str | None\n    made: int | None")
        assert [fix for _, fix in found] == [
            'level: Annotated[str | None, Was("tier")]',
            'made: Annotated[int | None, Was("born")]',
        ]

    def test_where_none_is_a_pair_the_way_to_say_one_is_told(self) -> None:
        old = "CREATE TABLE t(id INTEGER PRIMARY KEY, tier TEXT, street TEXT); INSERT INTO t VALUES (1, 'x', 'y')"
        new = "@table\nclass T:\n    id: Annotated[int, Key] = auto()\n    level: str | None\n    road: str | None\n"
        found = planned(old, new).of("dropped-column")
        assert [message for _, message, _ in found] == [
            f't.{name} holds 1 value and has no successor; if level or road goes on with it, say Was("{name}") there'
            for name in ("tier", "street")
        ]

    def test_a_new_key_is_computed_from_nothing(self) -> None:
        old = "CREATE TABLE t(uid TEXT PRIMARY KEY NOT NULL); INSERT INTO t VALUES ('x')"
        found = planned(old, "@table\nclass T:\n    uid_number: Annotated[int, Key] = auto()\n")
        assert [each.check for each in found.blocking] == ["dropped-column"]

    def test_a_reference_whose_old_column_was_none_by_declaration(self) -> None:
        used = "CREATE TABLE used(id INTEGER PRIMARY KEY, product TEXT); INSERT INTO used VALUES (1, 'a'), (2, 'x')"
        old = f"{PART}; {used}"
        ((_, _, fix),) = renamed(old, "product: Part | None")
        assert fix == 'product: Annotated[Part | None, Was("product")]'
        # Values that mean no row of the parent don't get past it.
        assert [each.check for each in planned(old, MODULE.format(fix)).blocking] == ["orphans"]
