"""A data migration can't commit, nor leave behind what would keep hotmig from committing, nor break what was whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.phases.data_shops import marks, numbered, open_data_shop, rewrite, upper
from tests.phases.shops import ROWS, Shop, failure_in

CHANGE = "db.execute('UPDATE item SET name = NULL')\n"
OURS = "a data migration is committed by hotmig alone"

ROLLED_BACK = """try:
    db.execute('INSERT OR ROLLBACK INTO item(id) VALUES (1)')
except sqlite3.IntegrityError:
    pass"""
# The old database and the new one, with what lies beside them.
FILES = """from pathlib import Path
for file in Path(db.execute('PRAGMA database_list').fetchone()[2]).parent.glob('*.sqlite*'):"""
ESCAPES = {
    "commit()": ("db.commit()", f"commit() in a data migration: {OURS}"),
    "rollback()": ("db.rollback()", f"rollback() in a data migration: {OURS}"),
    "close()": ("db.close()", f"close() in a data migration: {OURS}"),
    "executescript()": ("db.executescript('SELECT 1')", f"executescript() commits first, and {OURS}"),
    "executescript() of a cursor": (
        "db.cursor().executescript('SELECT 1')", f"executescript() commits first, and {OURS}"
    ),
    "a with block": (
        "with db:\n    pass", f"a `with` block over the connection, which commits, in a data migration: {OURS}"
    ),
    "isolation_level": ("db.isolation_level = None", f"isolation_level in a data migration: {OURS}"),
    "set_authorizer()": ("db.set_authorizer(None)", f"set_authorizer() in a data migration: {OURS}"),
    "set_progress_handler()": ("db.set_progress_handler(None, 0)", "set_progress_handler() in a data migration"),
    "backup()": ("db.backup(sqlite3.connect(':memory:'))", "backup() in a data migration: it would wait for"),
    "the bytes of the databases": (f"{FILES}\n    file.read_bytes()", "open() of shop-"),
    "a copy of a database": (
        f"import shutil\n{FILES}\n    shutil.copy(file, file.with_suffix('.copy'))", "open() of shop-",
    ),
    "a descriptor of a database": (f"import os\n{FILES}\n    os.close(os.open(file, os.O_RDONLY))", "open() of shop-"),
    "interrupt()": ("db.interrupt()", "interrupt() in a data migration"),
    "COMMIT": ("db.execute('COMMIT')", f"COMMIT in a data migration: {OURS}"),
    "END": ("db.execute('END')", f"COMMIT in a data migration: {OURS}"),
    "BEGIN": ("db.execute('BEGIN IMMEDIATE')", f"BEGIN in a data migration: {OURS}"),
    "ROLLBACK": ("db.cursor().execute('ROLLBACK')", f"ROLLBACK in a data migration: {OURS}"),
    "ATTACH": ("db.execute('ATTACH ? AS x', (':memory:',))", "ATTACH in a data migration"),
    "foreign keys": ("db.execute('PRAGMA foreign_keys = OFF')", "foreign keys are enforced in a data migration"),
    "another pragma": ("db.execute('PRAGMA synchronous = OFF')", "PRAGMA synchronous in a data migration"),
    "a pragma that acts": ("db.execute('PRAGMA wal_checkpoint')", "PRAGMA wal_checkpoint in a data migration"),
    "hotmig's status": (
        "db.execute(\"UPDATE _migration_status SET status = 'x'\")", "_migration_status is written to by"
    ),
    "hotmig's marks": ("db.execute('DELETE FROM _data_migration')", "_data_migration is written to by hotmig alone"),
    "a temporary table before hotmig's": (
        "db.execute('CREATE TEMP TABLE _migration_status(status)')", "_migration_status is written to by hotmig alone"
    ),
    "a temporary view before hotmig's": (
        "db.execute('CREATE TEMP VIEW _data_migration AS SELECT 1')", "_data_migration is written to by hotmig alone"
    ),
    "a statement behind ROLLBACK": (
        f"{ROLLED_BACK}\ndb.execute('DELETE FROM item')",
        "the transaction was rolled back (ON CONFLICT ROLLBACK",
    ),
    "nothing behind ROLLBACK": (
        ROLLED_BACK,
        "the transaction was rolled back in it, and what it did is lost",
    ),
    "a statement that is kept open": (
        "global kept\nkept = sqlite3.Cursor(db)\nkept.execute('UPDATE item SET name = 1 RETURNING id')",
        "a statement of it is still being executed",
    ),
    "a table": ("db.execute('CREATE TABLE helper(x)')", "it changed the schema: table helper appeared"),
    "an index": ("db.execute('CREATE INDEX i ON item(name)')", "it changed the schema: table item: index i appeared"),
    "its file by a directory": (
        "import os\nfolder = os.path.dirname(__file__)\nhere = os.open(folder, os.O_RDONLY)\nos.chdir('/')\n"
        "os.open(sorted(n for n in os.listdir(folder) if n.endswith('.sqlite'))[0], os.O_RDONLY, dir_fd=here)",
        "open() of shop-",
    ),
    "a generator that it returns": (
        "return (each for each in db.execute('SELECT 1'))",
        "it returned a generator, and has done nothing: write a plain function",
    ),
    "a trigger": (
        "db.execute('CREATE TRIGGER t AFTER INSERT ON item BEGIN SELECT 1; END')",
        "it changed the schema: trigger t appeared",
    ),
}  # fmt: skip


def names(shop: Shop) -> list[tuple[str]]:
    return shop.ask("SELECT name FROM item WHERE id < 3 ORDER BY id", shop.new)


@pytest.mark.parametrize("what", ESCAPES)
def test_what_would_escape_is_refused_in_words(tmp_path: Path, what: str) -> None:
    body, message = ESCAPES[what]
    shop = open_data_shop(tmp_path / "shop", numbered("001_escapes", CHANGE + body))
    shop.run("migrate")
    told = failure_in(shop.run("drain --cutover", code=1).stderr).error
    assert told.startswith(f"Error: data migration 001_escapes failed: {message}")
    assert shop.runs()[0]["error"] == told.removeprefix("Error: ")  # no data in it
    assert shop.ask("SELECT count(name) FROM item", shop.new) == [(ROWS,)]
    assert shop.phase() == "recording"
    rewrite(shop, upper("001_escapes"))
    shop.run("drain --cutover")
    assert names(shop) == [("ITEM 1",), ("ITEM 2",)]


SWALLOWED = ("commit()", "rollback()", "executescript()", "a with block", "COMMIT", "isolation_level", "hotmig's marks")


@pytest.mark.parametrize("what", SWALLOWED)
def test_a_refusal_that_is_swallowed_did_nothing(tmp_path: Path, what: str) -> None:
    tried = "\n    ".join(ESCAPES[what][0].splitlines())
    body = f"db.execute('UPDATE item SET name = upper(name)')\ntry:\n    {tried}\nexcept sqlite3.Error:\n    pass"
    shop = open_data_shop(
        tmp_path / "shop",
        numbered("001_tries", body),
        numbered("002_fails", "raise ValueError"),
    )  # fmt: skip
    shop.run("migrate")
    shop.run("drain --cutover", code=1)
    assert names(shop) == [("item 1",), ("item 2",)]


LIKE_ANY_OTHER = {
    "rows by name": """
        db.row_factory = sqlite3.Row
        assert db.execute('SELECT id, name FROM item').fetchone()['name'] == 'item 1'""",
    "a row factory of its own": """
        db.row_factory = lambda cursor, row: {'x': row[0]}
        assert db.execute('SELECT 7').fetchone() == {'x': 7}""",
    "a text factory": """
        db.text_factory = bytes
        assert db.execute('SELECT name FROM item').fetchone() == (b'item 1',)""",
    "it is a connection": "assert isinstance(db, sqlite3.Connection) and db.in_transaction",
    "cursors": """
        cursor = db.cursor()
        cursor.execute('SELECT id FROM item ORDER BY id')
        assert cursor.fetchmany(2) == [(1,), (2,)]""",
    "iterating while it writes": """
        for (key,) in db.execute('SELECT id FROM item'):
            db.execute('UPDATE item SET name = ? WHERE id = ?', ('x', key))""",
    "executemany": """
        db.executemany('INSERT INTO item(name) VALUES (?)', [('a',), ('b',)])
        assert db.execute('SELECT count(*) FROM item').fetchone() == (52,)""",
    "lastrowid and rowcount": """
        assert db.execute("INSERT INTO item(name) VALUES ('n')").lastrowid == 51
        assert db.execute('DELETE FROM item WHERE id = 51').rowcount == 1""",
    "another file": "open(__file__).close()",
    "the databases as SQLite opens them": f"""
        {FILES.splitlines()[0]}
        {FILES.splitlines()[1]}
            if file.suffix == '.sqlite':
                sqlite3.connect(file).execute('SELECT count(*) FROM item').fetchone()""",
    "named parameters": "assert db.execute('SELECT :a', {'a': 3}).fetchone() == (3,)",
    "functions": """
        db.create_function('twice', 1, lambda x: 2 * x)
        assert db.execute('SELECT twice(4)').fetchone() == (8,)""",
    "a temporary table": """
        db.execute('CREATE TEMP TABLE work(x)')
        db.execute('INSERT INTO work VALUES (1)')""",
    "a savepoint": """
        db.execute('SAVEPOINT a')
        db.execute('DELETE FROM item')
        db.execute('ROLLBACK TO a')
        db.execute('RELEASE a')
        assert db.execute('SELECT count(*) FROM item').fetchone() == (50,)""",
    "RETURNING": """
        global kept
        kept = db.execute('UPDATE item SET name = 1 RETURNING id')""",
    "a SELECT that is left open": """
        global kept
        kept = db.execute('SELECT id FROM item')""",
    "looking": """
        assert db.execute('PRAGMA table_info(item)').fetchall()
        assert db.execute('PRAGMA foreign_keys').fetchone() == (1,)""",
    "its number": "db.execute('PRAGMA user_version = 8')",
    "statistics": "db.execute('ANALYZE item')",
    "hotmig's marks, read": "assert db.execute('SELECT count(*) FROM _data_migration').fetchone() == (1,)",
}


@pytest.mark.parametrize("when", ["cutover", "after"])
@pytest.mark.parametrize("what", LIKE_ANY_OTHER)
def test_the_rest_is_as_with_any_connection(tmp_path: Path, what: str, when: str) -> None:
    shop = open_data_shop(tmp_path / "shop", numbered("001_uses_it", LIKE_ANY_OTHER[what], when=when))
    shop.run("migrate")
    assert shop.run("drain --cutover").stderr.count("\n") == 1
    assert marks(shop) == [("001_uses_it", True, False, None)]
    assert shop.json("plan")["nothing_to_do"] is True


def test_what_is_temporary_ends_with_each(tmp_path: Path) -> None:
    """A table of the same name in it would stand before the schema's own for the next one."""
    body = """
        db.execute('CREATE TEMP TABLE item(id, name)')
        db.execute("INSERT INTO item VALUES (1, 'temporary')")
        db.execute('CREATE TEMP VIEW looked AS SELECT 1')
        db.execute('CREATE TEMP TRIGGER noted AFTER UPDATE ON main.item BEGIN DELETE FROM item; END')
    """
    shop = open_data_shop(tmp_path / "shop", numbered("001_makes", body), upper("002_uses"))
    shop.run("migrate")
    shop.run("drain --cutover")
    assert names(shop) == [("ITEM 1",), ("ITEM 2",)]


