"""Whatever tables, columns and directories are called: through the command line, while an application writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.scenarios import exact
from tests.scenarios.exact import quote
from tests.scenarios.harness import SOME_HASH, hotmig
from tests.scenarios.names import NAMES, Busy, Tables, create

MODES = pytest.mark.parametrize("journal_mode", ["wal", "delete"])
PAGE = 60  # tables in one database
PAGES = [NAMES[at : at + PAGE] for at in range(0, len(NAMES), PAGE)]
# A name means the same in both journal modes.
EVERY_NAME = pytest.mark.parametrize(
    ("names", "journal_mode"),
    [(names, ("wal", "delete")[at % 2]) for at, names in enumerate(PAGES)],
    ids=[f"{names[0]!r}.." for names in PAGES],
)

IMPORTS = """from typing import Annotated
from hotmig.schema import Column, From, Key, Was, auto, table
"""
HEADER = f"""{IMPORTS}
database = "app"
"""
ONE_MORE = """
@table("one more")
class OneMore:
    id: Annotated[int, Key] = auto()
"""


def declaration(number: int, name: str, columns: Sequence[tuple[str, str]], was: str) -> str:
    """A table class; ``columns`` are (name, the marker that says where it comes from), the integer key first."""
    (key, source), *others = columns
    lines = [f"@table({name!r}, was={was!r})", f"class T{number}:"]
    lines.append(f"    f0: Annotated[int, Column({key!r}), Key, {source}] = auto()")
    for at, (column, source) in enumerate(others, 1):
        lines.append(f"    f{at}: Annotated[str | None, Column({column!r}), {source}] = None")
    return "\n".join(lines) + "\n"


def turned(names: Sequence[str]) -> dict[str, str]:
    """New name → old name: each takes its neighbour's, so that a mix-up is no error but wrong data."""
    return dict(zip((*names[1:], names[0]), names, strict=True))


def adopted(directory: Path, tables: Tables, journal_mode: str) -> Path:
    """A database under a name by the rule."""
    path = directory / f"app-{SOME_HASH}.sqlite"
    create(path, tables, journal_mode)
    return path


def migrate(directory: Path, busy: Busy) -> Path:
    """The whole way, with writes to every table in each phase; returns the new file."""
    with busy:
        busy.write_everywhere()
        hotmig(directory, "plan")
        hotmig(directory, "migrate")
        busy.write_everywhere()
        hotmig(directory, "drain", "--cutover", "--max-pause", "60")  # names are tried here, not the machine
        busy.wait_until_replaced()
    new = Path(hotmig(directory, "path").out.removesuffix("\n"))
    assert busy.replaced_by == new.name
    hotmig(directory, "status")
    hotmig(directory, "cleanup-old")
    assert exact.differences(busy.contents, exact.contents_of(busy.path, busy.tables)) == []
    return new


def test_tables_and_keys_of_odd_names_are_adopted(tmp_path: Path) -> None:
    """The odd ones, and some of SQL's keywords: all of these are below."""
    names = PAGES[0]
    tables = {name: (name, f"not {name}") for name in names}
    database = tmp_path / "application.db"
    create(database, tables, "wal")
    hotmig(tmp_path, "init", str(database))
    schema = tmp_path / "schema.py"
    schema.write_text(IMPORTS + schema.read_text() + ONE_MORE)
    busy = Busy(database, tables)
    new = migrate(tmp_path, busy)
    assert exact.differences(busy.contents, exact.contents_of(new, tables)) == []


@EVERY_NAME
def test_tables_take_each_other_s_names(names: Sequence[str], journal_mode: str, tmp_path: Path) -> None:
    """And in each of them the key takes the name of the other column."""
    tables = {name: (name, f"not {name}") for name in names}
    old = adopted(tmp_path, tables, journal_mode)
    classes = [
        declaration(at, name, [(f"not {was}", f"Was({was!r})"), (was, f"Was({f'not {was}'!r})")], was)
        for at, (name, was) in enumerate(turned(names).items())
    ]
    (tmp_path / "schema.py").write_text(HEADER + "".join(classes))
    busy = Busy(old, tables)
    new = migrate(tmp_path, busy)
    expected = {name: busy.contents[was] for name, was in turned(names).items()}
    actual = exact.contents_of(new, {name: (f"not {was}", was) for name, was in turned(names).items()})
    assert exact.differences(expected, actual) == []


