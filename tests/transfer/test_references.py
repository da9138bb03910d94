"""References follow their parent rows: translated by SQLite's own comparison, widened when the parent is logged."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.errors import Refused
from hotmig.sqlite import value
from hotmig.transfer.copy import copy_all
from hotmig.transfer.proof import prove
from hotmig.transfer.references import check_all
from hotmig.transfer.replay import replay
from tests.transfer.building import Case, rules, schema, seed


def ignore(_table: str, _rows: int) -> None:
    pass


BY_CODE = [
    "CREATE TABLE country(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE COLLATE NOCASE)",
    "CREATE TABLE city(id INTEGER PRIMARY KEY, name TEXT, country TEXT REFERENCES country(code))",
    "INSERT INTO country VALUES (10, 'de'), (20, 'fr'), (30, 'it')",
    "INSERT INTO city VALUES (1, 'Bonn', 'DE'), (2, 'Lyon', 'fr'), (3, 'Rome', 'it'), (4, 'Nowhere', NULL)",
]
BY_ID = [
    "CREATE TABLE country(id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE COLLATE NOCASE)",
    "CREATE TABLE city(id INTEGER PRIMARY KEY, name TEXT, country_id INTEGER REFERENCES country(id))",
]
CITIES = "SELECT name, country_id FROM city ORDER BY id"


def test_a_reference_moves_from_a_code_to_the_key(tmp_path: Path) -> None:
    case = Case(tmp_path, BY_CODE, schema(BY_ID, [rules("city", country_id={"was": "country"})]))
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows(CITIES) == [("Bonn", 10), ("Lyon", 20), ("Rome", 30), ("Nowhere", None)]
        # Two parents swap their codes: their children are written by nobody, and yet refer to another row now.
        case.write(
            "BEGIN",
            "UPDATE country SET code = 'x' WHERE id = 10",
            "UPDATE country SET code = 'de' WHERE id = 20",
            "UPDATE country SET code = 'fr' WHERE id = 10",
            "COMMIT",
        )
        replay(session)
        prove(session, ignore)
    assert case.new_rows(CITIES) == [("Bonn", 20), ("Lyon", 10), ("Rome", 30), ("Nowhere", None)]


def test_a_child_that_is_not_logged_is_left_out_of_the_proof_while_its_parent_is(tmp_path: Path) -> None:
    case = Case(tmp_path, BY_CODE, schema(BY_ID, [rules("city", country_id={"was": "country"})]))
    case.record()
    with case.session() as session:
        case.copy(session)
        replay(session)
        case.write(
            "BEGIN",
            "UPDATE country SET code = 'x' WHERE id = 10",
            "UPDATE country SET code = 'de' WHERE id = 20",
            "UPDATE country SET code = 'fr' WHERE id = 10",
            "COMMIT",
        )
        prove(session, ignore)
        replay(session)
        prove(session, ignore)


def test_a_reference_to_no_row_stops_the_copy_and_is_named(tmp_path: Path) -> None:
    case = Case(
        tmp_path,
        [*BY_CODE, "INSERT INTO city VALUES (5, 'Lost', 'xx')"],
        schema(BY_ID, [rules("city", country_id={"was": "country"})]),
    )
    case.record()
    message = r'table "city": country refers to no row of "country" \(old table "city", row with id 5: country \'xx\'\)'
    with case.session() as session, pytest.raises(Refused, match=message):
        case.copy(session)


def test_a_reference_to_no_row_becomes_null_where_the_schema_says_so_and_comes_back(tmp_path: Path) -> None:
    wanted = schema(BY_ID, [rules("city", country_id={"was": "country", "orphans": "null"})])
    case = Case(tmp_path, [*BY_CODE, "INSERT INTO city VALUES (5, 'Lost', 'xx')"], wanted)
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows(CITIES)[-1] == ("Lost", None)
        case.write("INSERT INTO country VALUES (40, 'XX')", "DELETE FROM country WHERE code = 'it'")
        replay(session)
        prove(session, ignore)
        assert case.new_rows(CITIES)[2:] == [("Rome", None), ("Nowhere", None), ("Lost", 40)]


def test_a_key_that_is_computed_from_another_column_takes_its_children_along(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE person(id INTEGER PRIMARY KEY, email TEXT NOT NULL)",
        "CREATE TABLE letter(id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES person(id))",
        "INSERT INTO person VALUES (1, 'a@x'), (2, 'b@x')",
        "INSERT INTO letter VALUES (1, 1), (2, 2), (3, 2)",
    ]
    new = [
        "CREATE TABLE person(email TEXT PRIMARY KEY NOT NULL)",
        "CREATE TABLE letter(id INTEGER PRIMARY KEY, person_email TEXT NOT NULL REFERENCES person(email))",
    ]
    case = Case(tmp_path, old, schema(new, [rules("letter", person_email={"was": "person_id"})]))
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows("SELECT * FROM letter") == [(1, "a@x"), (2, "b@x"), (3, "b@x")]
        case.write("UPDATE person SET email = 'c@x' WHERE id = 2", "UPDATE person SET email = 'b@x' WHERE id = 1")
        replay(session)
        prove(session, ignore)
    assert case.new_rows("SELECT * FROM letter") == [(1, "b@x"), (2, "c@x"), (3, "c@x")]
    assert sorted(case.new_rows("SELECT * FROM person")) == [("b@x",), ("c@x",)]


def test_a_tree_keeps_its_shape_under_new_keys(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE node(name TEXT PRIMARY KEY NOT NULL, parent TEXT REFERENCES node(name))",
        "INSERT INTO node VALUES ('leaf', 'root'), ('root', NULL), ('twig', 'leaf')",
    ]
    new = ["CREATE TABLE node(id INTEGER PRIMARY KEY, name TEXT NOT NULL, parent_id INTEGER REFERENCES node(id))"]
    case = Case(tmp_path, old, schema(new, [rules("node", parent_id={"was": "parent"})]))
    tree = "SELECT n.name, p.name FROM node n LEFT JOIN node p ON p.id = n.parent_id ORDER BY 1"
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows(tree) == [("leaf", "root"), ("root", None), ("twig", "leaf")]
        case.write(
            "INSERT INTO node VALUES ('bud', 'twig')",
            "INSERT INTO node VALUES ('moss', NULL)",
            "UPDATE node SET parent = 'moss' WHERE name = 'leaf'",
            "DELETE FROM node WHERE name = 'root'",
        )
        replay(session)
        prove(session, ignore)
    assert case.new_rows(tree) == [("bud", "twig"), ("leaf", "moss"), ("moss", None), ("twig", "leaf")]


def test_a_foreign_key_that_is_new_is_checked_for_what_a_replay_touches(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE a(id INTEGER PRIMARY KEY)",
        "CREATE TABLE b(id INTEGER PRIMARY KEY, a_id INTEGER)",
        "INSERT INTO a VALUES (1), (2)",
        "INSERT INTO b VALUES (1, 1), (2, 2)",
    ]
    new = [
        "CREATE TABLE a(id INTEGER PRIMARY KEY)",
        "CREATE TABLE b(id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a(id))",
    ]
    case = Case(tmp_path, old, schema(new))
    case.record()
    with case.session() as session:
        case.copy(session)
        case.write("INSERT INTO b VALUES (3, 9)")
        with pytest.raises(
            Refused, match=r'"b" \(a_id\) refers to no row of "a" \(old table "b", row with id 3: a_id 9\)'
        ):
            replay(session)
        case.write("DELETE FROM b WHERE id = 3", "DELETE FROM a WHERE id = 2")
        with pytest.raises(
            Refused, match=r'"b" \(a_id\) refers to no row of "a" \(old table "b", row with id 2: a_id 2\)'
        ):
            replay(session)
        case.write("UPDATE b SET a_id = 1")
        replay(session)
        prove(session, ignore)


def test_a_composite_key_that_contains_a_mapped_reference(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE product(sku TEXT PRIMARY KEY NOT NULL)",
        "CREATE TABLE stock(shop INTEGER NOT NULL, sku TEXT NOT NULL REFERENCES product(sku), n INTEGER,"
        " PRIMARY KEY (shop, sku)) WITHOUT ROWID",
        "INSERT INTO product VALUES ('a'), ('b')",
        "INSERT INTO stock VALUES (1, 'a', 5), (1, 'b', 6), (2, 'a', 7)",
    ]
    new = [
        "CREATE TABLE product(id INTEGER PRIMARY KEY, sku TEXT NOT NULL)",
        "CREATE TABLE stock(shop INTEGER NOT NULL, product_id INTEGER NOT NULL REFERENCES product(id), n INTEGER,"
        " PRIMARY KEY (shop, product_id)) WITHOUT ROWID",
    ]
    case = Case(tmp_path, old, schema(new, [rules("stock", product_id={"was": "sku"})]))
    joined = "SELECT shop, sku, n FROM stock JOIN product ON product.id = product_id ORDER BY 1, 2"
    case.record()
    with case.session() as session:
        case.copy(session)
        assert case.new_rows(joined) == [(1, "a", 5), (1, "b", 6), (2, "a", 7)]
        case.write(
            "UPDATE stock SET sku = 'b' WHERE shop = 2",
            "DELETE FROM stock WHERE shop = 1 AND sku = 'a'",
            "INSERT INTO product VALUES ('c')",
            "INSERT INTO stock VALUES (3, 'c', 1)",
            "UPDATE stock SET n = n + 1",
        )
        replay(session)
        prove(session, ignore)
    assert case.new_rows(joined) == [(1, "b", 7), (2, "b", 8), (3, "c", 2)]


def test_a_key_that_is_spelled_anew_keeps_children_that_nobody_wrote(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE tag(name TEXT PRIMARY KEY NOT NULL COLLATE NOCASE)",
        "CREATE TABLE note(id INTEGER PRIMARY KEY, tag TEXT NOT NULL REFERENCES tag(name))",
        "INSERT INTO tag VALUES ('red'), ('blue')",
        "INSERT INTO note VALUES (1, 'red'), (2, 'blue')",
    ]
    new = [
        "CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
        "CREATE TABLE note(id INTEGER PRIMARY KEY, tag_id INTEGER NOT NULL REFERENCES tag(id))",
    ]
    case = Case(tmp_path, old, schema(new, [rules("note", tag_id={"was": "tag"})]))
    notes = "SELECT note.id, tag.name FROM note JOIN tag ON tag.id = tag_id ORDER BY 1"
    case.record()

    def respelled(table: str, _rows: int) -> None:
        if table == "tag":
            case.write("UPDATE tag SET name = 'RED' WHERE name = 'red'")

    with case.session() as session:
        copy_all(session, {}, respelled)
        replay(session)
        case.write("UPDATE tag SET name = 'Blue' WHERE name = 'blue'")
        prove(session, ignore)
        replay(session)
        prove(session, ignore)
    assert case.new_rows(notes) == [(1, "RED"), (2, "Blue")]


def test_children_of_parents_that_are_written_without_pause_are_looked_for_once(tmp_path: Path) -> None:
    """The parent is keyed by its rowid (its TEXT key may be NULL), so its children follow more than its key."""
    old = [
        "CREATE TABLE part(sku TEXT PRIMARY KEY, stock INTEGER)",
        "CREATE TABLE used(id INTEGER PRIMARY KEY, sku TEXT NOT NULL REFERENCES part(sku))",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
        " INSERT INTO part SELECT 's' || i, i FROM n",
        "INSERT INTO used SELECT stock, sku FROM part",
    ]
    new = [
        "CREATE TABLE part(id INTEGER PRIMARY KEY, sku TEXT NOT NULL, stock INTEGER)",
        "CREATE TABLE used(id INTEGER PRIMARY KEY, part_id INTEGER NOT NULL REFERENCES part(id))",
    ]
    case = Case(tmp_path, old, schema(new, [rules("used", part_id={"was": "sku"})]))
    case.record()
    with case.session() as session:
        case.write("UPDATE part SET stock = stock + 1")
        copy_all(session, {}, lambda _table, _rows: case.write("UPDATE part SET stock = 0 WHERE sku = 's7'"))
        # All 3,000 parents are logged; the last look was for the one that was written since the look before.
        assert value(session.db, "SELECT count(*) FROM temp._migration_keys_1") == 3000
        assert value(session.db, "SELECT count(*) FROM temp._migration_latest_1") == 1
        replay(session)
        prove(session, ignore)
    assert case.new_rows(
        "SELECT count(*), sum(part.sku = 's' || used.id) FROM used JOIN part ON part.id = part_id"
    ) == [(3000, 3000)]


def test_children_that_refer_to_no_row_are_named_by_their_old_keys_or_as_seed_rows(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE a(id INTEGER PRIMARY KEY)",
        "CREATE TABLE b(sku TEXT NOT NULL PRIMARY KEY, a_id INTEGER)",
        "INSERT INTO a VALUES (1), (2), (3)",
        "INSERT INTO b VALUES ('x', 1), ('y', 2)",
    ]
    new = [
        "CREATE TABLE a(id INTEGER PRIMARY KEY)",
        "CREATE TABLE b(id INTEGER PRIMARY KEY, sku TEXT NOT NULL, a_id INTEGER REFERENCES a(id))",
    ]
    case = Case(tmp_path, old, schema(new, [rules("b", seeds=[seed(id=70, sku="s", a_id=3)])]))
    case.record()
    broken = 'a foreign key of the new schema is broken: "b" (a_id) refers to no row of "a"'
    with case.session() as session:
        case.copy(session)
        for write, mend, rows in (
            ("DELETE FROM a WHERE id = 2", "INSERT INTO a VALUES (2)", "(old table \"b\", row with sku 'y': a_id 2)"),
            ("DELETE FROM a WHERE id = 3", "INSERT INTO a VALUES (3)", "(seed row 70: a_id 3)"),
            (
                "UPDATE b SET a_id = 9",
                "UPDATE b SET a_id = 1",
                "(old table \"b\", rows with sku 'x': a_id 9; 'y': a_id 9)",
            ),
        ):
            case.write(write)
            with pytest.raises(Refused) as caught:
                replay(session)
            assert caught.value.message == f"{broken} {rows}"
            case.write(mend)
            replay(session)
        prove(session, ignore)


@pytest.mark.parametrize(
    ("parent", "parents", "child", "value"),
    [
        ("code TEXT NOT NULL UNIQUE COLLATE NOCASE", "'de'", "TEXT", "'DE'"),
        ("code TEXT NOT NULL UNIQUE COLLATE NOCASE", "'de'", "TEXT COLLATE RTRIM", "'De'"),
        ("code INTEGER PRIMARY KEY", "1", "TEXT", "'01'"),
        ("code TEXT NOT NULL UNIQUE", "'1'", "INTEGER", "1"),
        ("code NOT NULL UNIQUE", "'1'", "TEXT", "1"),
        ("code REAL NOT NULL UNIQUE", "1", "TEXT", "'1'"),
    ],
)
@pytest.mark.parametrize("finish", [True, False])
def test_a_parent_that_is_gone_is_missed_by_sqlites_own_comparison(
    tmp_path: Path, parent: str, parents: str, child: str, value: str, finish: bool
) -> None:
    """Under the fence nothing else looks for children that nobody wrote."""
    old = [f"CREATE TABLE a({parent})", f"CREATE TABLE b(id INTEGER PRIMARY KEY, code {child})"]
    new = [old[0], f"CREATE TABLE b(id INTEGER PRIMARY KEY, code {child} REFERENCES a(code))"]
    rows = [f"INSERT INTO a VALUES ({parents})", f"INSERT INTO b VALUES (7, {value})"]
    case = Case(tmp_path, [*old, *rows], schema(new))
    case.record()
    with case.session() as session:
        case.copy(session)
        check_all(session)
        violations = "SELECT count(*) FROM pragma_foreign_key_check"
        assert case.new_rows(violations) == [(0,)], "the row refers to no row from the beginning"
        case.write("DELETE FROM a")
        with pytest.raises(Refused, match='"b" \\(code\\) refers to no row of "a" \\(old table "b", row with id 7'):
            replay(session, finish=finish)


@pytest.mark.parametrize(
    ("parent", "child", "held"),
    [
        ("TEXT", "", "71"),
        ("TEXT", "REAL", "71.5"),
        ("TEXT", "INTEGER", "71"),
        ("INT", "", "'71'"),
        ("INT", "TEXT", "'071'"),
    ],
)
def test_a_parent_that_goes_is_missed_by_its_children_whatever_form_they_name_it_in(
    tmp_path: Path, parent: str, child: str, held: str
) -> None:
    old = [
        f"CREATE TABLE p(code {parent} NOT NULL PRIMARY KEY)",
        f"CREATE TABLE c(id INTEGER PRIMARY KEY, ref {child})",
        "INSERT INTO p VALUES ('71'), ('71.5'), ('72')",
        f"INSERT INTO c VALUES (10, {held})",
    ]
    case = Case(tmp_path, old, schema([old[0], old[1].replace(f"ref {child}", f"ref {child} REFERENCES p(code)")]))
    case.record()
    with case.session() as session:
        case.copy(session)
        prove(session, ignore)
        case.write("DELETE FROM p WHERE code <> '72'")
        with pytest.raises(Refused, match=r'"c" \(ref\) refers to no row of "p" \(old table "c", row with id 10: ref '):
            replay(session)


def test_orphans_that_become_null_are_not_named_for_one_that_may_not(tmp_path: Path) -> None:
    old = [
        *(f"CREATE TABLE {name}(code TEXT NOT NULL PRIMARY KEY)" for name in "pq"),
        "CREATE TABLE c(id INTEGER PRIMARY KEY, p TEXT REFERENCES p(code), q TEXT REFERENCES q(code))",
        "INSERT INTO c VALUES (1, 'none', NULL), (2, NULL, 'lost')",
    ]
    new = [
        *(f"CREATE TABLE {name}(id INTEGER PRIMARY KEY, code TEXT NOT NULL)" for name in "pq"),
        "CREATE TABLE c(id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p(id), q_id INTEGER REFERENCES q(id))",
    ]
    said = rules("c", p_id={"was": "p", "orphans": "null"}, q_id={"was": "q"})
    case = Case(tmp_path, old, schema(new, [said]))
    case.record()
    message = r'q refers to no row of "q" \(old table "c", row with id 2: q \'lost\'\)'
    with case.session() as session, pytest.raises(Refused, match=message):
        case.copy(session)
