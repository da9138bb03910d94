"""Old columns that together were one reference: the parent of a composite key gets a key of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.transfer.proof import prove
from hotmig.transfer.replay import replay
from hotmig.transfer.session import Session
from tests.transfer import building
from tests.transfer.building import Case, rules, schema


def ignore(_table: str, _rows: int) -> None:
    pass


SHELF = {
    "rowid table": "CREATE TABLE shelf(room TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (room, number))",
    "without rowid": "CREATE TABLE shelf(room TEXT, number INTEGER, PRIMARY KEY (room, number)) WITHOUT ROWID",
    "key that may be NULL": "CREATE TABLE shelf(room TEXT, number INTEGER, PRIMARY KEY (room, number))",
    "key of two collations": "CREATE TABLE shelf(room TEXT NOT NULL COLLATE NOCASE, number INTEGER NOT NULL,"
    " PRIMARY KEY (number, room COLLATE BINARY), UNIQUE (room, number))",
    "key in another order": "CREATE TABLE shelf(room TEXT NOT NULL, number INTEGER NOT NULL,"
    " PRIMARY KEY (number, room))",
}
REFERENCE = "FOREIGN KEY (room, number) REFERENCES shelf(room, number)"
NEW_SHELF = "CREATE TABLE shelf(id INTEGER PRIMARY KEY, room TEXT, number INTEGER, UNIQUE (room, number))"
NEW_BOOK = (
    "CREATE TABLE book(id INTEGER PRIMARY KEY, title TEXT, shelf_id INTEGER REFERENCES shelf(id) ON DELETE SET NULL)"
)
BOOKS = "SELECT book.id, room, shelf.number FROM book LEFT JOIN shelf ON shelf.id = shelf_id ORDER BY 1"


def library(tmp_path: Path, shelf: str, more: Sequence[str] = (), book: str = REFERENCE, **said: object) -> Case:
    old = [
        shelf,
        f"CREATE TABLE book(id INTEGER PRIMARY KEY, title TEXT, room TEXT, number INTEGER, {book})",
        "INSERT INTO shelf VALUES ('a', 2), ('b', 1), ('b', 2)",
        "INSERT INTO book VALUES (1, 'A', 'a', 2), (2, 'B', 'b', 2), (3, 'C', NULL, NULL), (4, 'D', 'b', 1)",
        *more,
    ]
    together = rules("book", shelf_id={"together": ("room", "number"), **said})  # type: ignore[dict-item]
    return Case(tmp_path, old, schema([NEW_SHELF, NEW_BOOK], [together]))


def replayed(case: Case, session: Session, *writes: str) -> list[tuple[object, ...]]:
    return building.replayed(BOOKS, case, session, *writes)


@pytest.mark.parametrize("shelf", SHELF.values(), ids=SHELF.keys())
def test_children_follow_the_row_that_their_columns_meant(tmp_path: Path, shelf: str) -> None:
    case = library(tmp_path, shelf)
    case.write("PRAGMA foreign_keys = ON")
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows(BOOKS) == [(1, "a", 2), (2, "b", 2), (3, None, None), (4, "b", 1)]
        assert replayed(
            case,
            session,
            "UPDATE book SET room = 'b', number = 1 WHERE id = 1",
            "UPDATE book SET number = 1 WHERE id = 2",
            "UPDATE book SET room = 'a', number = 2 WHERE id = 3",
            "INSERT INTO shelf VALUES ('c', 9)",
            "INSERT INTO book VALUES (5, 'E', 'c', 9)",
        ) == [(1, "b", 1), (2, "b", 1), (3, "a", 2), (4, "b", 1), (5, "c", 9)]


def test_what_is_null_in_part_refers_to_nothing(tmp_path: Path) -> None:
    case = library(tmp_path, SHELF["rowid table"], ["INSERT INTO book VALUES (5, 'E', 'b', NULL)"])
    case.write("PRAGMA foreign_keys = ON")
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows(BOOKS)[4] == (5, None, None)
        assert replayed(
            case,
            session,
            "UPDATE book SET number = NULL WHERE id = 1",
            "UPDATE book SET room = NULL WHERE id = 2",
            "UPDATE book SET number = 2 WHERE id = 5",
            "INSERT INTO book VALUES (6, 'F', NULL, 7)",
        ) == [(1, None, None), (2, None, None), (3, None, None), (4, "b", 1), (5, "b", 2), (6, None, None)]


@pytest.mark.parametrize(
    ("action", "left"),
    [
        ("ON DELETE CASCADE", [(1, "a", 2), (3, None, None)]),
        ("ON DELETE SET NULL", [(1, "a", 2), (2, None, None), (3, None, None), (4, None, None)]),
    ],
)
def test_a_parent_that_is_deleted_takes_its_children_along_as_the_old_schema_says(
    tmp_path: Path, action: str, left: list[tuple[object, ...]]
) -> None:
    case = library(tmp_path, SHELF["rowid table"], book=f"{REFERENCE} {action}")
    case.write("PRAGMA foreign_keys = ON")
    case.record()
    with case.session() as session:
        case.copy(session)
        assert replayed(case, session, "DELETE FROM shelf WHERE room = 'b'") == left
        assert case.new_rows("SELECT room, number FROM shelf") == [("a", 2)]


def test_a_key_that_moves_by_cascade_keeps_its_children(tmp_path: Path) -> None:
    case = library(tmp_path, SHELF["rowid table"], book=f"{REFERENCE} ON UPDATE CASCADE")
    case.write("PRAGMA foreign_keys = ON")
    case.record()
    with case.session() as session:
        case.copy(session)
        found = replayed(case, session, "UPDATE shelf SET room = 'z', number = number + 10 WHERE room = 'b'")
        assert found == [(1, "a", 2), (2, "z", 12), (3, None, None), (4, "z", 11)]


def test_a_reference_to_no_row_is_refused_or_becomes_null(tmp_path: Path) -> None:
    lost = ["INSERT INTO book VALUES (5, 'E', 'a', 1)"]
    (tmp_path / "refused").mkdir()
    case = library(tmp_path / "refused", SHELF["rowid table"], lost)
    case.record()
    with case.session() as session, pytest.raises(Refused, match=r'refers to no row of "shelf"'):
        case.copy(session)
    case = library(tmp_path, SHELF["rowid table"], lost, orphans="null")
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows(BOOKS)[4] == (5, None, None)
        assert replayed(case, session, "INSERT INTO shelf VALUES ('a', 1)")[4] == (5, "a", 1)
        assert replayed(case, session, "DELETE FROM shelf WHERE room = 'a'")[4] == (5, None, None)


def test_without_a_declared_foreign_key_the_columns_stand_in_the_order_of_the_old_key(tmp_path: Path) -> None:
    case = library(tmp_path, SHELF["rowid table"], book="CHECK (1)")
    case.record()
    with case.session() as session:
        case.copy(session)
        assert replayed(case, session, "UPDATE book SET room = 'b' WHERE id = 1")[0] == (1, "b", 2)


def test_a_row_that_is_found_by_the_reference_itself(tmp_path: Path) -> None:
    """An extension record: its key is the reference, of two columns before and of one now."""
    old = [
        SHELF["rowid table"],
        f"CREATE TABLE label(room TEXT NOT NULL, number INTEGER NOT NULL, word TEXT, PRIMARY KEY (room, number),"
        f" {REFERENCE} ON DELETE CASCADE)",
        "INSERT INTO shelf VALUES ('a', 2), ('b', 1), ('b', 2)",
        "INSERT INTO label VALUES ('b', 2, 'x'), ('a', 2, 'y')",
    ]
    new = [NEW_SHELF, "CREATE TABLE label(shelf_id INTEGER PRIMARY KEY REFERENCES shelf(id), word TEXT)"]
    labels = "SELECT room, number, word FROM label JOIN shelf ON shelf.id = shelf_id ORDER BY word"
    case = Case(tmp_path, old, schema(new, [rules("label", shelf_id={"together": ("room", "number")})]))  # type: ignore[dict-item]
    case.write("PRAGMA foreign_keys = ON")
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows(labels) == [("b", 2, "x"), ("a", 2, "y")]
        case.write(
            "UPDATE label SET number = 1 WHERE room = 'b'",
            "DELETE FROM shelf WHERE room = 'a'",
            "INSERT INTO shelf VALUES ('c', 3)",
            "INSERT INTO label VALUES ('c', 3, 'z')",
        )
        replay(session)
        prove(session, ignore)
    assert case.new_rows(labels) == [("b", 1, "x"), ("c", 3, "z")]


def test_one_part_of_the_reference_can_live_on_and_be_one_itself(tmp_path: Path) -> None:
    """Of many tenants: the tenant's column stays, and the order's number gives way to its new key."""
    old = [
        "CREATE TABLE tenant(id INTEGER PRIMARY KEY)",
        "CREATE TABLE orders(tenant_id INTEGER NOT NULL REFERENCES tenant, n INTEGER NOT NULL,"
        " PRIMARY KEY (tenant_id, n))",
        "CREATE TABLE line(id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant, n INTEGER,"
        " FOREIGN KEY (tenant_id, n) REFERENCES orders)",
        "INSERT INTO tenant VALUES (1), (2)",
        "INSERT INTO orders VALUES (1, 1), (1, 2), (2, 1)",
        "INSERT INTO line VALUES (1, 1, 2), (2, 2, 1), (3, 2, NULL)",
    ]
    new = [
        "CREATE TABLE tenant(id INTEGER PRIMARY KEY)",
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant, n INTEGER NOT NULL)",
        "CREATE TABLE line(id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant,"
        " order_id INTEGER REFERENCES orders)",
    ]
    case = Case(tmp_path, old, schema(new, [rules("line", order_id={"together": ("tenant_id", "n")})]))  # type: ignore[dict-item]
    lines = "SELECT line.id, line.tenant_id, orders.tenant_id, n FROM line LEFT JOIN orders ON orders.id = order_id"
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows(f"{lines} ORDER BY 1") == [(1, 1, 1, 2), (2, 2, 2, 1), (3, 2, None, None)]
        case.write("UPDATE line SET tenant_id = 1 WHERE id = 2", "UPDATE line SET n = 1 WHERE id = 3")
        replay(session)
        prove(session, ignore)
    assert case.new_rows(f"{lines} ORDER BY 1") == [(1, 1, 1, 2), (2, 1, 1, 1), (3, 2, 2, 1)]