# --- foreign keys

FAMILY = """
@table
class Parent:
    id: Annotated[int, Key] = auto()
    name: str | None = None

@table
class Child:
    id: Annotated[int, Key] = auto()
    parent: Annotated[Parent, References({options})]
"""
ROWS_OF_FAMILY = """CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE parent(id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE child(id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES parent(id) {options});
    INSERT INTO parent VALUES (1, 'a'), (2, 'b'); INSERT INTO child VALUES (1, 1), (2, 1), (3, 2);"""
ORPHAN = "INSERT INTO child VALUES (4, 99);"
DEFERRED = ("deferred=True", "DEFERRABLE INITIALLY DEFERRED")
CASCADE = ("on_delete='CASCADE'", "ON DELETE CASCADE")
PLAIN = ("", "")


def family(
    directory: Path, options: tuple[str, str], body: str, more: str = "", when: str = "cutover", wal: bool = True
) -> Shop:
    script = ROWS_OF_FAMILY.replace("{options}", options[1]) + more
    more = FAMILY.replace("{options}", options[0])
    shop = open_data_shop(directory, numbered("001_family", body, when=when), script=script, more=more, wal=wal)
    shop.run("migrate")
    return shop


def children(shop: Shop) -> list[tuple[int, int]]:
    return shop.ask("SELECT id, parent_id FROM child ORDER BY id", shop.new)


