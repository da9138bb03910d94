"""The round trip: a module that was made of a catalog gives that catalog again, and reads as a person would write it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotmig.catalog.fingerprint import differences
from hotmig.catalog.model import Catalog, Table
from hotmig.catalog.read import read_catalog
from hotmig.schema.drafts import load_text
from hotmig.schema.scaffold import module_text
from hotmig.sqlite import connect
from tests.catalog.strategies import tables
from tests.catalog.writing import Writer
from tests.schema.databases import databases

ROOT = Path(__file__).parents[2]


def catalog_of(*statements: str) -> Catalog:
    db = connect(":memory:")
    for statement in statements:
        db.execute(statement)
    return read_catalog(db)


def round_trip(catalog: Catalog) -> str:
    """The module, which must give the catalog again, and from that the same module."""
    text = module_text(catalog)
    made = load_text(text).catalog
    assert differences(catalog, made) == ()
    assert module_text(made) == text
    assert max(map(len, text.splitlines())) <= 120
    return text


def module_of(*statements: str) -> str:
    """What stands in the module below its imports."""
    text = round_trip(catalog_of(*statements))
    return text[text.index("@table") :]


ZOO: dict[str, tuple[str, ...]] = {
    "keys": (
        "CREATE TABLE alias(id INTEGER PRIMARY KEY)",
        "CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL)",
        "CREATE TABLE no_alias(id INTEGER PRIMARY KEY DESC)",
        "CREATE TABLE nullable(code TEXT PRIMARY KEY)",
        "CREATE TABLE not_nullable(code TEXT NOT NULL PRIMARY KEY ON CONFLICT REPLACE)",
        "CREATE TABLE composite(a INT, b TEXT NOT NULL, c, PRIMARY KEY (a, c))",
        "CREATE TABLE turned(a INT, b TEXT, PRIMARY KEY (b COLLATE NOCASE DESC, a) ON CONFLICT IGNORE)",
        "CREATE TABLE twice(a, b, PRIMARY KEY (a, a))",
        "CREATE TABLE packed(a TEXT, b INTEGER, PRIMARY KEY (a, b DESC)) WITHOUT ROWID",
        "CREATE TABLE packed_integer(id INTEGER PRIMARY KEY) WITHOUT ROWID",
        "CREATE TABLE bare(x)",
    ),
    "types": (
        "CREATE TABLE loose(a, b NOT NULL, c DEFAULT 5, d VARCHAR(160), e 'VARCHAR(MAX)', f \"NOT NULL\", g double precision)",
        "CREATE TABLE words(a unsigned big int, b numeric(10,2), c numeric( 10 , 2 ), d \"a-b\" NOT NULL, e [1], f replace)",
        "CREATE TABLE meant(a BOOLEAN NOT NULL DEFAULT 0, b DATETIME, c DATE, d TIMESTAMP NOT NULL, e bool DEFAULT TRUE)",
        "CREATE TABLE hard(a INT, b INTEGER, c REAL, d TEXT, e BLOB NOT NULL, f ANY, g ANY NOT NULL) STRICT",
        "CREATE TABLE hard_packed(a ANY PRIMARY KEY, b INT NOT NULL) STRICT, WITHOUT ROWID",
    ),
    "defaults": (
        "CREATE TABLE numbers(a INT DEFAULT -1, b INT DEFAULT +1, c INT DEFAULT 0x10, d INT DEFAULT 9223372036854775808)",
        "CREATE TABLE reals(a REAL DEFAULT 0, b REAL DEFAULT 0.5, c DOUBLE DEFAULT 0, d REAL DEFAULT 1e3, e REAL DEFAULT 9e999)",
        "CREATE TABLE texts(a TEXT DEFAULT 'it''s \"so\"', b TEXT DEFAULT \"quoted\", c TEXT DEFAULT word, d TEXT DEFAULT 5)",
        f"CREATE TABLE long_texts(a TEXT DEFAULT '{'long ' * 60}', b TEXT DEFAULT '{'x' * 300}', c BLOB DEFAULT x'00ff5c22')",
        "CREATE TABLE made(a DEFAULT (1 + 2), b DEFAULT CURRENT_TIMESTAMP, c TEXT NOT NULL DEFAULT NULL, d TEXT DEFAULT NULL)",
        "CREATE TABLE conflicts(a INT NOT NULL ON CONFLICT REPLACE DEFAULT 1, b UNIQUE ON CONFLICT IGNORE)",
    ),
    "constraints": (
        "CREATE TABLE one(a CHECK (a > 0) CHECK (a < 9), b CONSTRAINT small CHECK (b < 5), c, CHECK (a <> b), CHECK (1))",
        "CREATE TABLE two(a COLLATE NOCASE UNIQUE, b, c, UNIQUE (b, c), UNIQUE (a COLLATE BINARY), UNIQUE (b DESC))",
        "CREATE TABLE three(a, b, UNIQUE (a, b) ON CONFLICT REPLACE, CONSTRAINT \"\" CHECK (a <> b))",
        "CREATE TABLE texts(a CHECK (a IN (\"x\", 'y')), \"b c\" CHECK (\"b c\" > \"rowid\"))",
        f"CREATE TABLE long(a, CHECK ({' AND '.join(['a <> 5'] * 40)}), CHECK (a <> '{'z' * 300}'))",
    ),
    "generated": (
        "CREATE TABLE g(a INT, b INT AS (a + 1), c INT NOT NULL GENERATED ALWAYS AS (a || \"x\") STORED, d AS (b) COLLATE NOCASE)",
    ),
    "indexes": (
        "CREATE TABLE t(a, b COLLATE NOCASE, \"c d\", \"a DESC\", \"lower(a)\")",
        "CREATE INDEX ix_t_a ON t(a)",
        "CREATE UNIQUE INDEX u ON t(a DESC, b COLLATE BINARY, \"c d\" COLLATE RTRIM)",
        "CREATE INDEX partial ON t(a) WHERE b IS NOT NULL AND \"c d\" = \"text\"",
        "CREATE INDEX expressions ON t(lower(a), a + 1 DESC, +b, (b || 'x') COLLATE RTRIM)",
        "CREATE INDEX column_that_looks_computed ON t(\"lower(a)\", \"a DESC\")",
        "CREATE INDEX \"\" ON t(\"no such column\")",
    ),
    "references": (
        "CREATE TABLE child(parent_id INTEGER NOT NULL REFERENCES parent, p2 INT REFERENCES parent(id), code REFERENCES parent(code))",
        "CREATE TABLE parent(id INTEGER PRIMARY KEY, code UNIQUE, other)",
        "CREATE TABLE rules(parentId INTEGER REFERENCES parent ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE extension(id INTEGER PRIMARY KEY REFERENCES parent, note TEXT)",
        "CREATE TABLE tree(id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES tree, parent TEXT)",
        "CREATE TABLE hen(id INTEGER PRIMARY KEY, egg_id INTEGER REFERENCES egg)",
        "CREATE TABLE egg(id INTEGER PRIMARY KEY, hen_id INTEGER NOT NULL REFERENCES hen)",
        "CREATE TABLE key_circle(id INTEGER PRIMARY KEY REFERENCES key_circle_2)",
        "CREATE TABLE key_circle_2(id INTEGER PRIMARY KEY REFERENCES key_circle)",
        "CREATE TABLE several(a INTEGER REFERENCES parent REFERENCES tree(id) REFERENCES parent(other))",
        "CREATE TABLE room(house TEXT, number INT, floor, PRIMARY KEY (house, number), UNIQUE (floor, number))",
        "CREATE TABLE guest(h TEXT, n INT, f, FOREIGN KEY (h, n) REFERENCES room, FOREIGN KEY (n, f) REFERENCES room(number, floor))",
        "CREATE TABLE misfit(a REFERENCES room, b REFERENCES missing, c REFERENCES Parent2(x), d REFERENCES parent(other))",
        "CREATE TABLE to_collated(a REFERENCES collated(c))",
        "CREATE TABLE collated(c COLLATE NOCASE, UNIQUE (c COLLATE BINARY))",
        "CREATE TABLE default_parent(p INTEGER NOT NULL DEFAULT 1 REFERENCES parent)",
        "CREATE TABLE Parent3(x)",
        "CREATE TABLE to_missing_class(a REFERENCES Missing3)",
    ),
    "names": (
        'CREATE TABLE "rowid"(x)',
        'CREATE TABLE "_migration"(_x, __y, "__init__", "class", "self", "table", "Key", "Column", "int", "Annotated", "auto")',
        "CREATE TABLE fence_orders(id INTEGER PRIMARY KEY)",
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, OrderDate DATETIME, dt DATETIME, Decimal NUMERIC)",
        'CREATE TABLE "order"(id INTEGER PRIMARY KEY, a_b, "a b", "a-b", "a.b", aB)',
        'CREATE TABLE "a b"(x)',
        'CREATE TABLE "a-b"(x)',
        'CREATE TABLE "a.b"("it\'s", "say ""so""", "`tick`", "[bracket]", "new\nline", "back\\slash", "tab\t")',
        'CREATE TABLE ""(""  TEXT)',
        'CREATE TABLE "😀"("😀", "😁", "名前", "ﬁ", "é")',
        'CREATE TABLE "None"("None", "True", "select")',
        'CREATE TABLE "Key"("1", "2nd", "_", "__")',
        f'CREATE TABLE "{"long " * 40}"("{"column " * 30}", "{"column " * 31}", "{"x" * 200}" REFERENCES "{"long " * 40}")',
    ),
    "views": (
        "CREATE TABLE t(a, b)",
        "CREATE VIEW t_totals AS SELECT a, sum(b) FROM t GROUP BY a",
        "CREATE VIEW Named(x, y) AS SELECT a, b FROM t",
        "CREATE VIEW \"over views\" /* why */ AS SELECT x FROM Named -- because\n",
        "CREATE VIEW Tabs AS\r\n\tSELECT a,  \r\n\t\t'\\' AS \"back\\slash\"\r\n\tFROM t WHERE a <> '\"\"\"'",
        "CREATE VIEW text_in_double_quotes AS SELECT * FROM t WHERE a = \"x\"",
        "CREATE VIEW over_nothing AS SELECT x FROM gone",
        "CREATE VIEW over_that AS SELECT * FROM over_nothing",
        f"CREATE VIEW wide AS SELECT {', '.join(f'a AS column_{number}' for number in range(40))} FROM t",
    ),
    "triggers": (
        "CREATE TABLE t(a, b)",
        "CREATE TABLE log(a)",
        "CREATE VIEW v AS SELECT a FROM t",
        "CREATE TRIGGER fine AFTER INSERT ON t WHEN new.a > 0 BEGIN\n    INSERT INTO log VALUES (new.a);\nEND",
        "CREATE TRIGGER instead INSTEAD OF INSERT ON v BEGIN INSERT INTO t(a) VALUES (new.a); END",
        "CREATE TRIGGER into_nothing AFTER DELETE ON t BEGIN INSERT INTO gone VALUES (1); END",
        "CREATE TRIGGER of_nothing AFTER UPDATE OF gone ON t BEGIN SELECT 1; END",
        "CREATE TRIGGER follows AFTER INSERT ON log BEGIN DELETE FROM t; END",
        "CREATE TRIGGER text AFTER UPDATE ON t BEGIN SELECT \"text\"; END",
    ),
    "virtual tables": (
        "CREATE TABLE doc(id INTEGER PRIMARY KEY, body TEXT)",
        "CREATE VIRTUAL TABLE doc_text USING fts5(body,   content='doc', content_rowid='id', tokenize = \"porter ascii\")",
        "CREATE VIRTUAL TABLE \"a box\" USING rtree(id, x0, x1)",
        "CREATE VIEW found AS SELECT * FROM doc_text",
        "CREATE TRIGGER doc_added AFTER INSERT ON doc BEGIN INSERT INTO doc_text(rowid, body) VALUES (new.id, new.body); END",
    ),
    "nothing": (),
    "two thousand columns": (f"CREATE TABLE wide({', '.join(f'Column{number} INT' for number in range(2000))})",),
}  # fmt: skip


