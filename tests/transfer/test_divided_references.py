"""An old column that alone was a reference, of several columns now: the way back from a key of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.planning.model import Translation
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from hotmig.transfer.session import Session
from tests.transfer import building
from tests.transfer.building import Case, rules, schema


def ignore(_table: str, _rows: int) -> None:
    pass


OLD = (
    "CREATE TABLE shelf(id INTEGER PRIMARY KEY, room TEXT NOT NULL, number INTEGER NOT NULL, UNIQUE (room, number))",
    "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, shelf_id INTEGER REFERENCES shelf(id))",
    "INSERT INTO shelf VALUES (1, 'a', 2), (2, 'b', 1), (3, 'b', 2)",
    "INSERT INTO item VALUES (1, 'A', 1), (2, 'B', 3), (3, 'C', NULL), (4, 'D', 2)",
)
NEW = (
    "CREATE TABLE shelf(room TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (room, number))",
    "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, room TEXT, number INTEGER,"
    " FOREIGN KEY (room, number) REFERENCES shelf(room, number))",
)
ITEMS = "SELECT id, room, number FROM item ORDER BY 1"
FOLLOWED = Translation(("shelf_id",), "shelf", "shelf", ("id",), ("room", "number"), ("room", "number"), "refuse")

# However it is said: of the whole reference, of one of its columns, or of each.
SAID = {
    "reference": {"room": {"together": ("shelf_id",)}, "number": {"together": ("shelf_id",)}},
    "first column": {"room": {"was": "shelf_id"}},
    "last column": {"number": {"was": "shelf_id"}},
    "each column": {"room": {"was": "shelf_id"}, "number": {"was": "shelf_id"}},
}


def replayed(case: Case, session: Session, *writes: str) -> list[tuple[object, ...]]:
    return building.replayed(ITEMS, case, session, *writes)


@pytest.mark.parametrize("said", SAID.values(), ids=SAID.keys())
def test_all_columns_follow_the_row_that_the_one_meant(tmp_path: Path, said: dict[str, dict[str, str]]) -> None:
    case = Case(tmp_path, OLD, schema(NEW, [rules("item", **said)]))
    step = case.plan.step("item")
    assert step is not None
    assert step.translations == (FOLLOWED,)
    case.write("PRAGMA foreign_keys = ON")
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows(ITEMS) == [(1, "a", 2), (2, "b", 2), (3, None, None), (4, "b", 1)]
        assert replayed(
            case,
            session,
            "UPDATE item SET shelf_id = 2 WHERE id = 1",
            "UPDATE item SET shelf_id = NULL WHERE id = 4",
            "UPDATE item SET shelf_id = 1 WHERE id = 3",
            "UPDATE shelf SET room = 'z' WHERE id = 3",
            "INSERT INTO shelf VALUES (9, 'c', 9)",
            "INSERT INTO item VALUES (5, 'E', 9)",
        ) == [(1, "b", 1), (2, "z", 2), (3, "a", 2), (4, None, None), (5, "c", 9)]
        # Two rows exchange their places: none of their items is written.
        assert replayed(
            case,
            session,
            "UPDATE shelf SET room = 'x' WHERE id = 1",
            "UPDATE shelf SET room = 'a', number = 2 WHERE id = 2",
            "UPDATE shelf SET room = 'b', number = 1 WHERE id = 1",
        ) == [(1, "a", 2), (2, "z", 2), (3, "b", 1), (4, None, None), (5, "c", 9)]
        assert case.new_rows("SELECT room, number FROM shelf ORDER BY 1, 2") == [
            ("a", 2),
            ("b", 1),
            ("c", 9),
            ("z", 2),
        ]


@pytest.mark.parametrize(
    ("action", "left"),
    [
        ("ON DELETE CASCADE", [(1, "a", 2), (3, None, None), (4, "b", 1)]),
        ("ON DELETE SET NULL", [(1, "a", 2), (2, None, None), (3, None, None), (4, "b", 1)]),
    ],
)
def test_a_parent_that_is_deleted(tmp_path: Path, action: str, left: list[tuple[object, ...]]) -> None:
    old = [OLD[0], OLD[1].replace("shelf(id)", f"shelf(id) {action}"), *OLD[2:]]
    case = Case(tmp_path, old, schema(NEW, [rules("item", room={"was": "shelf_id"})]))
    case.write("PRAGMA foreign_keys = ON")
    case.record()
    with case.session() as session:
        case.copy(session)
        assert replayed(case, session, "DELETE FROM shelf WHERE id = 3") == left


def test_without_a_declared_foreign_key_it_is_the_old_key(tmp_path: Path) -> None:
    old = [OLD[0], OLD[1].replace(" REFERENCES shelf(id)", ""), *OLD[2:]]
    case = Case(tmp_path, old, schema(NEW, [rules("item", **SAID["each column"])]))
    case.record()
    with case.session() as session:
        case.copy(session)
        assert replayed(case, session, "UPDATE item SET shelf_id = 2 WHERE id = 1")[0] == (1, "b", 1)


def test_a_part_that_lived_on_under_its_own_name_stays_as_it_is(tmp_path: Path) -> None:
    """Of many tenants: the tenant's column stays, and the order's number comes back."""
    old = [
        "CREATE TABLE tenant(id INTEGER PRIMARY KEY)",
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant, n INTEGER NOT NULL,"
        " UNIQUE (tenant_id, n))",
        "CREATE TABLE line(id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant,"
        " order_id INTEGER REFERENCES orders)",
        "INSERT INTO tenant VALUES (1), (2)",
        "INSERT INTO orders VALUES (7, 1, 1), (8, 1, 2), (9, 2, 1)",
        "INSERT INTO line VALUES (1, 1, 8), (2, 2, 9), (3, 2, NULL)",
    ]
    new = [
        "CREATE TABLE tenant(id INTEGER PRIMARY KEY)",
        "CREATE TABLE orders(tenant_id INTEGER NOT NULL REFERENCES tenant, n INTEGER NOT NULL,"
        " PRIMARY KEY (tenant_id, n))",
        "CREATE TABLE line(id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant, n INTEGER,"
        " FOREIGN KEY (tenant_id, n) REFERENCES orders)",
    ]
    case = Case(tmp_path, old, schema(new, [rules("line", n={"was": "order_id"})]))
    step = case.plan.step("line")
    assert step is not None
    beside = (("tenant_id", "tenant_id"),)
    assert step.translations == (
        Translation(("order_id",), "orders", "orders", ("id",), ("n",), ("n",), "refuse", beside),
    )
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows("SELECT * FROM line") == [(1, 1, 2), (2, 2, 1), (3, 2, None)]
        case.write("UPDATE line SET order_id = 7 WHERE id = 1", "UPDATE orders SET n = 5 WHERE id = 9")
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT * FROM line") == [(1, 1, 1), (2, 2, 5), (3, 2, None)]


def test_a_row_that_is_found_by_the_reference_itself(tmp_path: Path) -> None:
    """An extension record: its key is the reference, of one column before and of two now."""
    old = [
        OLD[0],
        "CREATE TABLE label(shelf_id INTEGER PRIMARY KEY REFERENCES shelf(id) ON DELETE CASCADE, word TEXT)",
        OLD[2],
        "INSERT INTO label VALUES (3, 'x'), (1, 'y')",
    ]
    new = [
        NEW[0],
        "CREATE TABLE label(room TEXT NOT NULL, number INTEGER NOT NULL, word TEXT, PRIMARY KEY (room, number),"
        " FOREIGN KEY (room, number) REFERENCES shelf)",
    ]
    labels = "SELECT room, number, word FROM label ORDER BY word"
    case = Case(tmp_path, old, schema(new, [rules("label", room={"was": "shelf_id"})]))
    case.write("PRAGMA foreign_keys = ON")
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows(labels) == [("b", 2, "x"), ("a", 2, "y")]
        case.write(
            "UPDATE label SET shelf_id = 2 WHERE word = 'x'",
            "UPDATE shelf SET room = 'q' WHERE id = 2",
            "DELETE FROM shelf WHERE id = 1",
            "INSERT INTO shelf VALUES (4, 'c', 3)",
            "INSERT INTO label VALUES (4, 'z')",
        )
        replay(session)
        prove(session, ignore)
    assert case.new_rows(labels) == [("q", 1, "x"), ("c", 3, "z")]


TENANTS = [
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, n INTEGER NOT NULL, UNIQUE (tenant, n))",
    "CREATE TABLE line(id INTEGER PRIMARY KEY, tenant TEXT, order_id INTEGER REFERENCES orders(id))",
    "INSERT INTO orders VALUES (1, 'A', 5), (2, 'B', 5)",
    "INSERT INTO line VALUES (10, 'A', 1), (11, 'B', 2), (12, 'B', NULL)",
]
OF_TENANTS = [
    "CREATE TABLE orders(tenant TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (tenant, n))",
    "CREATE TABLE line(id INTEGER PRIMARY KEY, tenant TEXT, n INTEGER, FOREIGN KEY (tenant, n) REFERENCES orders)",
]
OTHER = r'table "line": order_id refers to a row of "orders" with another tenant\w* than .* with id 10: order_id \d'


def tenants(directory: Path, orphans: str) -> Case:
    case = Case(directory, TENANTS, schema(OF_TENANTS, [rules("line", n={"was": "order_id", "orphans": orphans})]))
    case.record()
    return case


@pytest.mark.parametrize("orphans", ["refuse", "null"])
@pytest.mark.parametrize(
    "write",
    [
        "UPDATE line SET tenant = 'B' WHERE id = 10",
        "UPDATE line SET tenant = 'X' WHERE id = 10",
        "UPDATE line SET tenant = NULL WHERE id = 10",
        "UPDATE line SET order_id = 2 WHERE id = 10",
        "UPDATE orders SET tenant = 'X' WHERE id = 1",
    ],
    ids=["another row", "no row", "nothing", "another order", "of the parent"],
)
def test_the_part_that_stays_names_the_same_row(tmp_path: Path, write: str, orphans: str) -> None:
    """(B, 5) is an order too, and not the one that the line was of."""
    case = tenants(tmp_path, orphans)
    with case.session() as session:
        case.copy(session)
        case.write(write)
        with pytest.raises(Refused, match=OTHER):
            replay(session)
        case.write(
            "UPDATE orders SET tenant = 'A' WHERE id = 1", "UPDATE line SET tenant = 'A', order_id = 1 WHERE id = 10"
        )
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT * FROM line") == [(10, "A", 5), (11, "B", 5), (12, "B", None)]


def test_the_copy_knows_it_too(tmp_path: Path) -> None:
    case = Case(
        tmp_path,
        [*TENANTS, "UPDATE line SET tenant = 'B' WHERE id = 10"],
        schema(OF_TENANTS, [rules("line", n={"was": "order_id"})]),
    )
    case.record()
    with case.session() as session, pytest.raises(Refused, match=OTHER):
        case.copy(session)


def test_an_orphan_is_still_one(tmp_path: Path) -> None:
    case = tenants(tmp_path, "null")
    with case.session() as session:
        case.copy(session)
        case.write("DELETE FROM orders WHERE id = 1")
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT * FROM line WHERE id = 10") == [(10, "A", None)]


def test_where_the_part_that_stays_follows_a_third_table(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE tenant(name TEXT NOT NULL PRIMARY KEY)",
        TENANTS[0].replace("tenant TEXT NOT NULL", "tenant TEXT NOT NULL REFERENCES tenant"),
        TENANTS[1].replace("tenant TEXT", "tenant TEXT REFERENCES tenant"),
        "INSERT INTO tenant VALUES ('A'), ('B')",
        *TENANTS[2:],
    ]
    new = [
        "CREATE TABLE tenant(id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
        "CREATE TABLE orders(tenant_id INTEGER NOT NULL REFERENCES tenant, n INTEGER NOT NULL,"
        " PRIMARY KEY (tenant_id, n))",
        "CREATE TABLE line(id INTEGER PRIMARY KEY, tenant_id INTEGER REFERENCES tenant, n INTEGER,"
        " FOREIGN KEY (tenant_id, n) REFERENCES orders)",
    ]
    said = [
        rules("orders", tenant_id={"was": "tenant"}),
        rules("line", tenant_id={"was": "tenant"}, n={"was": "order_id"}),
    ]
    case = Case(tmp_path, old, schema(new, said))
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows("SELECT * FROM line") == [(10, 1, 5), (11, 2, 5), (12, 2, None)]
        case.write("UPDATE line SET tenant = 'B' WHERE id = 10")
        with pytest.raises(Refused, match=OTHER):
            replay(session)


def test_where_the_parents_key_is_made_anew_a_change_beside_it_is_seen(tmp_path: Path) -> None:
    """The new key itself never changes, and the line's other half of the reference does."""
    old = [
        "CREATE TABLE orders(code TEXT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL)",
        "CREATE TABLE line(id INTEGER PRIMARY KEY, tenant TEXT, order_id TEXT REFERENCES orders(code))",
        "INSERT INTO orders VALUES ('x', 'A'), ('y', 'B')",
        "INSERT INTO line VALUES (10, 'A', 'x'), (11, 'B', 'y')",
    ]
    new = [
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, code TEXT, tenant TEXT NOT NULL, UNIQUE (tenant, id))",
        "CREATE TABLE line(id INTEGER PRIMARY KEY, tenant TEXT, n INTEGER,"
        " FOREIGN KEY (tenant, n) REFERENCES orders(tenant, id))",
    ]
    case = Case(tmp_path, old, schema(new, [rules("line", n={"was": "order_id"})]))
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows("SELECT * FROM line") == [(10, "A", 1), (11, "B", 2)]
        case.write("UPDATE orders SET tenant = 'B' WHERE code = 'x'")
        with pytest.raises(Refused, match=OTHER.replace(r"\d", "'x'")):
            replay(session)


