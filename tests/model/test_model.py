"""The model is right about SQLite where it claims something, and it tells wrong migrations from right ones."""

from __future__ import annotations

import ast
import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.model import generate, model
from tests.model.model import comparable, compare, evaluate, expected, read_of
from tests.model.render import render_module
from tests.model.schemas import (
    Carried,
    Change,
    Column,
    Computed,
    Expression,
    Follows,
    FreshKey,
    NewTable,
    Reference,
    Table,
    create,
)
from tests.model.writes import Application, Insert, Transaction, Update
from tests.scenarios import exact
from tests.scenarios.exact import Cell, Real, Row, Text, cell, plain

HERE = Path(__file__).parent
FEW = settings(max_examples=150, deadline=None)


def ask(sql: str, *values: Cell) -> Cell:
    """One value from SQLite, for cells that are bound as ?1, ?2, … (texts as BLOBs that are cast)."""
    db = sqlite3.connect(":memory:")
    db.text_factory = Text
    for number, value in enumerate(values, 1):
        if isinstance(value, Text):
            sql = sql.replace(f"?{number}", f"+CAST(?{number} AS TEXT)")  # without the plus, with affinity
    bound = [value.raw if isinstance(value, Text) else plain(value) for value in values]
    return cell(db.execute(sql, bound).fetchone()[0])


@pytest.mark.parametrize("path", ["model.py", "schemas.py", "render.py", "writes.py", "generate.py"])
def test_the_model_shares_no_code_with_the_product(path: str) -> None:
    tree = ast.parse((HERE / path).read_text())
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert imported
    assert not [name for name in imported if name.split(".")[0] == "hotmig"]


@FEW
@given(st.sampled_from(generate.TYPES), st.integers(-(2**63), 2**63 - 1) | st.integers(-2000, 4000))
def test_integers_are_stored_as_the_type_says(declared: str, number: int) -> None:
    db = sqlite3.connect(":memory:")
    db.text_factory = Text
    db.execute(f"CREATE TABLE t(v {declared})")
    db.execute("INSERT INTO t VALUES (?)", (number,))
    # A real column keeps 53 bits; computed columns of the model stay far below.
    if abs(number) < 2**53:
        assert exact.rows(db, "t", ["v"]) == [(model.stored(number, declared),)]


@pytest.mark.parametrize("value", [Text(b"constant"), Text(b"none"), Text(b"integer"), b"1", None, cell(2.5)])
@pytest.mark.parametrize("declared", generate.TYPES)
def test_other_values_are_stored_as_they_are(declared: str, value: Cell) -> None:
    if value == cell(2.5) and model.affinity(declared) == "TEXT":
        return
    db = sqlite3.connect(":memory:")
    db.text_factory = Text
    db.execute(f"CREATE TABLE t(v {declared})")
    bound = value.raw.decode() if isinstance(value, Text) else plain(value)
    db.execute("INSERT INTO t VALUES (?)", (bound,))
    assert exact.rows(db, "t", ["v"]) == [(model.stored(value, declared),)]


@FEW
@given(generate.cells, generate.cells, st.sampled_from(["BINARY", "NOCASE"]))
@example(Text(b"12"), 12, "BINARY")
def test_values_compare_as_in_sqlite(left: Cell, right: Cell, collation: str) -> None:
    same = ask(f"SELECT ?1 = ?2 COLLATE {collation}", left, right)
    if left is not None and right is not None:
        assert same == (comparable(left, collation) == comparable(right, collation))


@FEW
@given(generate.cells, generate.cells, st.sampled_from(["joined", "arithmetic", "typeof", "or none", "constant"]))
def test_expressions_evaluate_as_in_sqlite(first: Cell, second: Cell, kind: str) -> None:
    names = {"joined": ("a", "b"), "constant": ()}.get(kind, ("a",))
    expression = Expression(kind, names)  # type: ignore[arg-type]
    value = ask(f"SELECT {expression.sql} FROM (SELECT ?1 AS a, ?2 AS b)", first, second)
    assert value == evaluate(expression, {"a": first, "b": second})


@settings(FEW, max_examples=60)
@given(st.data())
def test_every_schema_and_every_change_is_sound(data: st.DataObject) -> None:
    """SQLite takes the old and the new tables, the module is Python, and the expected rows fit."""
    tables = data.draw(generate.old_schemas())
    change = data.draw(generate.changes(tables))
    compile(render_module(change), "schema.py", "exec")
    db = sqlite3.connect(":memory:")
    for new in change.new:
        db.execute(new.table.ddl)
        assert len(new.sources) == len(new.table.columns)
        assert {name for name in new.table.key if name != "rowid"} <= {column.name for column in new.table.columns}
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []


@settings(FEW, max_examples=60)
@given(st.data())
def test_every_old_row_is_expected_once_and_no_transaction_fails_unforeseen(data: st.DataObject) -> None:
    tables = data.draw(generate.old_schemas())
    first = data.draw(generate.first_rows(tables))
    later = data.draw(st.lists(generate.transactions(tables), max_size=6))
    change = data.draw(generate.changes(tables))
    with _application(tables) as application:
        fates = [application.run(transaction) for transaction in [*first, *later]]
        assert set(fates) <= {"accepted", "rolled back"}
        rows = _rows(application, tables)
        wanted = expected(change, rows)
        for new in change.new:
            old = len(rows[new.old]) if new.old else 0
            assert max(old, len(new.seeds)) <= wanted[new.table.name].total() <= old + len(new.seeds)