@MODES
def test_letters_that_only_sqlite_tells_apart(journal_mode: str, tmp_path: Path) -> None:
    """É and é are one name to Python's lower(), and two to SQLite, which knows the case of ASCII letters alone."""
    tables = {"É": ("é", "É"), "é": ("É", "é")}
    old = adopted(tmp_path, tables, journal_mode)
    classes = [
        declaration(0, "É", [("é", 'Was("É")'), ("É", 'From("lower(é)")')], "é"),
        declaration(1, "é", [("É", 'Was("é")'), ("é", 'From("lower(É)")')], "É"),
    ]
    (tmp_path / "schema.py").write_text(HEADER + "".join(classes))
    busy = Busy(old, tables)
    new = migrate(tmp_path, busy)
    expected = {"É": busy.contents["é"], "é": busy.contents["É"]}
    actual = exact.contents_of(new, {"É": ("é", "É"), "é": ("É", "é")})
    assert exact.differences(expected, actual) == []


@pytest.mark.parametrize(("rule", "journal_mode"), [("Was", "wal"), ("From", "delete")])
def test_columns_take_each_other_s_names(rule: str, journal_mode: str, tmp_path: Path) -> None:
    tables = {"t": ("the id", *NAMES)}
    old = adopted(tmp_path, tables, journal_mode)
    columns = [
        (name, f"From({quote(was)!r})" if rule == "From" else f"Was({was!r})") for name, was in turned(NAMES).items()
    ]
    (tmp_path / "schema.py").write_text(HEADER + declaration(0, "t", [("the id", 'Was("the id")'), *columns], "t"))
    busy = Busy(old, tables)
    new = migrate(tmp_path, busy)
    actual = exact.contents_of(new, {"t": ("the id", *turned(NAMES))})
    assert exact.differences(busy.contents, actual) == []


@pytest.mark.parametrize(("renamed", "journal_mode"), [(False, "wal"), (True, "delete")])
def test_two_thousand_columns(renamed: bool, journal_mode: str, tmp_path: Path) -> None:
    """As many as SQLite allows: copied as they are, and each under another name."""
    tables = {"wide": tuple(f"c{number}" for number in range(2000))}
    old = adopted(tmp_path, tables, journal_mode)
    names = turned(tables["wide"]) if renamed else {name: name for name in tables["wide"]}
    columns = [(name, f"Was({was!r})") for name, was in names.items()]
    (tmp_path / "schema.py").write_text(HEADER + declaration(0, "wide", columns, "wide") + ONE_MORE)
    busy = Busy(old, tables)
    new = migrate(tmp_path, busy)
    assert exact.differences(busy.contents, exact.contents_of(new, {"wide": tuple(names)})) == []


DIRECTORIES = [
    "with space ", " ", "q'uo\"te`s", "a?b#c%d%3Fe", "x?mode=memory&vfs=none", "file:x", "-d", "back\\slash",
    "new\nline", "[bold]rich[0]{1}", "$HOME;*~", "emoji 🚀 é", "name-0123456789abcdef",
]  # fmt: skip


@pytest.mark.parametrize("name", DIRECTORIES)
def test_directories_and_databases_of_any_name(name: str, tmp_path: Path) -> None:
    """Spaces, quotes, line breaks, and what means something in a URI, to a shell, to rich or to click."""
    directory = tmp_path / name
    directory.mkdir()
    database, tables = directory / f"{name}.db", {"t": ("id", "value")}
    create(database, tables, "wal")
    hotmig(directory, "init", str(database))
    (link,) = [path for path in directory.iterdir() if path.is_symlink()]
    assert link.resolve() == database
    schema = directory / "schema.py"
    schema.write_text(IMPORTS + schema.read_text() + ONE_MORE)
    busy = Busy(database, tables)
    new = migrate(directory, busy)
    assert new.parent == directory
    assert exact.differences(busy.contents, exact.contents_of(new, tables)) == []
    assert {path.name for path in tmp_path.iterdir()} == {name}


HIDDEN = {
    "rowid": "CREATE TABLE rowid(rowid TEXT, value TEXT)",
    "oid": "CREATE TABLE oid(oid TEXT, value TEXT)",
    "two of three": "CREATE TABLE t(RowID TEXT, oid TEXT, value TEXT)",
    "beside a key": "CREATE TABLE t(rowid TEXT, oid TEXT, _rowid_ TEXT, value INTEGER PRIMARY KEY)",
    "as the key": "CREATE TABLE t(rowid INTEGER PRIMARY KEY, oid TEXT, _rowid_ TEXT)",
    "beside a text key": "CREATE TABLE t(rowid TEXT, oid TEXT, _rowid_ TEXT, value TEXT NOT NULL PRIMARY KEY)",
    "without rowid": "CREATE TABLE t(rowid TEXT, oid TEXT, value TEXT PRIMARY KEY) WITHOUT ROWID",
}