def refused(shop: Shop) -> str:
    told = failure_in(shop.run("drain --cutover", code=1).stderr).error
    assert shop.phase() == "recording"
    return told.removeprefix("Error: data migration 001_family failed: ")


def test_they_cascade(tmp_path: Path) -> None:
    shop = family(tmp_path / "shop", CASCADE, "db.execute('DELETE FROM parent WHERE id = 1')")
    shop.run("drain --cutover")
    assert children(shop) == [(3, 2)]


def test_they_are_enforced(tmp_path: Path) -> None:
    shop = family(tmp_path / "shop", PLAIN, "db.execute('DELETE FROM parent WHERE id = 1')")
    assert refused(shop).startswith("IntegrityError (SQLITE_CONSTRAINT_FOREIGNKEY)")


DEFER = "db.execute('PRAGMA defer_foreign_keys = ON')\n"
MOVE = f"""{DEFER}db.execute('UPDATE parent SET id = id + 10')
db.execute('UPDATE child SET parent_id = parent_id + 10 WHERE parent_id < 99')"""


@pytest.mark.parametrize("wal", [True, False], ids=["wal", "delete"])
@pytest.mark.parametrize("more", ["", ORPHAN], ids=["whole", "with an orphan"])
def test_they_can_be_put_off_to_the_end(tmp_path: Path, more: str, wal: bool) -> None:
    body = MOVE
    shop = family(tmp_path / "shop", PLAIN, body, more, wal=wal)
    shop.run("drain --cutover")
    assert children(shop)[:3] == [(1, 11), (2, 11), (3, 12)]


