"""What reports say of odd values, and what ranks make of odd names: JSON and places that SQLite writes by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hotmig.errors import Refused
from hotmig.transfer.groups.listing import counts
from hotmig.transfer.groups.report import write_report
from tests.planning.planned import schema_of
from tests.transfer.building import Case

ODD = [
    "CREATE TABLE thing(id INTEGER PRIMARY KEY, grp TEXT, val)",
    "INSERT INTO thing VALUES (1, 'a\"b', 0.1), (2, 'a\"b', 9e999), (3, 'a\"b', x'00ff'), (4, 'a\"b', NULL),"
    " (5, 'a\"b', CAST(x'61ff' AS TEXT)), (6, 'a\"b', '{\"x\": 1}'), (7, 'a\"b', 4611686018427387904)",
]
THING = """
@table(duplicates=Duplicates(key="grp", compare="val", prefer="id"))
class Thing:
    id: Annotated[int, Key] = auto()
    grp: str | None = None
    val: Annotated[object, ColumnType("")] = None
"""
WIDE = 120
BRACES = ", '{}'"  # as the parts of a long object begin and end


def report(case: Case, path: Path) -> dict[str, Any]:
    case.record()
    with case.session() as session:
        case.copy(session)
        write_report(session, path, "run", counts(session))
    found: dict[str, Any] = json.loads(path.read_text())["tables"][0]
    return found


@pytest.mark.parametrize("wal", [True, False])
def test_values_that_json_has_no_word_for(tmp_path: Path, wal: bool) -> None:
    drops = report(Case(tmp_path, ODD, schema_of(THING), wal=wal), tmp_path / "report.json")["historical_drops"]
    values = [each["values"]["val"] for each in drops]
    assert values == ["Inf", "x'00ff'", None, "a\\xff", '{"x": 1}', 4611686018427387904]
    assert drops[0]["winner"] == {"key": {"id": 1}, "values": {"val": 0.1}}
    assert {each["group"]["grp"] for each in drops} == {'a"b'}


def test_more_compared_columns_than_one_function_takes(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(WIDE)]
    old = [
        f"CREATE TABLE thing(id INTEGER PRIMARY KEY, grp TEXT, {', '.join(f'{name} TEXT' for name in names)})",
        f"INSERT INTO thing VALUES (1, 'a'{', NULL' * WIDE}), (2, 'a'{BRACES * WIDE})",
    ]
    columns = "\n".join(f"    {name}: str | None = None" for name in names)
    module = f"""
@table(duplicates=Duplicates(key="grp", compare={tuple(names)!r}, prefer="id"))
class Thing:
    id: Annotated[int, Key] = auto()
    grp: str | None = None
{columns}
"""
    (dropped,) = report(Case(tmp_path, old, schema_of(module)), tmp_path / "report.json")["historical_drops"]
    assert dropped["values"] == dict.fromkeys(names, "{}")
    assert dropped["winner"]["values"] == dict.fromkeys(names)


def test_old_columns_that_are_called_as_ranks_are(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE thing(id INTEGER PRIMARY KEY, number INTEGER, place INTEGER, best INTEGER, collides INTEGER)",
        "INSERT INTO thing VALUES (1, 5, 1, 1, 0), (2, 5, 2, 1, 0), (3, 5, 0, 1, 0)",
    ]
    module = """
@table(duplicates=Duplicates(key="number", compare="best", prefer="place DESC, number", collide="collides"))
class Thing:
    id: Annotated[int, Key] = auto()
    number: int | None = None
    place: int | None = None
    best: int | None = None
    collides: int | None = None
"""
    found = report(Case(tmp_path, old, schema_of(module)), tmp_path / "report.json")
    assert [each["key"]["id"] for each in found["merged"]] == [1, 3]
    assert {each["winner"]["key"]["id"] for each in found["merged"]} == {2}


@pytest.mark.parametrize(("prefer", "is_tied"), [("word COLLATE NOCASE", True), ("word", False), ("other", False)])
def test_rows_that_are_peers_by_the_collation_of_the_order(tmp_path: Path, prefer: str, is_tied: bool) -> None:
    old = [
        "CREATE TABLE thing(id INTEGER PRIMARY KEY, grp TEXT, word TEXT, other INTEGER)",
        # Of three the last two are peers by ``other``, which stops nothing.
        "INSERT INTO thing VALUES (1, 'a', 'x', 1), (2, 'a', 'X', 2), (3, 'a', 'y', 2)",
    ]
    module = f"""
@table(duplicates=Duplicates(key="grp", compare=(), prefer="{prefer}"))
class Thing:
    id: Annotated[int, Key] = auto()
    grp: str | None = None
    word: str | None = None
    other: int | None = None
"""
    case = Case(tmp_path, old, schema_of(module))
    case.record()
    with case.session() as session:
        if is_tied:
            with pytest.raises(Refused, match="collide"):
                case.copy(session)
        else:
            case.copy(session)
            assert len(case.new_rows("SELECT id FROM thing")) == 1


@pytest.mark.parametrize("prefer", ["2 DESC, id", "(-3), id", "+1 COLLATE NOCASE DESC, id", "0, id", "1 + 0, id"])
def test_a_number_in_the_order_ranks_nobody(tmp_path: Path, prefer: str) -> None:
    old = [
        "CREATE TABLE thing(id INTEGER PRIMARY KEY, grp TEXT)",
        "INSERT INTO thing VALUES (3, 'a'), (4, 'a'), (5, 'a')",
    ]
    module = f"""
@table(duplicates=Duplicates(key="grp", compare=(), prefer="{prefer}"))
class Thing:
    id: Annotated[int, Key] = auto()
    grp: str | None = None
"""
    found = report(Case(tmp_path, old, schema_of(module)), tmp_path / "report.json")
    assert [(each["key"]["id"], each["winner"]["key"]["id"]) for each in found["merged"]] == [(4, 3), (5, 3)]


def test_a_number_alone_leaves_all_alike(tmp_path: Path) -> None:
    old = ["CREATE TABLE thing(id INTEGER PRIMARY KEY, grp TEXT)", "INSERT INTO thing VALUES (3, 'a'), (4, 'a')"]
    module = """
@table(duplicates=Duplicates(key="grp", compare=(), prefer="1"))
class Thing:
    id: Annotated[int, Key] = auto()
    grp: str | None = None
"""
    case = Case(tmp_path, old, schema_of(module))
    case.record()
    with case.session() as session, pytest.raises(Refused, match="collide"):
        case.copy(session)


def test_a_zero_has_its_sign(tmp_path: Path) -> None:
    old = [
        "CREATE TABLE thing(id INTEGER PRIMARY KEY, grp TEXT, x)",
        "INSERT INTO thing VALUES (1, 'a', 0.0), (2, 'a', -0.0)",
    ]
    module = """
@table(duplicates=Duplicates(key="grp", compare="x", prefer="id"))
class Thing:
    id: Annotated[int, Key] = auto()
    grp: str | None = None
    x: Annotated[object, ColumnType("")] = None
"""
    (dropped,) = report(Case(tmp_path, old, schema_of(module)), tmp_path / "report.json")["historical_drops"]
    assert [str(dropped["values"]["x"]), str(dropped["winner"]["values"]["x"])] == ["-0.0", "0.0"]