@pytest.mark.parametrize("name", ZOO)
def test_the_round_trip(name: str) -> None:
    round_trip(catalog_of(*ZOO[name]))


@settings(max_examples=150, deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_the_round_trip_of_any_table_however_it_is_spelled(table: Table, dice: Any) -> None:
    round_trip(catalog_of(*Writer(dice).statements(table)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(databases())
def test_the_round_trip_of_any_database(statements: list[str]) -> None:
    text = round_trip(catalog_of(*statements))
    assert formatted(text) == text


def formatted(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules of the zoo as files."""
    directory = tmp_path_factory.mktemp("zoo")
    for name, statements in ZOO.items():
        (directory / f"{name.replace(' ', '_')}.py").write_text(module_text(catalog_of(*statements)))
    return directory


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "format", "--isolated", "--line-length", "120", "--diff"),
        ("ruff", "check", "--isolated", "--line-length", "120", "--select", "E,F,W,I,N,UP,B"),
        ("mypy", "--strict", "--cache-dir"),
    ],
    ids=["ruff format", "ruff check", "mypy"],
)
def test_modules_please_the_tools(command: tuple[str, ...], modules: Path, tmp_path: Path) -> None:
    cache = [str(tmp_path)] if command[-1] == "--cache-dir" else []
    done = subprocess.run(
        [sys.executable, "-m", *command, *cache, str(modules)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