@MODES
@pytest.mark.parametrize("ddl", HIDDEN.values(), ids=HIDDEN.keys())
def test_columns_that_hide_the_rowid(ddl: str, journal_mode: str, tmp_path: Path) -> None:
    database = tmp_path / "application.db"
    db = sqlite3.connect(database, isolation_level=None)
    db.execute(f"PRAGMA journal_mode = {journal_mode}")
    db.execute(ddl)
    (name,) = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchone()
    columns = [row[1] for row in db.execute(f"PRAGMA table_info({name})")]
    insert = f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})"
    rows = [[number if column == "value" else str(number) for column in columns] for number in range(1, 60)]
    db.executemany(insert, rows[:40])
    hotmig(tmp_path, "init", str(database))
    schema = tmp_path / "schema.py"
    schema.write_text(IMPORTS + schema.read_text() + ONE_MORE)
    hotmig(tmp_path, "migrate")
    db.executemany(insert, rows[40:])
    first = quote(columns[0])
    db.execute(f"DELETE FROM {name} WHERE {first} IN ('3', '45')")
    db.execute(f"UPDATE {name} SET {first} = {first} + 1000 WHERE {first} IN ('5', '50')")
    db.close()
    hotmig(tmp_path, "drain", "--cutover")
    new = Path(hotmig(tmp_path, "path").out.removesuffix("\n"))
    before, after = (exact.contents_of(path, {name: columns}) for path in (database, new))
    assert before[name].total() == 57
    assert exact.differences(before, after) == []


def test_a_table_whose_rowid_has_no_name_left_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "application.db"
    db = sqlite3.connect(database)
    db.execute("CREATE TABLE t(rowid TEXT, oid TEXT, _rowid_ TEXT)")
    db.close()
    hotmig(tmp_path, "init", str(database))
    schema = tmp_path / "schema.py"
    schema.write_text(IMPORTS + schema.read_text() + ONE_MORE)
    before = set(tmp_path.iterdir())
    findings = hotmig(tmp_path, "plan", "--json", code=1).json()["findings"]
    blocking = [finding for finding in findings if finding["severity"] == "block"]
    assert {(finding["check"], finding["table"]) for finding in blocking} == {("key", "t")}
    hotmig(tmp_path, "migrate", code=1)
    assert set(tmp_path.iterdir()) == before


def test_a_table_of_two_thousand_columns_without_key_is_refused(tmp_path: Path) -> None:
    """Its rowid comes on top of as many columns as a statement can have."""
    database = tmp_path / "application.db"
    db = sqlite3.connect(database)
    db.execute(f"CREATE TABLE wide({', '.join(f'c{number}' for number in range(2000))})")
    db.close()
    hotmig(tmp_path, "init", str(database))
    schema = tmp_path / "schema.py"
    schema.write_text(IMPORTS + schema.read_text() + ONE_MORE)
    findings = hotmig(tmp_path, "plan", "--json", code=1).json()["findings"]
    assert [finding["check"] for finding in findings if finding["severity"] == "block"] == ["too-wide"]


SAME = [("id", 'Was("id")'), ("value", 'Was("value")')]
RESERVED = ["_migration_marker", "_migration_log", "_migration_own", "_migration_status", "_id_mapping", "_schema_hint"]


@pytest.mark.parametrize("name", RESERVED)
def test_tables_that_have_a_name_of_ours_are_refused_and_left_alone(name: str, tmp_path: Path) -> None:
    tables = {name: ("id", "value")}
    old = adopted(tmp_path, tables, "wal")
    (tmp_path / "schema.py").write_text(HEADER + declaration(0, "plain", SAME, name))
    before = exact.contents_of(old, tables)
    findings = hotmig(tmp_path, "plan", "--json", code=1).json()["findings"]
    assert [finding["message"].split()[0] for finding in findings if finding["check"] == "reserved-name"] == [name]
    hotmig(tmp_path, "migrate", code=1)
    hotmig(tmp_path, "status")
    assert "no migration is under way" in hotmig(tmp_path, "reset").out
    assert exact.differences(before, exact.contents_of(old, tables)) == []