class _application:  # noqa: N801 - reads as a function where it is used
    """An application on an empty database in memory."""

    def __init__(self, tables: tuple[Table, ...]) -> None:
        self.application = Application(Path(":memory:"))
        for table in tables:
            self.application.db.execute(table.ddl)
            for index in table.unique_indexes:
                self.application.db.execute(index.sql(table.name))

    def __enter__(self) -> Application:
        return self.application

    def __exit__(self, *_: object) -> None:
        self.application.close()


def _rows(application: Application, tables: tuple[Table, ...]) -> dict[str, list[dict[str, Cell]]]:
    return {
        table.name: [
            dict(zip(table.read, row, strict=True)) for row in exact.rows(application.db, table.name, table.read)
        ]
        for table in tables
    }


def test_foreign_keys_do_not_prevent_orphans() -> None:
    """The fact behind ``orphans``: REPLACE evicts the row that the new one refers to, and the commit succeeds."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("CREATE TABLE t(a TEXT UNIQUE, b INTEGER UNIQUE, c TEXT REFERENCES t(a) ON DELETE SET NULL)")
    db.execute("INSERT INTO t VALUES ('x', 0, NULL)")
    db.execute("REPLACE INTO t VALUES ('y', 0, 'x')")
    assert len(db.execute("PRAGMA foreign_key_check").fetchall()) == 1


PERSON = Table(
    "person",
    (Column("code", "TEXT", True, None, "NOCASE"), Column("boss", "TEXT", collation="NOCASE"), Column("n", "")),
    "primary",
    ("code",),
    references=(Reference(("boss",), "person", ("code",)),),
)
CHANGE = Change(
    (PERSON,),
    (
        NewTable(
            Table(
                "worker",
                (Column("id", "INTEGER"), Column("code", "TEXT"), Column("boss", "INTEGER"), Column("kind", "TEXT")),
                "integer",
                ("id",),
                references=(Reference(("boss",), "worker", ("id",)),),
            ),
            "person",
            (FreshKey(), Carried("code"), Follows("boss"), Computed(Expression("typeof", ("n",)))),
        ),
    ),
    (),
)
PEOPLE: list[dict[str, Cell]] = [
    {"code": Text(b"Ann"), "boss": None, "n": 1},
    {"code": Text(b"bob"), "boss": Text(b"ANN"), "n": Real("0x1p+0")},
    {"code": Text(b"Cat"), "boss": Text(b"Bob"), "n": None},
]


def workers(*rows: tuple[int, bytes, int | None, bytes]) -> dict[str, Counter[Row]]:
    return {"worker": Counter((key, Text(code), boss, Text(kind)) for key, code, boss, kind in rows)}


@pytest.mark.parametrize("keys", [(1, 2, 3), (30, 10, -5)])
def test_any_choice_of_keys_is_right_if_the_references_follow(keys: tuple[int, int, int]) -> None:
    ann, bob, cat = keys
    actual = workers((ann, b"Ann", None, b"integer"), (bob, b"bob", ann, b"real"), (cat, b"Cat", bob, b"null"))
    assert compare(CHANGE, expected(CHANGE, {"person": PEOPLE}), actual) == []


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([(1, b"Ann", None, b"integer"), (2, b"bob", 1, b"real")], id="a row is missing"),
        pytest.param(
            [(1, b"Ann", None, b"integer"), (2, b"bob", 1, b"real"), (3, b"Cat", 1, b"null")], id="another boss"
        ),
        pytest.param(
            [(1, b"Ann", None, b"integer"), (2, b"Bob", 1, b"real"), (3, b"Cat", 2, b"null")], id="another case"
        ),
        pytest.param(
            [(1, b"Ann", None, b"integer"), (2, b"bob", 1, b"integer"), (3, b"Cat", 2, b"null")], id="another type"
        ),
        pytest.param(
            [(1, b"Ann", None, b"integer"), (1, b"bob", 1, b"real"), (3, b"Cat", 1, b"null")], id="a key given twice"
        ),
    ],
)
def test_wrong_migrations_are_told(rows: list[tuple[int, bytes, int | None, bytes]]) -> None:
    assert compare(CHANGE, expected(CHANGE, {"person": PEOPLE}), workers(*rows)) != []


def test_a_bare_rowid_is_part_of_the_row(tmp_path: Path) -> None:
    table = Table("t", (Column("v", ""),), "rowid", ("rowid",))
    change = Change((table,), (NewTable(table, "t", (Carried("v"),)),), ())
    create(tmp_path / "old", (table,), "wal")
    application = Application(tmp_path / "old")
    application.run(Transaction((Insert(table, "", (Text(b"x"),), 7),)))
    wanted = expected(change, _rows(application, (table,)))
    application.close()
    assert compare(change, wanted, exact.contents_of(tmp_path / "old", read_of(change))) == []
    assert compare(change, wanted, {"t": Counter([(Text(b"x"), 8)])}) != []


def test_an_update_by_which_sqlite_damages_the_file_is_left_out(tmp_path: Path) -> None:
    a, b, c = (Column(name, "INTEGER", not_null=False) for name in "abc")
    themselves = Reference(("b",), "t", ("a",), "SET NULL")
    table = Table("t", (a, b, c), "integer", ("a",), uniques=(("b",), ("c",)), references=(themselves,))
    path = tmp_path / "app.db"
    create(path, (table,), "wal")
    application = Application(path)
    rows = [Insert(table, "", (0, None, 0)), Insert(table, "", (11, 0, 5))]
    application.run(Transaction((*rows, Update(table, "OR REPLACE", 1, "c", 0))))
    application.close()
    assert exact.contents_of(path, {"t": ["a", "b", "c"]})["t"] == Counter({(0, None, 0): 1, (11, 0, 5): 1})