@pytest.mark.parametrize("when", ["cutover", "after"])
@pytest.mark.parametrize("more", ["", ORPHAN], ids=["whole", "with an orphan"])
def test_what_is_broken_then_is_a_failure(tmp_path: Path, more: str, when: str) -> None:
    shop = family(
        tmp_path / "shop", PLAIN, DEFER + "db.execute('UPDATE child SET parent_id = 77 WHERE id = 1')", more, when
    )
    message = 'it left rows of "child" that refer to no row of "parent"'
    if when == "after":
        assert message in shop.run("drain --cutover").stderr
    else:
        assert refused(shop) == message
    assert children(shop)[0] == (1, 1)


def test_what_only_the_commit_would_find_is_found_before_the_old_database_is_retired(tmp_path: Path) -> None:
    shop = family(tmp_path / "shop", DEFERRED, "db.execute('UPDATE child SET parent_id = 77 WHERE id = 1')")
    assert refused(shop).startswith('a DEFERRABLE foreign key of "child" to "parent" was broken by it')


def test_deferred_ones_may_be_broken_on_the_way(tmp_path: Path) -> None:
    body = MOVE.removeprefix(DEFER)
    shop = family(tmp_path / "shop", DEFERRED, body)
    shop.run("drain --cutover")
    assert children(shop) == [(1, 11), (2, 11), (3, 12)]


def test_an_orphan_under_a_deferred_one_keeps_the_commit_from_working_and_is_told_before(tmp_path: Path) -> None:
    """SQLite counts what is broken: this statement changes nothing, and its COMMIT fails."""
    shop = family(tmp_path / "shop", DEFERRED, "db.execute('UPDATE child SET parent_id = parent_id')", ORPHAN)
    assert refused(shop).startswith('a DEFERRABLE foreign key of "child" to "parent" was broken before it')
    shop.write("DELETE FROM child WHERE id = 4")
    shop.run("drain --cutover")
    assert len(children(shop)) == 3