def test_two_references_that_are_divided_into_the_same_columns(tmp_path: Path) -> None:
    old = [
        *(f"CREATE TABLE {name}(id INTEGER PRIMARY KEY, x INTEGER, y INTEGER, UNIQUE (x, y))" for name in "pq"),
        "CREATE TABLE c(id INTEGER PRIMARY KEY, a INTEGER REFERENCES p(id), b INTEGER REFERENCES q(id))",
        "INSERT INTO p VALUES (1, 5, 6), (2, 7, 8)",
        "INSERT INTO q VALUES (3, 5, 6), (4, 7, 8)",
        "INSERT INTO c VALUES (10, 1, 3), (11, 2, 4)",
    ]
    new = [
        *(f"CREATE TABLE {name}(x INTEGER NOT NULL, y INTEGER NOT NULL, PRIMARY KEY (x, y))" for name in "pq"),
        "CREATE TABLE c(id INTEGER PRIMARY KEY, x INTEGER, y INTEGER, FOREIGN KEY (x, y) REFERENCES p,"
        " FOREIGN KEY (x, y) REFERENCES q)",
    ]
    case = Case(tmp_path, old, schema(new, [rules("c", x={"was": "b"}, y={"was": "a"})]))
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows("SELECT * FROM c") == [(10, 5, 6), (11, 7, 8)]
        case.write("UPDATE c SET a = 2 WHERE id = 10")
        with pytest.raises(Refused, match=r'refers to a row of "p" with another x than its own .* with id 10: a 2'):
            replay(session)
